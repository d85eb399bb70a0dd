/* SPDX-License-Identifier: MIT */
/* A copy of a tensor in which single elements are replaced by, or combined with, updates; an index
 * along one axis says where each goes. Of two updates of one element the later one counts. */
#include "core/ops/op_help.h"
#include "core/ops/scatter.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    const qns_shape *x = &in[0].shape;
    QNS_TRY(qns_axis_resolve(&axis, ((const qns_scatter_attr *)n->attr)->axis, x->rank, err));
    QNS_TRY(qns_index_check(x, axis, &in[1], err));
    if (in[2].dtype != in[0].dtype || !qns_shape_equal(&in[1].shape, &in[2].shape))
        QNS_FAIL(err, SHAPE, "updates are %s %s, must be %s %s", qns_dtype_name(in[2].dtype),
                 qns_shape_str(&in[2].shape).s, qns_dtype_name(in[0].dtype),
                 qns_shape_str(&in[1].shape).s);
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    QNS_TRY(qns_attrs_int(&((qns_scatter_attr *)attr)->axis, n->attrs, "axis", 0, err));
    return qns_scatter_read(attr, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", ((const qns_scatter_attr *)n->attr)->axis, err));
    return qns_scatter_write(w, "ScatterElements", n, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "axis %" PRId64, ((const qns_scatter_attr *)n->attr)->axis);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    const qns_scatter_attr *a = c->node->attr;
    qns_index_walk w;
    if (qns_tensor_bytes(x) && c->out[0].data != x->data)
        memcpy(c->out[0].data, x->data, qns_tensor_bytes(x));
    qns_index_init(&w, &x->shape, &c->in[1], a->axis);
    for (size_t i = 0; i < qns_tensor_count(&c->in[1]); i++)
        qns_scatter_put(&c->out[0], qns_index_next(&w), &c->in[2], i, a->how);
}

static const qns_impl any = {
    .name = "scatter_elements", .reject = qns_reject_not_plain, .run = run, .in_place = true};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"ScatterElements", 11, read}, {"Scatter", 9, read}, {NULL, 0, NULL}};

const qns_op qns_op_scatter_elements = {
    .name = "scatter_elements",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_scatter_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
