/* SPDX-License-Identifier: MIT */
/* Reshape, Flatten, Squeeze and Unsqueeze: the same elements in row-major order under another
 * shape. The target is kept as the model says it, so that a model made for any batch size stays
 * one. */
#include "core/ops/op_reshape.h"

#include "core/graph/op.h"
#include "core/ops/op_help.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static qns_status target(qns_shape *s, const qns_reshape_attr *a, const qns_shape *in, qns_err *err)
{
    int32_t rest = -1;
    size_t known = 1;
    const size_t count = qns_shape_count(in);
    *s = (qns_shape){.rank = (int32_t)a->n};
    for (int32_t i = 0; i < s->rank; i++) {
        int64_t d = a->v[i];
        if (d == 0 && !a->allow_zero) {
            if (i >= in->rank)
                QNS_FAIL(err, SHAPE, "target keeps the size of axis %d, which %s does not have",
                         (int)i, qns_shape_str(in).s);
            d = in->dim[i];
        } else if (d == -1 && rest < 0) {
            rest = i;
            d = 1;
        } else if (d < 0) {
            QNS_FAIL(err, SHAPE, "target has the size %" PRId64, d);
        }
        s->dim[i] = d;
        if (__builtin_mul_overflow(known, (size_t)d, &known))
            QNS_FAIL(err, SHAPE, "target is too large");
    }
    if (rest >= 0 && known > 0 && count % known == 0)
        s->dim[rest] = (int64_t)(count / known);
    else if (rest >= 0 && count == 0)
        s->dim[rest] = 0;
    else if (rest >= 0 || known != count)
        QNS_FAIL(err, SHAPE, "%s has %zu elements, the target %zu", qns_shape_str(in).s, count,
                 known);
    return QNS_OK;
}

/* Marks the axes of v within a shape of this rank. */
static qns_status marked(bool mark[QNS_MAX_RANK], const qns_reshape_attr *a, int32_t rank,
                         qns_err *err)
{
    memset(mark, 0, QNS_MAX_RANK * sizeof *mark);
    for (int64_t i = 0; i < a->n; i++) {
        int32_t axis;
        QNS_TRY(qns_axis_resolve(&axis, a->v[i], rank, err));
        if (mark[axis])
            QNS_FAIL(err, SHAPE, "axis %d is named twice", (int)axis);
        mark[axis] = true;
    }
    return QNS_OK;
}

static qns_status squeezed(qns_shape *s, const qns_reshape_attr *a, const qns_shape *in,
                           qns_err *err)
{
    bool drop[QNS_MAX_RANK];
    QNS_TRY(marked(drop, a, in->rank, err));
    *s = (qns_shape){0};
    for (int32_t i = 0; i < in->rank; i++) {
        if (drop[i] && in->dim[i] != 1)
            QNS_FAIL(err, SHAPE, "cannot drop axis %d of %s", (int)i, qns_shape_str(in).s);
        if (!(drop[i] || (a->n == 0 && in->dim[i] == 1)))
            s->dim[s->rank++] = in->dim[i];
    }
    return QNS_OK;
}

static qns_status unsqueezed(qns_shape *s, const qns_reshape_attr *a, const qns_shape *in,
                             qns_err *err)
{
    bool add[QNS_MAX_RANK];
    const int32_t rank = in->rank + (int32_t)a->n;
    if (rank > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "%d dimensions are too many", (int)rank);
    QNS_TRY(marked(add, a, rank, err));
    *s = (qns_shape){.rank = rank};
    for (int32_t i = 0, k = 0; i < rank; i++)
        s->dim[i] = add[i] ? 1 : in->dim[k++];
    return QNS_OK;
}

static qns_status flattened(qns_shape *s, const qns_reshape_attr *a, const qns_shape *in,
                            qns_err *err)
{
    const int64_t axis = a->v[0] < 0 ? a->v[0] + in->rank : a->v[0];
    if (axis < 0 || axis > in->rank)
        QNS_FAIL(err, SHAPE, "axis %" PRId64 " of %s", a->v[0], qns_shape_str(in).s);
    *s = (qns_shape){.rank = 2,
                     .dim = {(int64_t)qns_shape_span(in, 0, (int32_t)axis),
                             (int64_t)qns_shape_span(in, (int32_t)axis, in->rank)}};
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_reshape_attr *a = n->attr;
    QNS_TRY(qns_infer_same(out, n, in, err));
    switch ((qns_reshape_kind)a->kind) {
    case QNS_RESHAPE:
        return target(&out[0].shape, a, &in[0].shape, err);
    case QNS_FLATTEN:
        return flattened(&out[0].shape, a, &in[0].shape, err);
    case QNS_SQUEEZE:
        return squeezed(&out[0].shape, a, &in[0].shape, err);
    case QNS_UNSQUEEZE:
        return unsqueezed(&out[0].shape, a, &in[0].shape, err);
    }
    return QNS_OK;
}

/* ---- ONNX ---- */

static qns_status read_input(qns_reshape_attr *a, qns_onnx_node *n, const char *what, qns_err *err)
{
    size_t count;
    QNS_TRY(qns_onnx_ints(a->v, &count, QNS_MAX_RANK, n, 1, what, err));
    a->n = (int64_t)count;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status read_reshape(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_reshape_attr *a = attr;
    a->kind = QNS_RESHAPE;
    QNS_TRY(qns_attrs_int(&a->allow_zero, n->attrs, "allowzero", 0, err));
    a->allow_zero = a->allow_zero != 0;
    return read_input(a, n, "shape", err);
}

static qns_status read_flatten(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_reshape_attr *a = attr;
    a->kind = QNS_FLATTEN;
    a->n = 1;
    return qns_attrs_int(&a->v[0], n->attrs, "axis", 1, err);
}

static qns_status read_axes(qns_reshape_attr *a, qns_onnx_node *n, bool as_input, qns_err *err)
{
    if (as_input)
        return qns_onnx_given(n, 1) ? read_input(a, n, "axes", err) : QNS_OK;
    const int64_t *v;
    size_t count;
    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, "axes", err));
    if (count > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "%zu axes are too many", count);
    for (size_t i = 0; i < count; i++)
        a->v[i] = v[i];
    a->n = (int64_t)count;
    return QNS_OK;
}

static qns_status read_squeeze(void *attr, qns_onnx_node *n, qns_err *err)
{
    ((qns_reshape_attr *)attr)->kind = QNS_SQUEEZE;
    return read_axes(attr, n, n->opset >= 13, err);
}

static qns_status read_unsqueeze(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_reshape_attr *a = attr;
    a->kind = QNS_UNSQUEEZE;
    QNS_TRY(read_axes(attr, n, n->opset >= 13, err));
    if (a->n == 0)
        QNS_FAIL(err, FORMAT, "the axes are missing");
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    static const char *const type[] = {"Reshape", "Flatten", "Squeeze", "Unsqueeze"};
    const qns_reshape_attr *a = n->attr;
    w->type = type[a->kind];
    if (a->kind == QNS_FLATTEN)
        return qns_attrs_add_int(&w->attrs, "axis", a->v[0], err);
    for (int64_t i = 0; a->allow_zero && i < a->n; i++)
        if (a->v[i] == 0)
            w->since = 14;
    if (w->since)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "allowzero", 1, err));
    if (a->kind == QNS_SQUEEZE && a->n == 0)
        return QNS_OK;
    return qns_onnx_add_ints(w, a->kind == QNS_RESHAPE ? "shape" : "axes", a->v, (size_t)a->n, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    static const char *const verb[] = {"to", "flatten at", "squeeze", "unsqueeze"};
    const qns_reshape_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, "%s", verb[a->kind]);
    for (int64_t i = 0; i < a->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRId64, i ? "," : " ", a->v[i]);
}

static void run(const qns_call *c)
{
    const size_t size = qns_tensor_bytes(&c->in[0]);
    if (size && c->out[0].data != c->in[0].data)
        memcpy(c->out[0].data, c->in[0].data, size);
}

static const char *reject(const qns_call *c)
{
    if ((c->in[0].layout != QNS_ROW && !qns_layout_trivial(&c->in[0].shape)) ||
        (c->out[0].layout != QNS_ROW && !qns_layout_trivial(&c->out[0].shape)))
        return "a tensor is not row-major";
    return qns_reject_not_moved(c);
}

static const qns_impl any = {.name = "reshape", .reject = reject, .run = run, .view = true};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"Reshape", 5, read_reshape},
    {"Flatten", 1, read_flatten},
    {"Squeeze", 1, read_squeeze},
    {"Unsqueeze", 1, read_unsqueeze},
    {NULL, 0, NULL},
};

const qns_op qns_op_reshape = {
    .name = "reshape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_reshape_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
