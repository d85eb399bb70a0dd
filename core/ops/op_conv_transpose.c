/* SPDX-License-Identifier: MIT */
/* Transposed convolution over 1 to 3 spatial axes, with groups. The weight stays as ONNX has it,
 * [in, out / groups, kernel...]. It is computed as a convolution: the pixels of the input stand
 * `stride` apart with padding between them, and the reversed kernel slides over them by 1. */
#include "core/ops/conv_impl.h"

#include <stdio.h>
#include <string.h>

enum { SIZE_LIMIT = 1 << 30 };

/* How much of the full output is cut off in front when `total` is to be cut off. */
static int64_t cut_front(int64_t total, int64_t auto_pad)
{
    if (total < 0)
        return 0;
    return auto_pad == QNS_PAD_SAME_UPPER ? total / 2 : total - total / 2;
}

static qns_status lay_axis(qns_geom *g, int32_t j, int32_t i, const qns_conv_transpose_attr *a,
                           qns_err *err)
{
    const qns_window *w = &a->conv.win;
    const int64_t span = (w->kernel[i] - 1) * w->dilation[i] + 1, up = w->stride[i];
    int64_t front = w->pad_lo[i];

    if (g->in[j] < 1 || g->in[j] > SIZE_LIMIT)
        QNS_FAIL(err, SHAPE, "the input has size %lld, must be 1 to %d", (long long)g->in[j],
                 SIZE_LIMIT);
    const int64_t full = (g->in[j] - 1) * up + span + a->out_pad[i];

    if (a->out_size[i] || w->auto_pad == QNS_PAD_SAME_UPPER || w->auto_pad == QNS_PAD_SAME_LOWER) {
        g->out[j] = a->out_size[i] ? a->out_size[i] : g->in[j] * up;
        front = cut_front(full - g->out[j], w->auto_pad);
    } else if (w->auto_pad == QNS_PAD_VALID) {
        front = 0;
        g->out[j] = full;
    } else {
        g->out[j] = full - front - w->pad_hi[i];
    }
    if (g->out[j] < 1 || g->out[j] > SIZE_LIMIT)
        QNS_FAIL(err, SHAPE, "the output would have size %lld, must be 1 to %d",
                 (long long)g->out[j], SIZE_LIMIT);
    g->kernel[j] = w->kernel[i];
    g->dilation[j] = w->dilation[i];
    g->up[j] = up;
    g->pad_lo[j] = span - 1 - front;
    return QNS_OK;
}

qns_status qns_conv_transpose_lay(qns_geom *g, const qns_conv_transpose_attr *a,
                                  const qns_shape *in, qns_err *err)
{
    const int32_t rank = (int32_t)a->conv.win.rank, lead = QNS_SPATIAL - rank;

    if (in->rank != rank + 2)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have %d", in->rank, rank + 2);
    memset(g, 0, sizeof *g);
    g->in_pixels = g->out_pixels = g->taps = 1;
    for (int32_t j = 0; j < QNS_SPATIAL; j++) {
        g->in[j] = j < lead ? 1 : in->dim[j - lead + 2];
        g->out[j] = g->kernel[j] = g->stride[j] = g->dilation[j] = g->up[j] = 1;
        if (j >= lead)
            QNS_TRY(lay_axis(g, j, j - lead, a, err));
        g->in_pixels *= (size_t)g->in[j];
        g->out_pixels *= (size_t)g->out[j];
        g->taps *= (size_t)g->kernel[j];
        if (g->taps > SIZE_LIMIT)
            QNS_FAIL(err, UNSUPPORTED, "the window has more than %d taps", SIZE_LIMIT);
    }
    return QNS_OK;
}

static qns_status check_channels(const qns_conv_transpose_attr *a, const qns_tensor *in,
                                 bool has_bias, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *w = &in[1].shape;
    const int64_t groups = a->conv.groups;

    if (x->rank < 3 || x->rank > 2 + QNS_SPATIAL)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have 3 to 5", x->rank);
    if (w->rank != x->rank)
        QNS_FAIL(err, SHAPE, "the weight has %d axes, must have %d as the input", w->rank, x->rank);
    if (x->dim[1] < 1 || w->dim[0] != x->dim[1])
        QNS_FAIL(err, SHAPE, "the weight takes %lld channels, the input has %lld",
                 (long long)w->dim[0], (long long)x->dim[1]);
    if (groups < 1 || x->dim[1] % groups)
        QNS_FAIL(err, SHAPE, "the input has %lld channels, must be a multiple of group %lld",
                 (long long)x->dim[1], (long long)groups);
    if (w->dim[1] < 1 || w->dim[1] > SIZE_LIMIT)
        QNS_FAIL(err, SHAPE, "the weight has %lld output channels in a group, must be 1 to %d",
                 (long long)w->dim[1], SIZE_LIMIT);
    for (int32_t i = 0; i < a->conv.win.rank && i + 2 < w->rank; i++)
        if (w->dim[i + 2] != a->conv.win.kernel[i])
            QNS_FAIL(err, SHAPE, "the weight has size %lld on axis %d, the kernel %lld",
                     (long long)w->dim[i + 2], i + 2, (long long)a->conv.win.kernel[i]);
    if (has_bias && (in[2].shape.rank != 1 || in[2].shape.dim[0] != w->dim[1] * groups))
        QNS_FAIL(err, SHAPE, "the bias has shape %s, must be [%lld]", qns_shape_str(&in[2].shape).s,
                 (long long)(w->dim[1] * groups));
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_conv_transpose_attr *a = n->attr;
    const bool has_bias = n->n_in > 2 && in[2].dtype != QNS_DTYPE_COUNT;
    qns_geom g;

    QNS_TRY(check_channels(a, in, has_bias, err));
    QNS_TRY(qns_conv_transpose_lay(&g, a, &in[0].shape, err));
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    out[0].shape.dim[1] = in[1].shape.dim[1] * a->conv.groups;
    qns_geom_out_shape(&out[0].shape, &g, in[0].shape.rank);
    return QNS_OK;
}

static qns_status read_sizes(int64_t *out, qns_onnx_node *n, const char *name, int64_t rank,
                             qns_err *err)
{
    const int64_t *v;
    size_t count;

    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, name, err));
    /* Some exporters give output_shape with the batch and the channels in front. */
    if (v && !strcmp(name, "output_shape") && count == (size_t)rank + 2) {
        v += 2;
        count -= 2;
    }
    if (v && count != (size_t)rank)
        QNS_FAIL(err, FORMAT, "attribute '%s' has %zu entries, must have %lld", name, count,
                 (long long)rank);
    for (int64_t i = 0; v && i < rank; i++) {
        if (v[i] < 0 || v[i] > SIZE_LIMIT)
            QNS_FAIL(err, FORMAT, "attribute '%s' has the entry %lld, must be 0 to %d", name,
                     (long long)v[i], SIZE_LIMIT);
        out[i] = v[i];
    }
    return QNS_OK;
}

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_conv_transpose_attr *a = attr;

    if (n->n_in < 2 || !qns_has(n->in[1]))
        QNS_FAIL(err, FORMAT, "the weight is missing");
    const qns_shape w = qns_gb_value(n->gb, n->in[1])->shape;
    if (w.rank < 3)
        QNS_FAIL(err, SHAPE, "the weight has %d axes, must have at least 3", w.rank);
    QNS_TRY(qns_window_read(&a->conv.win, n->attrs, w.rank - 2, w.dim + 2, err));
    QNS_TRY(qns_attrs_int(&a->conv.groups, n->attrs, "group", 1, err));
    if (a->conv.groups < 1 || a->conv.groups > w.dim[0])
        QNS_FAIL(err, FORMAT, "attribute 'group' is %lld, must be 1 to %lld",
                 (long long)a->conv.groups, (long long)w.dim[0]);
    QNS_TRY(read_sizes(a->out_pad, n, "output_padding", a->conv.win.rank, err));
    QNS_TRY(read_sizes(a->out_size, n, "output_shape", a->conv.win.rank, err));
    if (n->n_in == 3 && !qns_has(n->in[2]))
        n->n_in = 2;
    return QNS_OK;
}

static qns_status write_onnx(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_conv_transpose_attr *a = n->attr;
    const qns_window *win = &a->conv.win;
    const size_t rank = (size_t)win->rank, lead = QNS_SPATIAL - rank;
    int64_t pads[2 * QNS_SPATIAL], out_pad[QNS_SPATIAL];
    bool dilated = false, padded = false;
    qns_geom geo;

    QNS_TRY(qns_conv_transpose_lay(&geo, a, &qns_graph_value(g, n->in[0])->shape, err));
    for (size_t i = 0, j = lead; i < rank; i++, j++) {
        const int64_t span = (win->kernel[i] - 1) * win->dilation[i] + 1;
        const int64_t front = span - 1 - geo.pad_lo[j];
        int64_t back = (geo.in[j] - 1) * geo.up[j] + span + a->out_pad[i] - front - geo.out[j];

        out_pad[i] = a->out_pad[i] + (back < 0 ? -back : 0);
        pads[i] = front;
        pads[rank + i] = back < 0 ? 0 : back;
        dilated |= win->dilation[i] != 1;
        padded |= out_pad[i] != 0;
    }
    w->type = "ConvTranspose";
    QNS_TRY(qns_attrs_add_ints(&w->attrs, "kernel_shape", win->kernel, rank, err));
    QNS_TRY(qns_attrs_add_ints(&w->attrs, "strides", win->stride, rank, err));
    QNS_TRY(qns_attrs_add_ints(&w->attrs, "pads", pads, 2 * rank, err));
    if (dilated)
        QNS_TRY(qns_attrs_add_ints(&w->attrs, "dilations", win->dilation, rank, err));
    if (padded)
        QNS_TRY(qns_attrs_add_ints(&w->attrs, "output_padding", out_pad, rank, err));
    if (a->conv.groups != 1)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "group", a->conv.groups, err));
    return QNS_OK;
}

/* Spec 7.1, along axis 1 of the weight. */
static qns_status fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                              const qns_affine *a, qns_err *err)
{
    const qns_conv_attr *attr = n->attr;

    return qns_fold_affine(gb, in, n_in, n, a, (qns_fold_kind){.transposed = attr->groups}, err);
}

/* Every input element meets every weight of its channel. */
static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const qns_shape *w = &in[1].shape;

    return (uint64_t)qns_tensor_count(&in[0]) * (uint64_t)qns_shape_span(w, 1, w->rank);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_conv_transpose_attr *a = n->attr;
    size_t len;

    qns_window_describe(out, size, &a->conv.win);
    len = strlen(out);
    if (a->conv.groups > 1 && len < size)
        len += (size_t)snprintf(out + len, size - len, " groups %lld", (long long)a->conv.groups);
    for (int64_t i = 0; i < a->conv.win.rank && len < size; i++)
        if (a->out_pad[i] || a->out_size[i])
            len += (size_t)snprintf(out + len, size - len, " out%lld %lld+%lld", (long long)i,
                                    (long long)a->out_size[i], (long long)a->out_pad[i]);
}

static const qns_impl *const impls[] = {
    &qns_conv_transpose_u8s8_fbgemm,   &qns_conv_transpose_u8s8_onnx,
    &qns_conv_transpose_u8s8_qnnpack,  &qns_conv_transpose_f32_onednn,
    &qns_conv_transpose_f32_reference, NULL};

static const qns_onnx_rule rules[] = {
    {"ConvTranspose", 1, read_onnx},
    {NULL, 0, NULL},
};

const qns_op qns_op_conv_transpose = {
    .name = "conv_transpose",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_conv_transpose_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = write_onnx,
    /* One scale for all of the weight, on every backend (spec 3.3 and 5.1). */
    .quant = {.out = QNS_OUT_OWN, .weight = 1, .bias = 2, .weight_axis = -1},
    .takes_clamp = true,
    .fold_affine = fold_affine,
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
