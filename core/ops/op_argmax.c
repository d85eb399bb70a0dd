/* SPDX-License-Identifier: MIT */
/* ArgMax and ArgMin: where along an axis the largest or smallest number is; of equal ones the
 * first, or the last if asked. NaN counts as the extreme, as in numpy. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct arg_attr {
    int64_t axis, keep, last, min;
} arg_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const arg_attr *a = n->attr;
    const qns_shape *x = &in[0].shape;
    int32_t axis;
    QNS_TRY(qns_axis_resolve(&axis, a->axis, x->rank, err));
    if (in[0].dtype == QNS_F16 || x->dim[axis] == 0)
        QNS_FAIL(err, SHAPE, "axis %d of %s %s has no extreme", (int)axis,
                 qns_dtype_name(in[0].dtype), qns_shape_str(x).s);
    qns_shape s = {0};
    for (int32_t i = 0; i < x->rank; i++)
        if (i != axis || a->keep)
            s.dim[s.rank++] = i == axis ? 1 : x->dim[i];
    out[0].dtype = QNS_I64;
    out[0].shape = s;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    arg_attr *a = attr;
    a->min = strcmp(n->type, "ArgMin") == 0;
    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", 0, err));
    QNS_TRY(qns_attrs_int(&a->keep, n->attrs, "keepdims", 1, err));
    return qns_attrs_int(&a->last, n->attrs, "select_last_index", 0, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const arg_attr *a = n->attr;
    w->type = a->min ? "ArgMin" : "ArgMax";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", a->axis, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "keepdims", a->keep != 0, err));
    return qns_attrs_add_int(&w->attrs, "select_last_index", a->last != 0, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const arg_attr *a = n->attr;
    snprintf(out, size, "%s axis %" PRId64 "%s%s", a->min ? "min" : "max", a->axis,
             a->keep ? "" : ", dropped", a->last ? ", last" : "");
}

/* x is further out than y; for integers y and x are exact in the other pair. */
static bool beats(const qns_tensor *t, size_t x, size_t y, const arg_attr *a)
{
    if (t->dtype != QNS_F32) {
        const int64_t p = qns_int_rank(t->dtype, qns_int_at(t, x));
        const int64_t q = qns_int_rank(t->dtype, qns_int_at(t, y));
        return p == q ? a->last != 0 : a->min ? p < q : p > q;
    }
    const float p = ((const float *)t->data)[x], q = ((const float *)t->data)[y];
    if (isnan(q) || isnan(p))
        return isnan(p) && (!isnan(q) || a->last);
    return p == q ? a->last != 0 : a->min ? p < q : p > q;
}

static void run(const qns_call *c)
{
    const arg_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0];
    const int32_t axis = (int32_t)(a->axis < 0 ? a->axis + x->shape.rank : a->axis);
    const size_t d = (size_t)x->shape.dim[axis];
    const size_t inner = qns_shape_span(&x->shape, axis + 1, x->shape.rank);
    int64_t *y = c->out[0].data;
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++) {
        const size_t from = i / inner * d * inner + i % inner;
        size_t best = 0;
        for (size_t k = 1; k < d; k++)
            if (beats(x, from + k * inner, from + best * inner, a))
                best = k;
        y[i] = (int64_t)best;
    }
}

static const qns_impl any = {.name = "argmax", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"ArgMax", 1, read}, {"ArgMin", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_argmax = {
    .name = "argmax",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(arg_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
