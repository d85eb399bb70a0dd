/* SPDX-License-Identifier: MIT */
/* Axes in another order. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/strided.h"

#include <inttypes.h>
#include <stdio.h>

static int32_t source_axis(const qns_transpose_attr *a, int32_t i, int32_t rank)
{
    return a->n ? (int32_t)a->perm[i] : rank - 1 - i;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_transpose_attr *a = n->attr;
    const int32_t rank = in[0].shape.rank;
    unsigned seen = 0;
    QNS_TRY(qns_infer_same(out, n, in, err));
    if (a->n && a->n != rank)
        QNS_FAIL(err, SHAPE, "an order of %" PRId64 " axes for %s", a->n,
                 qns_shape_str(&in[0].shape).s);
    for (int64_t i = 0; i < a->n; i++) {
        if (a->perm[i] < 0 || a->perm[i] >= rank || (seen >> a->perm[i] & 1))
            QNS_FAIL(err, SHAPE, "the order of axes is no permutation");
        seen |= 1u << a->perm[i];
    }
    for (int32_t i = 0; i < rank; i++)
        out[0].shape.dim[i] = in[0].shape.dim[source_axis(a, i, rank)];
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_transpose_attr *a = attr;
    const int64_t *v;
    size_t count;
    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, "perm", err));
    if (count > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "attribute 'perm' has %zu numbers", count);
    for (size_t i = 0; i < count; i++)
        a->perm[i] = v[i];
    a->n = (int64_t)count;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_transpose_attr *a = n->attr;
    w->type = "Transpose";
    return a->n ? qns_attrs_add_ints(&w->attrs, "perm", a->perm, (size_t)a->n, err) : QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_transpose_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, a->n ? "to" : "reversed");
    for (int64_t i = 0; i < a->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRId64, i ? "," : " ", a->perm[i]);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    qns_block_copy b = {.shape = c->out[0].shape, .size = qns_dtype_size(x->dtype)};
    int64_t step[QNS_MAX_RANK];
    qns_strides_of(b.dst_step, &c->out[0]);
    qns_strides_of(step, x);
    for (int32_t i = 0; i < x->shape.rank; i++)
        b.src_step[i] = step[source_axis(c->node->attr, i, x->shape.rank)];
    qns_copy_block(c->out[0].data, x->data, &b);
}

static const qns_impl any = {.name = "transpose", .reject = qns_reject_not_moved, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Transpose", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_transpose = {
    .name = "transpose",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_transpose_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
