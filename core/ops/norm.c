/* SPDX-License-Identifier: MIT */
/* Groups are normalized one by one, in parallel; sums of floats are in double and in order. */
#include "core/ops/norm.h"

#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <math.h>

static size_t start_of(const qns_norm *n, size_t g)
{
    return g / n->batch * n->image + g % n->batch * n->group;
}

static size_t param_of(const qns_norm *n, size_t g)
{
    return g % n->batch * n->param_group;
}

typedef struct moments {
    double mean, inv; /* inv: 1 / deviation */
} moments;

static moments run_group_f32(float *y, const float *x, const float *gamma, const float *beta,
                             const qns_norm *n)
{
    const double count = (double)n->outer * (double)n->inner;
    double sum = 0, square = 0;

    for (size_t o = 0; o < n->outer; o++)
        for (size_t i = 0; i < n->inner; i++)
            sum += (double)x[o * n->outer_step + i * n->inner_step];
    const double mean = sum / count;
    for (size_t o = 0; o < n->outer; o++)
        for (size_t i = 0; i < n->inner; i++) {
            const double d = (double)x[o * n->outer_step + i * n->inner_step] - mean;
            square += d * d;
        }
    const double inv = 1.0 / sqrt(square / count + (double)n->eps);
    for (size_t o = 0; o < n->outer; o++)
        for (size_t i = 0; i < n->inner; i++) {
            const size_t at = o * n->outer_step + i * n->inner_step;
            const size_t p = o * n->param_outer + i * n->param_inner;
            const double v = ((double)x[at] - mean) * inv * (double)gamma[p];
            y[at] = (float)(beta ? v + (double)beta[p] : v);
        }
    return (moments){mean, inv};
}

void qns_norm_run_f32(const qns_call *c, const qns_norm *n)
{
    const float *x = qns_cf32(&c->in[0]), *gamma = qns_cf32(&c->in[1]);
    const float *beta = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL;
    float *y = qns_f32(&c->out[0]);
    float *mean = c->node->n_out > 1 ? qns_f32(&c->out[1]) : NULL;
    float *inv = c->node->n_out > 2 ? qns_f32(&c->out[2]) : NULL;

#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->in[0]) > QNS_PAR_MIN)
    for (size_t g = 0; g < n->groups; g++) {
        const size_t at = start_of(n, g), p = param_of(n, g);
        const moments m = run_group_f32(y + at, x + at, gamma + p, beta ? beta + p : NULL, n);
        if (mean)
            mean[g] = (float)m.mean;
        if (inv)
            inv[g] = (float)m.inv;
    }
}

/* ---- codes, spec section 5.4 ---- */

typedef struct codes {
    float scale, inv_out;
    int32_t zero, zero_out;
    double eps;
} codes;

/* Mean of code - zero, and 1 / deviation in steps of the input. */
static void statistics(float *mean, float *sd, const uint8_t *x, const qns_norm *n, const codes *q)
{
    int64_t sum = 0, square = 0;
    const float count = (float)(n->outer * n->inner);

    for (size_t o = 0; o < n->outer; o++)
        for (size_t i = 0; i < n->inner; i++) {
            const int64_t v = x[o * n->outer_step + i * n->inner_step];
            sum += v;
            square += v * v;
        }
    const float ms = (float)sum / count, raw = (float)square / count - ms * ms;
    const float var = raw > 0.0f ? raw : 0.0f;
    *mean = ms - (float)q->zero;
    *sd = (float)((double)q->scale / sqrt((double)(var * q->scale * q->scale) + q->eps));
}

static uint8_t code_of(float y, const codes *q)
{
    const int64_t r = (int64_t)qk_rne(y * q->inv_out) + q->zero_out;
    return (uint8_t)(r < 0 ? 0 : r > 255 ? 255 : r);
}

static void run_group_u8(uint8_t *y, const uint8_t *x, const float *gamma, const float *beta,
                         const qns_norm *n, const codes *q)
{
    float mean, sd;

    statistics(&mean, &sd, x, n, q);
    for (size_t o = 0; o < n->outer; o++)
        for (size_t i = 0; i < n->inner; i++) {
            const size_t at = o * n->outer_step + i * n->inner_step;
            const size_t p = o * n->param_outer + i * n->param_inner;
            const float d = (float)(x[at] - q->zero) - mean;
            const float v = n->layer ? d * sd * gamma[p] : d * (sd * gamma[p]);
            y[at] = code_of(v + (beta ? beta[p] : 0.0f), q);
        }
}

void qns_norm_run_u8(const qns_call *c, const qns_norm *n)
{
    const qns_qparams *in = c->in[0].qp, *out = c->out[0].qp;
    const codes q = {.scale = (float)in->scale[0],
                     .inv_out = 1.0f / (float)out->scale[0],
                     .zero = in->zero[0],
                     .zero_out = out->zero[0],
                     .eps = (double)n->eps};
    const uint8_t *x = c->in[0].data;
    const float *gamma = qns_cf32(&c->in[1]);
    const float *beta = qns_call_has(c, 2) ? qns_cf32(&c->in[2]) : NULL;
    uint8_t *y = c->out[0].data;

#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->in[0]) > QNS_PAR_MIN)
    for (size_t g = 0; g < n->groups; g++) {
        const size_t at = start_of(n, g), p = param_of(n, g);
        run_group_u8(y + at, x + at, gamma + p, beta ? beta + p : NULL, n, &q);
    }
}

const char *qns_norm_reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);

    if (c->node->n_out > 1)
        return "mean and deviation are floats";
    for (uint32_t i = 1; !why && i < c->node->n_in; i++)
        if (qns_call_has(c, i) && c->in[i].dtype != QNS_F32)
            why = "a parameter is not float32";
    return why;
}

/* ---- group and instance norm ---- */

qns_status qns_group_norm_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in,
                                qns_err *err)
{
    const qns_group_norm_attr *a = n->attr;
    const qns_shape *x = &in[0].shape;

    QNS_TRY(qns_infer_unary(out, n, in, err));
    out[0].qp = NULL;
    if (x->rank < 2)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have at least 2", x->rank);
    if (a->groups < 0 || (a->groups && x->dim[1] % a->groups))
        QNS_FAIL(err, SHAPE, "%lld channels are not a multiple of %lld groups",
                 (long long)x->dim[1], (long long)a->groups);
    const int64_t want = a->per_channel ? x->dim[1] : a->groups;
    for (uint32_t i = 1; i < n->n_in; i++)
        if (in[i].dtype != QNS_F32 || in[i].shape.rank != 1 || in[i].shape.dim[0] != want)
            QNS_FAIL(err, SHAPE, "the %s is %s %s, must be float32 [%lld]",
                     i == 1 ? "scale" : "bias", qns_dtype_name(in[i].dtype),
                     qns_shape_str(&in[i].shape).s, (long long)want);
    return QNS_OK;
}

qns_norm qns_group_norm_lay(const qns_call *c)
{
    const qns_group_norm_attr *a = c->node->attr;
    const qns_shape *s = &c->in[0].shape;
    const bool last = c->in[0].layout == QNS_CHLAST;
    const size_t channels = (size_t)s->dim[1], pixels = qns_shape_span(s, 2, s->rank);
    const size_t groups = a->groups ? (size_t)a->groups : channels;
    const size_t own = groups ? channels / groups : 0;

    return (qns_norm){.groups = own ? (size_t)s->dim[0] * groups : 0,
                      .outer = own,
                      .inner = pixels,
                      .batch = groups,
                      .image = channels * pixels,
                      .group = last ? own : own * pixels,
                      .outer_step = last ? 1 : pixels,
                      .inner_step = last ? channels : 1,
                      .param_group = a->per_channel ? own : 1,
                      .param_outer = a->per_channel ? 1 : 0,
                      .eps = a->eps};
}

void qns_group_norm_run_f32(const qns_call *c)
{
    const qns_norm n = qns_group_norm_lay(c);
    qns_norm_run_f32(c, &n);
}

void qns_group_norm_run_u8(const qns_call *c)
{
    const qns_norm n = qns_group_norm_lay(c);
    qns_norm_run_u8(c, &n);
}

uint64_t qns_norm_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&out[0]);
}

qns_status qns_norm_read_eps(float *eps, qns_onnx_node *n, qns_err *err)
{
    QNS_TRY(qns_attrs_float(eps, n->attrs, "epsilon", 1e-5f, err));
    if (!(*eps >= 0.0f))
        QNS_FAIL(err, FORMAT, "attribute 'epsilon' is %g, must not be negative", (double)*eps);
    for (uint32_t i = 0; i < 2; i++)
        if (!qns_onnx_given(n, i))
            QNS_FAIL(err, FORMAT, "input %u is missing", i);
    if (n->n_in == 3 && !qns_has(n->in[2]))
        n->n_in = 2;
    return QNS_OK;
}
