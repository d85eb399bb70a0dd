/* SPDX-License-Identifier: MIT */
/* Picks entries along an axis by index. A constant index outside the axis is an error; one that is
 * computed at run time is moved to the nearest entry, because a run cannot fail. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t index_at(const qns_tensor *t, size_t i)
{
    return t->dtype == QNS_I64 ? ((const int64_t *)t->data)[i] : ((const int32_t *)t->data)[i];
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    const qns_shape *x = &in[0].shape, *at = &in[1].shape;
    QNS_TRY(qns_axis_resolve(&axis, ((const qns_gather_attr *)n->attr)->axis, x->rank, err));
    if (in[1].dtype != QNS_I64 && in[1].dtype != QNS_I32)
        QNS_FAIL(err, SHAPE, "indices are %s, must be int64 or int32", qns_dtype_name(in[1].dtype));
    if (x->rank - 1 + at->rank > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "the result has more than %d dimensions", QNS_MAX_RANK);
    for (size_t i = 0; in[1].data && i < qns_tensor_count(&in[1]); i++) {
        const int64_t k = index_at(&in[1], i);
        if (k < -x->dim[axis] || k >= x->dim[axis])
            QNS_FAIL(err, SHAPE, "index %" PRId64 " is outside axis %d of %s", k, (int)axis,
                     qns_shape_str(x).s);
    }
    QNS_TRY(qns_infer_same(out, n, in, err));
    qns_shape s = {.rank = x->rank - 1 + at->rank};
    for (int32_t i = 0; i < s.rank; i++)
        s.dim[i] = i < axis              ? x->dim[i]
                   : i < axis + at->rank ? at->dim[i - axis]
                                         : x->dim[i - at->rank + 1];
    out[0].shape = s;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_int(&((qns_gather_attr *)attr)->axis, n->attrs, "axis", 0, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Gather";
    return qns_attrs_add_int(&w->attrs, "axis", ((const qns_gather_attr *)n->attr)->axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "axis %" PRId64, ((const qns_gather_attr *)n->attr)->axis);
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *at = &c->in[1];
    const int64_t a = ((const qns_gather_attr *)c->node->attr)->axis;
    const int32_t axis = (int32_t)(a < 0 ? a + x->shape.rank : a);
    const int64_t d = x->shape.dim[axis];
    const size_t outer = qns_shape_span(&x->shape, 0, axis), n = qns_tensor_count(at);
    const size_t entry =
        qns_shape_span(&x->shape, axis + 1, x->shape.rank) * qns_dtype_size(x->dtype);
    char *y = c->out[0].data;
    if (d == 0 || entry == 0)
        return;
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++, y += entry) {
            int64_t k = index_at(at, i);
            k = k < 0 ? k + d : k;
            k = k < 0 ? 0 : k >= d ? d - 1 : k;
            memcpy(y, (const char *)x->data + (o * (size_t)d + (size_t)k) * entry, entry);
        }
}

static const char *reject(const qns_call *c)
{
    for (int i = 0; i < 3; i++) {
        const qns_tensor *t = i < 2 ? &c->in[i] : &c->out[0];
        if (t->layout != QNS_ROW && !qns_layout_trivial(&t->shape))
            return "a tensor is not row-major";
    }
    return qns_reject_not_moved(c);
}

static const qns_impl any = {.name = "gather", .reject = reject, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Gather", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_gather = {
    .name = "gather",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .attr_size = sizeof(qns_gather_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
