/* SPDX-License-Identifier: MIT */
/* Batch norm: with fixed statistics y = (x - mean) / sqrt(var + eps) * gamma + beta for each
 * channel. Inputs: x, gamma, beta, mean, var, as ONNX has them. Behind a conv or linear it is
 * folded; one that stays has an implementation on codes (spec section 5.4). For training mode see
 * op_batchnorm_training.c. */
#include "core/ops/codes.h"
#include "core/ops/op_batchnorm.h"
#include "core/ops/op_help.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    static const char *const name[] = {"", "scale", "bias", "mean", "variance"};
    const qns_shape *x = &in[0].shape;

    if (x->rank < 2)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have at least 2", x->rank);
    for (uint32_t i = 1; i < 5; i++) {
        if (in[i].shape.rank != 1 || in[i].shape.dim[0] != x->dim[1])
            QNS_FAIL(err, SHAPE, "the %s has shape %s, must be [%lld]", name[i],
                     qns_shape_str(&in[i].shape).s, (long long)x->dim[1]);
        if (in[i].dtype != QNS_F32)
            QNS_FAIL(err, SHAPE, "the %s is %s, must be float32", name[i],
                     qns_dtype_name(in[i].dtype));
    }
    out[0].dtype = in[0].dtype;
    out[0].shape = *x;
    for (uint32_t i = 1; i < n->n_out; i++) {
        out[i].dtype = QNS_F32;
        out[i].shape = in[1].shape;
    }
    return QNS_OK;
}

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_batchnorm_attr *a = attr;
    int64_t spatial;

    QNS_TRY(qns_attrs_float(&a->eps, n->attrs, "epsilon", 1e-5f, err));
    QNS_TRY(qns_attrs_float(&a->momentum, n->attrs, "momentum", 0.9f, err));
    QNS_TRY(qns_attrs_int(&spatial, n->attrs, "spatial", 1, err));
    QNS_TRY(qns_attrs_int(&a->training, n->attrs, "training_mode", 0, err));
    if (!(a->eps >= 0.0f))
        QNS_FAIL(err, FORMAT, "attribute 'epsilon' is %g, must not be negative", (double)a->eps);
    if (!spatial)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'spatial' is 0, must be 1");
    a->training = a->training != 0;
    if (n->n_out > 1 && !a->training)
        QNS_FAIL(
            err, UNSUPPORTED,
            "%u outputs without attribute 'training_mode' (opset %d); from opset 14 on it says "
            "what they are",
            n->n_out, n->opset);
    for (uint32_t i = 0; i < 5; i++)
        if (!qns_onnx_given(n, i))
            QNS_FAIL(err, FORMAT, "input %u is missing", i);
    return QNS_OK;
}

static qns_status write_onnx(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_batchnorm_attr *a = n->attr;

    w->type = "BatchNormalization";
    if (a->training) {
        w->since = 14;
        QNS_TRY(qns_attrs_add_int(&w->attrs, "training_mode", 1, err));
        QNS_TRY(qns_attrs_add_float(&w->attrs, "momentum", a->momentum, err));
    }
    return qns_attrs_add_float(&w->attrs, "epsilon", a->eps, err);
}

static bool as_affine(qns_affine *a, const qns_graph *g, const qns_node *n)
{
    const float *p[5] = {NULL};

    if (((const qns_batchnorm_attr *)n->attr)->training)
        return false;
    for (uint32_t i = 1; i < 5; i++)
        if (!(p[i] = qns_graph_value(g, n->in[i])->constant))
            return false;
    *a = (qns_affine){.n = (size_t)qns_graph_value(g, n->in[1])->shape.dim[0],
                      .gamma = p[1],
                      .beta = p[2],
                      .mean = p[3],
                      .var = p[4],
                      .eps = ((const qns_batchnorm_attr *)n->attr)->eps};
    return true;
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&out[0]);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_batchnorm_attr *a = n->attr;
    snprintf(out, size, "eps %g%s", (double)a->eps, a->training ? ", training" : "");
}

/* Scratch: two floats for each channel. */
static size_t scratch_size(const qns_call *c)
{
    return 2 * sizeof(float) * (size_t)c->in[1].shape.dim[0];
}

/* ---- float ---- */

static void run_f32(const qns_call *c)
{
    const qns_channels ch = qns_channels_of(&c->in[0], 1);
    const float eps = ((const qns_batchnorm_attr *)c->node->attr)->eps;
    const float *gamma = qns_cf32(&c->in[1]), *beta = qns_cf32(&c->in[2]);
    const float *mean = qns_cf32(&c->in[3]), *var = qns_cf32(&c->in[4]);
    const float *x = qns_cf32(&c->in[0]);
    const qns_range r = c->node->clamp;
    float *y = qns_f32(&c->out[0]), *inv = c->scratch;

    for (size_t k = 0; k < ch.n; k++)
        inv[k] = 1.0f / sqrtf(var[k] + eps);
#pragma omp parallel for schedule(static) if (ch.outer * ch.n * ch.inner > QNS_PAR_MIN)
    for (size_t o = 0; o < ch.outer; o++)
        for (size_t k = 0; k < ch.n; k++)
            for (size_t i = 0; i < ch.inner; i++) {
                const size_t at = (o * ch.n + k) * ch.inner + i;
                float v = (x[at] - mean[k]) * inv[k] * gamma[k] + beta[k];

                v = v < r.lo ? r.lo : v;
                y[at] = v > r.hi ? r.hi : v;
            }
}

/* ---- codes ---- */

static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);

    if (((const qns_batchnorm_attr *)c->node->attr)->training)
        return "training mode is float only";
    for (uint32_t i = 1; !why && i < 5; i++)
        if (c->in[i].dtype != QNS_F32)
            why = "a parameter is not float32";
    return why;
}

/* Spec 5.4: y = fma(alpha, x - zi, beta) in steps of the output. */
static void fill_alpha_beta(float *alpha, float *beta, const qns_call *c)
{
    const float eps = ((const qns_batchnorm_attr *)c->node->attr)->eps;
    const float *gamma = qns_cf32(&c->in[1]), *bias = qns_cf32(&c->in[2]);
    const float *mean = qns_cf32(&c->in[3]), *var = qns_cf32(&c->in[4]);
    const double s_in = c->in[0].qp->scale[0], s_out = c->out[0].qp->scale[0];
    const size_t n = (size_t)c->in[1].shape.dim[0];

    for (size_t k = 0; k < n; k++) {
        const float inv = (float)(1.0 / (double)sqrtf(var[k] + eps));

        alpha[k] = (float)((double)(inv * gamma[k]) * (s_in / s_out));
        beta[k] = (float)((double)(bias[k] - mean[k] * inv * gamma[k]) / s_out);
    }
}

static void run_u8(const qns_call *c)
{
    const qns_channels ch = qns_channels_of(&c->in[0], 1);
    const int32_t zi = c->in[0].qp->zero[0], zo = c->out[0].qp->zero[0];
    float *alpha = c->scratch, *beta = alpha + ch.n;
    const uint8_t *x = c->in[0].data;
    uint8_t *y = c->out[0].data;
    int32_t lo, hi;

    fill_alpha_beta(alpha, beta, c);
    qns_code_bounds(&lo, &hi, c->node->clamp, c->out[0].qp);
    lo = lo > hi ? hi : lo;
#pragma omp parallel for schedule(static) if (ch.outer * ch.n * ch.inner > QNS_PAR_MIN)
    for (size_t o = 0; o < ch.outer; o++)
        for (size_t k = 0; k < ch.n; k++)
            for (size_t i = 0; i < ch.inner; i++) {
                const size_t at = (o * ch.n + k) * ch.inner + i;
                const int64_t r = qk_rne(fmaf(alpha[k], (float)(x[at] - zi), beta[k]));
                const int64_t q = r + zo;

                y[at] = (uint8_t)(q < lo ? lo : q > hi ? hi : q);
            }
}

static const qns_impl u8 = {.name = "batchnorm.u8",
                            .reject = reject_u8,
                            .scratch_size = scratch_size,
                            .run = run_u8,
                            .in_place = true};
static const qns_impl f32 = {.name = "batchnorm.f32",
                             .reject = qns_reject_not_f32,
                             .scratch_size = scratch_size,
                             .run = run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&qns_batchnorm_training, &u8, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"BatchNormalization", 7, read_onnx},
    {NULL, 0, NULL},
};

const qns_op qns_op_batchnorm = {
    .name = "batchnorm",
    .min_in = 5,
    .max_in = 5,
    .n_out = 3,
    .attr_size = sizeof(qns_batchnorm_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = write_onnx,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .takes_clamp = true,
    .as_affine = as_affine,
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
