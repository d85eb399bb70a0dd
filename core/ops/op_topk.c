/* SPDX-License-Identifier: MIT */
/* The k largest (or smallest) elements along an axis, in order, and where they were; k = -1 sorts
 * all of it. Equal elements keep their order; NaN is larger than every number. Codes are compared
 * as integers and keep their qparams (spec section 5.3). */
#include "core/ops/op_topk.h"

#include "core/graph/element.h"
#include "core/graph/op.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_topk_attr *a = n->attr;
    const qns_shape *x = &in[0].shape;
    int32_t axis;

    QNS_TRY(qns_infer_same(&out[0], n, in, err));
    if (in[0].dtype == QNS_F16 || in[0].dtype == QNS_BOOL)
        QNS_FAIL(err, SHAPE, "needs numbers, has %s", qns_dtype_name(in[0].dtype));
    QNS_TRY(qns_axis_resolve(&axis, a->axis, x->rank, err));
    if (a->k < -1 || a->k > x->dim[axis])
        QNS_FAIL(err, SHAPE, "axis %d has %lld elements, %lld are wanted", axis,
                 (long long)x->dim[axis], (long long)a->k);
    out[0].shape.dim[axis] = a->k < 0 ? x->dim[axis] : a->k;
    if (n->n_out > 1) {
        out[1].dtype = QNS_I64;
        out[1].shape = out[0].shape;
    }
    return QNS_OK;
}

static qns_status read_1(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_topk_attr *a = attr;

    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", -1, err));
    QNS_TRY(qns_attrs_int(&a->k, n->attrs, "k", -1, err));
    a->largest = 1;
    if (a->k < 0)
        QNS_FAIL(err, FORMAT, "attribute 'k' is missing or negative");
    return QNS_OK;
}

static qns_status read_10(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_topk_attr *a = attr;
    int64_t sorted;
    size_t count;

    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", -1, err));
    QNS_TRY(qns_attrs_int(&a->largest, n->attrs, "largest", 1, err));
    QNS_TRY(qns_attrs_int(&sorted, n->attrs, "sorted", 1, err)); /* 0: any order will do */
    a->largest = a->largest != 0;
    QNS_TRY(qns_onnx_ints(&a->k, &count, 1, n, 1, "K", err));
    if (count != 1 || a->k < 0)
        QNS_FAIL(err, FORMAT, "input 'K' must be one number that is not negative");
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_topk_attr *a = n->attr;
    const qns_shape *x = &qns_graph_value(g, n->in[0])->shape;
    int32_t axis;

    w->type = "TopK";
    QNS_TRY(qns_axis_resolve(&axis, a->axis, x->rank, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", a->axis, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "largest", a->largest, err));
    const int64_t k = a->k < 0 ? x->dim[axis] : a->k;
    return qns_onnx_add_ints(w, "k", &k, 1, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_topk_attr *a = n->attr;

    snprintf(out, size, "%s %lld on axis %lld", a->largest ? "largest" : "smallest",
             (long long)a->k, (long long)a->axis);
}

/* An element by its rank among all values of its type. */
typedef struct item {
    int64_t key, at;
} item;

static int64_t key_of(const qns_tensor *t, size_t i)
{
    int32_t bits;

    if (t->dtype != QNS_F32)
        return qns_int_rank(t->dtype, qns_int_at(t, i));
    const float v = qns_cf32(t)[i];
    if (isnan(v))
        return INT64_MAX;
    memcpy(&bits, &v, sizeof bits);
    /* Negative floats grow with their bits the other way round; -0 is 0. */
    return bits >= 0 ? bits : -(int64_t)(bits & INT32_MAX);
}

static int by_place(const item *a, const item *b)
{
    return (a->at > b->at) - (a->at < b->at);
}

static int rising(const void *x, const void *y)
{
    const item *a = x, *b = y;
    return a->key != b->key ? (a->key > b->key) - (a->key < b->key) : by_place(a, b);
}

static int falling(const void *x, const void *y)
{
    const item *a = x, *b = y;
    return a->key != b->key ? (a->key < b->key) - (a->key > b->key) : by_place(a, b);
}

static int32_t axis_of(const qns_call *c)
{
    const int64_t axis = ((const qns_topk_attr *)c->node->attr)->axis;
    return (int32_t)(axis < 0 ? axis + c->in[0].shape.rank : axis);
}

static size_t scratch_size(const qns_call *c)
{
    return (size_t)c->in[0].shape.dim[axis_of(c)] * sizeof(item) + 1;
}

static void run(const qns_call *c)
{
    const qns_shape *s = &c->in[0].shape;
    const int32_t axis = axis_of(c);
    const size_t n = (size_t)s->dim[axis], k = (size_t)c->out[0].shape.dim[axis];
    const size_t outer = qns_shape_span(s, 0, axis), inner = qns_shape_span(s, axis + 1, s->rank);
    const size_t size = qns_dtype_size(c->in[0].dtype);
    const bool largest = ((const qns_topk_attr *)c->node->attr)->largest != 0;
    int64_t *places = c->node->n_out > 1 ? c->out[1].data : NULL;
    item *items = c->scratch;

    for (size_t v = 0; v < outer * inner; v++) {
        const size_t from = v / inner * n * inner + v % inner;
        const size_t to = v / inner * k * inner + v % inner;

        for (size_t i = 0; i < n; i++)
            items[i] = (item){key_of(&c->in[0], from + i * inner), (int64_t)i};
        qsort(items, n, sizeof *items, largest ? falling : rising);
        for (size_t i = 0; i < k; i++) {
            const size_t at = from + (size_t)items[i].at * inner, out = to + i * inner;
            memcpy((char *)c->out[0].data + out * size, (const char *)c->in[0].data + at * size,
                   size);
            if (places)
                places[out] = items[i].at;
        }
    }
}

static const char *reject(const qns_call *c)
{
    if (c->node->n_out > 1 && c->out[1].dtype != QNS_I64)
        return "the places are not int64";
    if (c->in[0].layout != QNS_ROW || c->out[0].layout != QNS_ROW)
        return "a tensor is channels-last";
    return qns_reject_not_moved(c);
}

static const qns_impl any = {
    .name = "topk", .reject = reject, .scratch_size = scratch_size, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"TopK", 1, read_1}, {"TopK", 10, read_10}, {NULL, 0, NULL}};

const qns_op qns_op_topk = {
    .name = "topk",
    .min_in = 1,
    .max_in = 1,
    .n_out = 2,
    .attr_size = sizeof(qns_topk_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
