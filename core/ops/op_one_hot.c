/* SPDX-License-Identifier: MIT */
/* One of two values for each class: the second where the index says so, the first elsewhere.
 * Inputs: indices, depth, values, as ONNX has them; the depth is a constant, because it gives the
 * shape. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct one_hot_attr {
    int64_t axis, depth;
} one_hot_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const one_hot_attr *a = n->attr;
    const qns_shape *at = &in[0].shape;
    int32_t axis;
    if (in[0].dtype == QNS_BOOL || in[0].dtype == QNS_F16 || in[2].shape.rank != 1 ||
        in[2].shape.dim[0] != 2)
        QNS_FAIL(err, SHAPE, "indices are %s, values %s; must be numbers and [2]",
                 qns_dtype_name(in[0].dtype), qns_shape_str(&in[2].shape).s);
    if (at->rank == QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "the result has more than %d dimensions", QNS_MAX_RANK);
    QNS_TRY(qns_axis_resolve(&axis, a->axis, at->rank + 1, err));
    qns_shape s = {.rank = at->rank + 1};
    for (int32_t i = 0; i < s.rank; i++)
        s.dim[i] = i < axis ? at->dim[i] : i == axis ? a->depth : at->dim[i - 1];
    out[0].dtype = in[2].dtype;
    out[0].shape = s;
    return qns_shape_check(&s, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    one_hot_attr *a = attr;
    qns_tensor depth;
    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", -1, err));
    QNS_TRY(qns_onnx_constant(&depth, n, 1, "depth", err));
    if (qns_tensor_count(&depth) != 1 || depth.qp)
        QNS_FAIL(err, SHAPE, "input 'depth' must be one number");
    const double d = qns_real_at(&depth, 0);
    if (!(d >= 1 && d <= INT32_MAX))
        QNS_FAIL(err, DATA, "input 'depth' is %g", d);
    a->depth = (int64_t)d;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "OneHot";
    return qns_attrs_add_int(&w->attrs, "axis", ((const one_hot_attr *)n->attr)->axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const one_hot_attr *a = n->attr;
    snprintf(out, size, "axis %" PRId64 ", depth %" PRId64, a->axis, a->depth);
}

static void run(const qns_call *c)
{
    const one_hot_attr *a = c->node->attr;
    const qns_shape *s = &c->out[0].shape;
    const int32_t axis = (int32_t)(a->axis < 0 ? a->axis + s->rank : a->axis);
    const size_t inner = qns_shape_span(s, axis + 1, s->rank), d = (size_t)a->depth;
    const size_t size = qns_dtype_size(c->out[0].dtype);
    const char *values = c->in[2].data;
    char *y = c->out[0].data;
    for (size_t i = 0; i < qns_shape_count(s); i++) {
        const size_t at = i / inner / d * inner + i % inner;
        const double v = qns_real_at(&c->in[0], at);
        const double hot = v < 0 ? v + (double)a->depth : v;
        const bool is = hot == (double)(i / inner % d);
        memcpy(y + i * size, values + (is ? size : 0), size);
    }
}

static const qns_impl any = {.name = "one_hot", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"OneHot", 9, read}, {NULL, 0, NULL}};

const qns_op qns_op_one_hot = {
    .name = "one_hot",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(one_hot_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
