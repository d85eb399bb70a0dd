/* SPDX-License-Identifier: MIT */
/* Resize and Upsample between ONNX and the attributes of resize. */
#include "core/ops/resize_onnx.h"

#include "core/ops/op_help.h"
#include "core/ops/op_resize.h"

#include <math.h>
#include <string.h>

const char *const qns_resize_coord_name[] = {
    "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
    "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
const char *const qns_resize_mode_name[] = {"nearest", "linear", "cubic"};
const char *const qns_resize_round_name[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                             "ceil"};

static qns_status read_choice(int64_t *out, qns_onnx_node *n, const char *name, const char *def,
                              const char *const *all, size_t count, qns_err *err)
{
    const char *text;

    QNS_TRY(qns_attrs_text(&text, n->attrs, name, def, err));
    for (size_t i = 0; i < count; i++)
        if (!strcmp(text, all[i])) {
            *out = (int64_t)i;
            return QNS_OK;
        }
    QNS_FAIL(err, UNSUPPORTED, "attribute '%s' is '%s'", name, text);
}

static qns_status read_mode(qns_resize_attr *a, qns_onnx_node *n, qns_err *err)
{
    const char *mode;

    QNS_TRY(qns_attrs_text(&mode, n->attrs, "mode", "nearest", err));
    if (!strcmp(mode, "bilinear")) /* Upsample before opset 9 */
        mode = "linear";
    while (a->mode <= QNS_RESIZE_CUBIC && strcmp(mode, qns_resize_mode_name[a->mode]) != 0)
        a->mode++;
    if (a->mode > QNS_RESIZE_CUBIC)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'mode' is '%s', must be nearest, linear or cubic",
                 mode);
    a->n = qns_gb_value(n->gb, n->in[0])->shape.rank;
    if (a->n < 3 || a->n > 5)
        QNS_FAIL(err, UNSUPPORTED, "%lld axes; 3 to 5 are supported", (long long)a->n);
    return QNS_OK;
}

/* Axes that the numbers of scales or sizes are for: all, or those of attribute 'axes'. */
static qns_status read_axes(int32_t *axis, size_t *count, const qns_resize_attr *a,
                            qns_onnx_node *n, qns_err *err)
{
    const int64_t *v;

    QNS_TRY(qns_attrs_ints(&v, count, n->attrs, "axes", err));
    if (!v)
        *count = (size_t)a->n;
    if (*count > QNS_MAX_RANK)
        QNS_FAIL(err, FORMAT, "attribute 'axes' has %zu entries", *count);
    for (size_t i = 0; i < *count; i++)
        QNS_TRY(qns_axis_resolve(&axis[i], v ? v[i] : (int64_t)i, (int32_t)a->n, err));
    return QNS_OK;
}

static qns_status set_scales(qns_resize_attr *a, const float *v, size_t n_v, const int32_t *axis,
                             size_t count, qns_err *err)
{
    if (n_v != count)
        QNS_FAIL(err, SHAPE, "there are %zu scales for %zu axes", n_v, count);
    for (int64_t i = 0; i < a->n; i++)
        a->scale[i] = 1.0;
    for (size_t i = 0; i < count; i++) {
        if (!(v[i] > 0.0f) || isinf(v[i]))
            QNS_FAIL(err, DATA, "scale %zu is %g, must be positive", i, (double)v[i]);
        a->scale[axis[i]] = (double)v[i];
    }
    return QNS_OK;
}

static qns_status read_scales(qns_resize_attr *a, qns_onnx_node *n, uint32_t slot, qns_err *err)
{
    int32_t axis[QNS_MAX_RANK];
    qns_tensor t;
    size_t count;

    QNS_TRY(read_axes(axis, &count, a, n, err));
    QNS_TRY(qns_onnx_constant(&t, n, slot, "scales", err));
    if (t.dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "input 'scales' is %s, must be float32", qns_dtype_name(t.dtype));
    return set_scales(a, t.data, qns_tensor_count(&t), axis, count, err);
}

static qns_status read_sizes(qns_resize_attr *a, qns_onnx_node *n, uint32_t slot, qns_err *err)
{
    const qns_shape x = qns_gb_value(n->gb, n->in[0])->shape;
    int32_t axis[QNS_MAX_RANK];
    int64_t v[QNS_MAX_RANK];
    size_t count, n_v;

    QNS_TRY(read_axes(axis, &count, a, n, err));
    QNS_TRY(qns_onnx_ints(v, &n_v, QNS_MAX_RANK, n, slot, "sizes", err));
    if (n_v != count)
        QNS_FAIL(err, SHAPE, "there are %zu sizes for %zu axes", n_v, count);
    a->by_size = 1;
    for (size_t i = 0; i < count; i++) {
        if (v[i] < 1 || v[i] > 1 << 30)
            QNS_FAIL(err, SHAPE, "size %zu is %lld, must be positive", i, (long long)v[i]);
        /* The batch and the channels stay what they are, also when the batch changes. */
        a->size[axis[i]] = axis[i] < 2 && v[i] == x.dim[axis[i]] ? 0 : v[i];
    }
    return QNS_OK;
}

/* An input that is there and has numbers. */
static bool has_numbers(const qns_onnx_node *n, uint32_t i)
{
    return qns_onnx_given(n, i) && qns_shape_count(&qns_gb_value(n->gb, n->in[i])->shape) > 0;
}

/* The region of interest of a crop: all starts, then all ends. */
static qns_status read_roi(qns_resize_attr *a, qns_onnx_node *n, qns_err *err)
{
    int32_t axis[QNS_MAX_RANK];
    qns_tensor t;
    size_t count;

    if (a->coord != QNS_COORD_TF_CROP_AND_RESIZE)
        return QNS_OK;
    QNS_TRY(read_axes(axis, &count, a, n, err));
    QNS_TRY(qns_onnx_constant(&t, n, 1, "roi", err));
    if (t.dtype != QNS_F32 || qns_tensor_count(&t) != 2 * count)
        QNS_FAIL(err, SHAPE, "input 'roi' is %s %s, must be %zu float32", qns_dtype_name(t.dtype),
                 qns_shape_str(&t.shape).s, 2 * count);
    for (int64_t i = 0; i < a->n; i++)
        a->roi_to[i] = 1.0f;
    for (size_t i = 0; i < count; i++) {
        const float from = qns_cf32(&t)[i], to = qns_cf32(&t)[count + i];
        if (!isfinite(from) || !isfinite(to))
            QNS_FAIL(err, DATA, "input 'roi' has %g to %g", (double)from, (double)to);
        if (axis[i] < 2 && (from != 0.0f || to != 1.0f))
            QNS_FAIL(err, UNSUPPORTED, "axis %d is cropped; only spatial axes (from 2 on) can be",
                     axis[i]);
        a->roi_from[axis[i]] = from;
        a->roi_to[axis[i]] = to;
    }
    return QNS_OK;
}

/* What the mode does not ask for stays 0, so that equal nodes have equal attributes. */
static qns_status read_details(qns_resize_attr *a, qns_onnx_node *n, qns_err *err)
{
    qns_resize_attr all = *a;

    QNS_TRY(read_choice(&all.round, n, "nearest_mode", "round_prefer_floor", qns_resize_round_name,
                        4, err));
    QNS_TRY(qns_attrs_float(&all.cubic_a, n->attrs, "cubic_coeff_a", -0.75f, err));
    QNS_TRY(qns_attrs_int(&all.exclude_outside, n->attrs, "exclude_outside", 0, err));
    QNS_TRY(qns_attrs_float(&all.extrapolation, n->attrs, "extrapolation_value", 0.0f, err));
    if (!isfinite(all.cubic_a))
        QNS_FAIL(err, FORMAT, "attribute 'cubic_coeff_a' is %g", (double)all.cubic_a);
    if (a->mode == QNS_RESIZE_NEAREST)
        a->round = all.round;
    if (a->mode == QNS_RESIZE_CUBIC) {
        a->cubic_a = all.cubic_a;
        a->exclude_outside = all.exclude_outside != 0;
    }
    if (a->coord == QNS_COORD_TF_CROP_AND_RESIZE)
        a->extrapolation = all.extrapolation;
    return QNS_OK;
}

static qns_status read_resize(qns_resize_attr *a, qns_onnx_node *n, qns_err *err)
{
    const char *policy;
    int64_t antialias;

    QNS_TRY(read_mode(a, n, err));
    QNS_TRY(read_choice(&a->coord, n, "coordinate_transformation_mode", "half_pixel",
                        qns_resize_coord_name, QNS_ARRAY_LEN(qns_resize_coord_name), err));
    QNS_TRY(read_details(a, n, err));
    QNS_TRY(qns_attrs_int(&antialias, n->attrs, "antialias", 0, err));
    QNS_TRY(qns_attrs_text(&policy, n->attrs, "keep_aspect_ratio_policy", "stretch", err));
    if (antialias)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'antialias' is 1, must be 0");
    if (has_numbers(n, 3) && strcmp(policy, "stretch") != 0)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'keep_aspect_ratio_policy' is '%s'", policy);
    QNS_TRY(read_roi(a, n, err));
    QNS_TRY(has_numbers(n, 3) ? read_sizes(a, n, 3, err) : read_scales(a, n, 2, err));
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status read_11(void *attr, qns_onnx_node *n, qns_err *err)
{
    return read_resize(attr, n, err);
}

/* Upsample, and Resize before opset 11: the position is x / scale, rounded down. */
static void old_rule(qns_resize_attr *a)
{
    a->coord = QNS_COORD_ASYMMETRIC;
    a->round = a->mode == QNS_RESIZE_NEAREST ? QNS_ROUND_FLOOR : 0;
}

static qns_status read_9(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_resize_attr *a = attr;

    QNS_TRY(read_mode(a, n, err));
    if (a->mode == QNS_RESIZE_CUBIC)
        QNS_FAIL(err, FORMAT, "attribute 'mode' is 'cubic'; that begins with Resize of opset 11");
    old_rule(a);
    QNS_TRY(read_scales(a, n, 1, err));
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status read_7(void *attr, qns_onnx_node *n, qns_err *err)
{
    static const int32_t axis[] = {0, 1, 2, 3, 4};
    qns_resize_attr *a = attr;
    const qns_attr *scales = qns_attrs_find(n->attrs, "scales");

    QNS_TRY(read_mode(a, n, err));
    if (a->mode == QNS_RESIZE_CUBIC)
        QNS_FAIL(err, FORMAT, "attribute 'mode' is 'cubic'; that begins with Resize of opset 11");
    old_rule(a);
    if (!scales || scales->kind != QNS_ATTR_FLOATS)
        QNS_FAIL(err, FORMAT, "attribute 'scales' is missing");
    return set_scales(a, scales->floats, scales->n, axis, (size_t)a->n, err);
}

static qns_status add_roi(qns_onnx_out *w, const qns_resize_attr *a, qns_err *err)
{
    float roi[2 * QNS_MAX_RANK];
    const qns_tensor t = {.dtype = QNS_F32, .shape = {.rank = 1, .dim = {2 * a->n}}, .data = roi};

    if (a->coord != QNS_COORD_TF_CROP_AND_RESIZE) {
        qns_onnx_add_none(w);
        return QNS_OK;
    }
    for (int64_t i = 0; i < a->n; i++) {
        roi[i] = a->roi_from[i];
        roi[a->n + i] = a->roi_to[i];
    }
    QNS_TRY(qns_attrs_add_float(&w->attrs, "extrapolation_value", a->extrapolation, err));
    return qns_onnx_add_tensor(w, "roi", &t, err);
}

qns_status qns_resize_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_resize_attr *a = n->attr;
    const qns_shape *x = &qns_graph_value(g, n->in[0])->shape;
    float scale[QNS_MAX_RANK];
    int64_t size[QNS_MAX_RANK];

    w->type = "Resize";
    w->since = a->coord == QNS_COORD_HALF_PIXEL_SYMMETRIC ? 19 : 0;
    QNS_TRY(qns_attrs_add_text(&w->attrs, "mode", qns_resize_mode_name[a->mode], err));
    QNS_TRY(qns_attrs_add_text(&w->attrs, "coordinate_transformation_mode",
                               qns_resize_coord_name[a->coord], err));
    if (a->mode == QNS_RESIZE_NEAREST)
        QNS_TRY(
            qns_attrs_add_text(&w->attrs, "nearest_mode", qns_resize_round_name[a->round], err));
    if (a->mode == QNS_RESIZE_CUBIC) {
        QNS_TRY(qns_attrs_add_float(&w->attrs, "cubic_coeff_a", a->cubic_a, err));
        QNS_TRY(qns_attrs_add_int(&w->attrs, "exclude_outside", a->exclude_outside, err));
    }
    for (int64_t i = 0; i < a->n; i++) {
        size[i] = a->size[i] ? a->size[i] : x->dim[i];
        scale[i] = (float)a->scale[i];
    }
    QNS_TRY(add_roi(w, a, err));
    if (a->by_size) {
        qns_onnx_add_none(w);
        return qns_onnx_add_ints(w, "sizes", size, (size_t)a->n, err);
    }
    const qns_tensor t = {.dtype = QNS_F32, .shape = {.rank = 1, .dim = {a->n}}, .data = scale};
    return qns_onnx_add_tensor(w, "scales", &t, err);
}

const qns_onnx_rule qns_resize_rules[] = {
    {"Upsample", 7, read_7}, {"Upsample", 9, read_9}, {"Resize", 10, read_9},
    {"Resize", 11, read_11}, {NULL, 0, NULL},
};
