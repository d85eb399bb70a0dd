/* SPDX-License-Identifier: MIT */
/* 1 where the largest number along an axis is (the first of equal ones), 0 elsewhere. Before opset
 * 13 all axes from the given one on count as one. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct hardmax_attr {
    int64_t axis, flat;
} hardmax_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    QNS_TRY(qns_axis_resolve(&axis, ((const hardmax_attr *)n->attr)->axis, in[0].shape.rank, err));
    if (in[0].dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    hardmax_attr *a = attr;
    a->flat = n->opset < 13;
    return qns_attrs_int(&a->axis, n->attrs, "axis", a->flat ? 1 : -1, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const hardmax_attr *a = n->attr;
    const int32_t rank = qns_graph_value(g, n->in[0])->shape.rank;
    w->type = "Hardmax";
    if (a->flat && a->axis != -1 && a->axis != rank - 1)
        QNS_FAIL(err, UNSUPPORTED, "a Hardmax over several axes cannot be written for opset 13");
    return qns_attrs_add_int(&w->attrs, "axis", a->axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const hardmax_attr *a = n->attr;
    snprintf(out, size, "axis %" PRId64 "%s", a->axis, a->flat ? " and all behind it" : "");
}

static void run(const qns_call *c)
{
    const hardmax_attr *a = c->node->attr;
    const qns_shape *s = &c->in[0].shape;
    const int32_t axis = (int32_t)(a->axis < 0 ? a->axis + s->rank : a->axis);
    const size_t inner = a->flat ? 1 : qns_shape_span(s, axis + 1, s->rank);
    const size_t d = a->flat ? qns_shape_span(s, axis, s->rank) : (size_t)s->dim[axis];
    const float *x = qns_cf32(&c->in[0]);
    float *y = qns_f32(&c->out[0]);
    if (qns_shape_count(s) == 0)
        return;
    memset(y, 0, qns_tensor_bytes(&c->out[0]));
    for (size_t i = 0; i < qns_shape_count(s) / d; i++) {
        const size_t from = i / inner * d * inner + i % inner;
        size_t best = 0;
        for (size_t k = 1; k < d; k++)
            if (x[from + k * inner] > x[from + best * inner])
                best = k;
        y[from + best * inner] = 1.0f;
    }
}

static const qns_impl any = {.name = "hardmax", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Hardmax", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_hardmax = {
    .name = "hardmax",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(hardmax_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
