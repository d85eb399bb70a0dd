/* SPDX-License-Identifier: MIT */
/* Local response normalization: each number by the squares of its neighbours among the channels.
 * Sums are in double. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <math.h>
#include <stdio.h>

typedef struct lrn_attr {
    int64_t size; /* channels in a window */
    float alpha, beta, bias;
    int32_t unused;
} lrn_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != QNS_F32 || in[0].shape.rank < 2)
        QNS_FAIL(err, SHAPE, "the input is %s %s, must be float32 with channels",
                 qns_dtype_name(in[0].dtype), qns_shape_str(&in[0].shape).s);
    return qns_infer_same(out, n, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    lrn_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->size, n->attrs, "size", 0, err));
    QNS_TRY(qns_attrs_float(&a->alpha, n->attrs, "alpha", 1e-4f, err));
    QNS_TRY(qns_attrs_float(&a->beta, n->attrs, "beta", 0.75f, err));
    QNS_TRY(qns_attrs_float(&a->bias, n->attrs, "bias", 1.0f, err));
    if (a->size < 1 || a->size > INT32_MAX)
        QNS_FAIL(err, FORMAT, "attribute 'size' is %lld, must be positive", (long long)a->size);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const lrn_attr *a = n->attr;
    w->type = "LRN";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "size", a->size, err));
    QNS_TRY(qns_attrs_add_float(&w->attrs, "alpha", a->alpha, err));
    QNS_TRY(qns_attrs_add_float(&w->attrs, "beta", a->beta, err));
    return qns_attrs_add_float(&w->attrs, "bias", a->bias, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const lrn_attr *a = n->attr;
    snprintf(out, size, "over %lld channels, alpha %g beta %g bias %g", (long long)a->size,
             (double)a->alpha, (double)a->beta, (double)a->bias);
}

/* The window of channel c is c - (size - 1) / 2 .. c + size / 2. */
static float number(const lrn_attr *a, const float *x, int64_t c, int64_t channels, size_t step)
{
    const int64_t lo = c - (a->size - 1) / 2, hi = c + a->size / 2;
    double sum = 0;
    for (int64_t k = lo < 0 ? 0 : lo; k <= hi && k < channels; k++)
        sum += (double)x[(size_t)k * step] * (double)x[(size_t)k * step];
    const double by = (double)a->bias + (double)a->alpha / (double)a->size * sum;
    return (float)((double)x[(size_t)c * step] / pow(by, (double)a->beta));
}

static void run(const qns_call *c)
{
    const qns_shape *s = &c->in[0].shape;
    const size_t pixels = qns_shape_span(s, 2, s->rank), n = qns_tensor_count(&c->in[0]);
    const size_t image = (size_t)s->dim[1] * pixels;
    const float *x = qns_cf32(&c->in[0]);
    float *y = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (n > QNS_PAR_MIN / 16)
    for (size_t i = 0; i < n; i++)
        y[i] = number(c->node->attr, x + i / image * image + i % pixels,
                      (int64_t)(i / pixels % (size_t)s->dim[1]), s->dim[1], pixels);
}

static const qns_impl f32 = {.name = "lrn.f32", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"LRN", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_lrn = {
    .name = "lrn",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(lrn_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
