/* SPDX-License-Identifier: MIT */
/* Picks one element for each index, along an axis. A constant index outside is an error; one that
 * is computed at run time is moved to the nearest entry, because a run cannot fail. */
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/scatter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    const qns_shape *x = &in[0].shape;
    QNS_TRY(qns_axis_resolve(&axis, ((const qns_gather_attr *)n->attr)->axis, x->rank, err));
    QNS_TRY(qns_index_check(x, axis, &in[1], err));
    QNS_TRY(qns_infer_same(out, n, in, err));
    out[0].shape = in[1].shape;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_int(&((qns_gather_attr *)attr)->axis, n->attrs, "axis", 0, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "GatherElements";
    return qns_attrs_add_int(&w->attrs, "axis", ((const qns_gather_attr *)n->attr)->axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "axis %" PRId64, ((const qns_gather_attr *)n->attr)->axis);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    const size_t size = qns_dtype_size(x->dtype);
    char *y = c->out[0].data;
    qns_index_walk w;
    qns_index_init(&w, &x->shape, &c->in[1], ((const qns_gather_attr *)c->node->attr)->axis);
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++)
        memcpy(y + i * size, (const char *)x->data + qns_index_next(&w) * size, size);
}

static const qns_impl any = {.name = "gather_elements", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"GatherElements", 11, read}, {NULL, 0, NULL}};

const qns_op qns_op_gather_elements = {
    .name = "gather_elements",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(qns_gather_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
