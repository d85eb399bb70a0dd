/* SPDX-License-Identifier: MIT */
/* Running sums along an axis; floats are added up in double. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct cumsum_attr {
    int64_t axis, exclusive, reverse;
} cumsum_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    QNS_TRY(qns_axis_resolve(&axis, ((const cumsum_attr *)n->attr)->axis, in[0].shape.rank, err));
    if (in[0].dtype != QNS_F32 && !qns_is_int(in[0].dtype))
        QNS_FAIL(err, UNSUPPORTED, "running sums of %s", qns_dtype_name(in[0].dtype));
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    cumsum_attr *a = attr;
    size_t count;
    QNS_TRY(qns_attrs_int(&a->exclusive, n->attrs, "exclusive", 0, err));
    QNS_TRY(qns_attrs_int(&a->reverse, n->attrs, "reverse", 0, err));
    QNS_TRY(qns_onnx_ints(&a->axis, &count, 1, n, 1, "axis", err));
    if (count != 1)
        QNS_FAIL(err, SHAPE, "input 'axis' is empty");
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const cumsum_attr *a = n->attr;
    const qns_tensor axis = {.dtype = QNS_I64, .data = (void *)(uintptr_t)&a->axis};
    w->type = "CumSum";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "exclusive", a->exclusive != 0, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "reverse", a->reverse != 0, err));
    return qns_onnx_add_tensor(w, "axis", &axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const cumsum_attr *a = n->attr;
    snprintf(out, size, "axis %" PRId64 "%s%s", a->axis, a->exclusive ? " exclusive" : "",
             a->reverse ? " reverse" : "");
}

static void sum_line(const qns_call *c, size_t from, size_t d, size_t step)
{
    const cumsum_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0];
    double sum = 0;
    uint64_t whole = 0;
    for (size_t k = 0; k < d; k++) {
        const size_t at = from + (a->reverse ? d - 1 - k : k) * step;
        const double before = sum;
        const uint64_t whole_before = whole;
        if (x->dtype == QNS_F32) {
            sum += (double)qns_cf32(x)[at];
            qns_f32(&c->out[0])[at] = (float)(a->exclusive ? before : sum);
        } else {
            whole += (uint64_t)qns_int_at(x, at);
            qns_int_put(&c->out[0], at, (int64_t)(a->exclusive ? whole_before : whole));
        }
    }
}

static void run(const qns_call *c)
{
    const qns_shape *s = &c->in[0].shape;
    const int64_t a = ((const cumsum_attr *)c->node->attr)->axis;
    const int32_t axis = (int32_t)(a < 0 ? a + s->rank : a);
    const size_t d = (size_t)s->dim[axis], inner = qns_shape_span(s, axis + 1, s->rank);
    if (qns_shape_count(s) == 0)
        return;
    for (size_t i = 0; i < qns_shape_count(s) / d; i++)
        sum_line(c, i / inner * d * inner + i % inner, d, inner);
}

static const qns_impl any = {.name = "cumsum", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"CumSum", 11, read}, {NULL, 0, NULL}};

const qns_op qns_op_cumsum = {
    .name = "cumsum",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(cumsum_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
