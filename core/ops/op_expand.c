/* SPDX-License-Identifier: MIT */
/* Repeats a tensor along axes of size 1 until it has the wanted shape. */
#include "core/graph/op.h"
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/strided.h"

#include <inttypes.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_expand_attr *a = n->attr;
    qns_shape want = {.rank = (int32_t)a->n};
    QNS_TRY(qns_infer_same(out, n, in, err));
    for (int64_t i = 0; i < a->n; i++)
        want.dim[i] = a->v[i];
    QNS_TRY(qns_shape_check(&want, err));
    return qns_broadcast_shape(&out[0].shape, &in[0].shape, &want, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_expand_attr *a = attr;
    size_t count;
    QNS_TRY(qns_onnx_ints(a->v, &count, QNS_MAX_RANK, n, 1, "shape", err));
    a->n = (int64_t)count;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_expand_attr *a = n->attr;
    w->type = "Expand";
    return qns_onnx_add_ints(w, "shape", a->v, (size_t)a->n, err);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    qns_block_copy b = {.shape = c->out[0].shape, .size = qns_dtype_size(x->dtype)};
    int64_t step[QNS_MAX_RANK];
    const int32_t lead = b.shape.rank - x->shape.rank;
    qns_strides_of(b.dst_step, &c->out[0]);
    qns_strides_of(step, x);
    for (int32_t i = 0; i < b.shape.rank; i++)
        b.src_step[i] = i < lead || x->shape.dim[i - lead] == 1 ? 0 : step[i - lead];
    qns_copy_block(c->out[0].data, x->data, &b);
}

static const qns_impl any = {.name = "expand", .reject = qns_reject_not_moved, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Expand", 8, read}, {NULL, 0, NULL}};

const qns_op qns_op_expand = {
    .name = "expand",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_expand_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
