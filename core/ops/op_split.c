/* SPDX-License-Identifier: MIT */
/* Cuts a tensor into up to 8 parts along an axis. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/strided.h"

#include <inttypes.h>
#include <stdio.h>

/* Size of part i of an axis of size d. */
static int64_t part(const qns_split_attr *a, int64_t i, int64_t d)
{
    const int64_t even = (d + a->n - 1) / a->n;
    int64_t named = 0;
    for (int64_t k = 0; k < a->n; k++)
        named |= a->size[k];
    if (named)
        return a->size[i];
    return d - i * even < even ? (d > i * even ? d - i * even : 0) : even;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_split_attr *a = n->attr;
    int32_t axis;
    int64_t sum = 0;
    QNS_TRY(qns_axis_resolve(&axis, a->axis, in[0].shape.rank, err));
    if (a->n != n->n_out)
        QNS_FAIL(err, SHAPE, "%" PRId64 " parts for %u outputs", a->n, n->n_out);
    for (int64_t i = 0; i < a->n; i++) {
        out[i].dtype = in[0].dtype;
        out[i].qp = in[0].qp;
        out[i].shape = in[0].shape;
        out[i].shape.dim[axis] = part(a, i, in[0].shape.dim[axis]);
        sum += out[i].shape.dim[axis];
    }
    if (sum != in[0].shape.dim[axis])
        QNS_FAIL(err, SHAPE, "the parts have %" PRId64 " of %" PRId64 " along axis %d", sum,
                 in[0].shape.dim[axis], (int)axis);
    return QNS_OK;
}

static qns_status set(qns_split_attr *a, const qns_onnx_node *n, const int64_t *v, size_t count,
                      qns_err *err)
{
    a->n = n->n_out;
    if (a->n < 1 || a->n > QNS_MAX_OUT)
        QNS_FAIL(err, UNSUPPORTED, "%" PRId64 " parts; 1 to %d are supported", a->n, QNS_MAX_OUT);
    if (count && count != (size_t)a->n)
        QNS_FAIL(err, FORMAT, "%zu sizes for %" PRId64 " parts", count, a->n);
    for (size_t i = 0; i < count; i++) {
        if (v[i] < 0 || v[i] > INT32_MAX)
            QNS_FAIL(err, FORMAT, "a part of size %" PRId64, v[i]);
        a->size[i] = v[i];
    }
    return QNS_OK;
}

static qns_status read_2(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_split_attr *a = attr;
    const int64_t *v;
    size_t count;
    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", 0, err));
    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, "split", err));
    return set(a, n, v, count, err);
}

static qns_status read_13(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_split_attr *a = attr;
    int64_t v[QNS_MAX_OUT], n_outputs;
    size_t count = 0;
    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", 0, err));
    QNS_TRY(qns_attrs_int(&n_outputs, n->attrs, "num_outputs", n->n_out, err));
    if (qns_onnx_given(n, 1))
        QNS_TRY(qns_onnx_ints(v, &count, QNS_MAX_OUT, n, 1, "split", err));
    qns_onnx_keep_inputs(n, 1);
    return set(a, n, v, count, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_split_attr *a = n->attr;
    const qns_shape *s = &qns_graph_value(g, n->in[0])->shape;
    const int64_t axis = a->axis < 0 ? a->axis + s->rank : a->axis;
    int64_t v[QNS_MAX_OUT];
    for (int64_t i = 0; i < a->n; i++)
        v[i] = part(a, i, s->dim[axis]);
    w->type = "Split";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", a->axis, err));
    return qns_onnx_add_ints(w, "split", v, (size_t)a->n, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_split_attr *a = n->attr;
    snprintf(out, size, "axis %" PRId64 " into %" PRId64, a->axis, a->n);
}

static const char *reject(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_out; i++)
        if (c->out[i].dtype != c->in[0].dtype || !qns_same_qp(&c->out[i], &c->in[0]))
            return "an output has another type or other quantization parameters than the input";
    return qns_reject_not_moved(c);
}

static void run(const qns_call *c)
{
    const qns_split_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0];
    const int64_t axis = a->axis < 0 ? a->axis + x->shape.rank : a->axis;
    int64_t at = 0;
    for (int64_t i = 0; i < a->n; i++) {
        qns_block_copy b = {.shape = c->out[i].shape, .size = qns_dtype_size(x->dtype)};
        qns_strides_of(b.dst_step, &c->out[i]);
        qns_strides_of(b.src_step, x);
        qns_copy_block(c->out[i].data,
                       (const char *)x->data + (size_t)(at * b.src_step[axis]) * b.size, &b);
        at += c->out[i].shape.dim[axis];
    }
}

static const qns_impl any = {.name = "split", .reject = reject, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"Split", 2, read_2}, {"Split", 13, read_13}, {NULL, 0, NULL}};

const qns_op qns_op_split = {
    .name = "split",
    .min_in = 1,
    .max_in = 1,
    .n_out = QNS_MAX_OUT,
    .attr_size = sizeof(qns_split_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
