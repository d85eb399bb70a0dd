/* SPDX-License-Identifier: MIT */
/* Requantization parameters of conv and linear. */
#include "core/ops/gemm_quant.h"

#include "core/ops/codes.h"

#include <math.h>

/* Scale of weight channel j as f32. */
static float weight_scale(const qns_tensor *w, size_t j)
{
    return (float)qns_qparams_scale(w->qp, (int32_t)j);
}

/* Spec 4.2: (s_w * s_a) * (1 / s_out), all f32. */
static float qnnpack_mult(const qns_call *c, size_t j)
{
    const float inv = 1.0f / (float)c->out[0].qp->scale[0];

    return weight_scale(&c->in[1], j) * (float)c->in[0].qp->scale[0] * inv;
}

static const char *reject_scales(const qns_call *c, qns_gemm_contract contract)
{
    const size_t n = (size_t)c->in[1].qp->n;

    for (size_t j = 0; contract == QNS_GEMM_QNNPACK && j < n; j++)
        if (!isnormal(qnnpack_mult(c, j)))
            return "the ratio of scales is not a normal float";
    return NULL;
}

const char *qns_gemm_quant_warn(const qns_call *c)
{
    float most = 0;
    for (size_t j = 0; c->be->requant == QNS_REQUANT_QNNPACK && j < (size_t)c->in[1].qp->n; j++)
        most = fmaxf(most, qnnpack_mult(c, j));
    return most < 1 ? NULL
                    : "its requantization multiplier is 1 or more, one step of the sum is several "
                      "codes; PyTorch computes that, QNNPACK by itself refuses it";
}

/* The bias is added to the accumulator as int32 codes; fbgemm adds it as a float. */
static bool has_code_bias(const qns_call *c)
{
    return qns_call_has(c, 2) && c->be->requant != QNS_REQUANT_FBGEMM;
}

static const char *reject_bias(const qns_tensor *b)
{
    if (!b->data)
        return "the bias is not constant";
    if (b->dtype != QNS_F32 && !(b->dtype == QNS_I32 && b->qp))
        return "the bias is neither float32 nor int32 codes";
    return NULL;
}

static const char *reject_contract(const qns_call *c, qns_gemm_contract k)
{
    if (k == QNS_GEMM_QNNPACK && c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend does not round as qnnpack does";
    if (k == QNS_GEMM_FBGEMM && c->be->requant != QNS_REQUANT_FBGEMM)
        return "the backend does not round as fbgemm does";
    if (k == QNS_GEMM_ONNX && c->be->requant != QNS_REQUANT_ONNX)
        return "the backend is not onnxruntime";
    return NULL;
}

const char *qns_gemm_quant_reject(const qns_call *c, qns_gemm_contract contract)
{
    const qns_tensor *x = &c->in[0], *w = &c->in[1], *y = &c->out[0];

    if (x->dtype == QNS_F32)
        return "the input is float32";
    if (reject_contract(c, contract))
        return reject_contract(c, contract);
    if (x->dtype != QNS_U8 || !x->qp || x->qp->axis >= 0)
        return "the input is not uint8 codes with one scale";
    if (w->dtype != QNS_I8 || !w->qp)
        return "the weight is not int8 codes";
    if (!w->data)
        return "the weight is not constant";
    if (w->qp->axis > 0)
        return "the weight has scales along another axis than the output channels";
    if (y->dtype != QNS_U8 || !y->qp || y->qp->axis >= 0)
        return "the output is not uint8 codes with one scale";
    if (qns_call_has(c, 2) && reject_bias(&c->in[2]))
        return reject_bias(&c->in[2]);
    return reject_scales(c, contract);
}

/* Bias of channel j in real numbers. */
static float bias_value(const qns_tensor *b, size_t j)
{
    if (b->dtype == QNS_F32)
        return qns_cf32(b)[j];
    const int32_t q = ((const int32_t *)b->data)[j];
    const double steps = (double)q - qns_qparams_zero(b->qp, (int32_t)j);

    return (float)(steps * qns_qparams_scale(b->qp, (int32_t)j));
}

bool qns_bias_joins(const qns_qparams *bias, const qns_qparams *weight, double in_scale)
{
    for (int32_t c = 0; c < bias->n || c < weight->n; c++) {
        const double step = in_scale * qns_qparams_scale(weight, c);
        if (qns_qparams_zero(bias, c) || fabs(qns_qparams_scale(bias, c) - step) > 0x1p-22 * step)
            return false;
    }
    return true;
}

/* Bias of channel j in steps of s_a * s_w (spec 4.2). */
static int32_t bias_code(const qns_call *c, size_t j)
{
    const qns_tensor *b = &c->in[2];
    const double step = qns_qparams_scale(c->in[1].qp, (int32_t)j) * c->in[0].qp->scale[0];

    if (b->dtype == QNS_I32 && qns_bias_joins(b->qp, c->in[1].qp, c->in[0].qp->scale[0]))
        return ((const int32_t *)b->data)[j];
    return qns_code_of(bias_value(b, j), 1.0f / (float)step, 0, INT32_MIN, INT32_MAX);
}

static void fill_channel(qk_requant *rq, float *mult, float *bias, const qns_call *c, size_t j)
{
    const float s_a = (float)c->in[0].qp->scale[0], s_out = (float)c->out[0].qp->scale[0];
    const float atws = s_a * weight_scale(&c->in[1], j);

    mult[j] = rq->scheme == QK_RQ_FBGEMM ? atws / s_out : qnnpack_mult(c, j);
    if (bias)
        bias[j] = rq->prescaled ? bias_value(&c->in[2], j) / atws : bias_value(&c->in[2], j);
}

/* -za * sum(w) + k * za * zw, plus the int32 bias. Wraps, as the sums do. */
static void fill_offsets(int32_t *offset, int32_t *zero_w, const qns_call *c,
                         const int32_t *col_sum, size_t n, size_t k)
{
    const uint32_t za = (uint32_t)c->in[0].qp->zero[0];

    for (size_t j = 0; j < n; j++) {
        const int32_t zw = qns_qparams_zero(c->in[1].qp, (int32_t)j);
        uint32_t v = za * (uint32_t)zw * (uint32_t)k - za * (uint32_t)col_sum[j];

        if (has_code_bias(c))
            v += (uint32_t)bias_code(c, j);
        offset[j] = (int32_t)v;
        if (zero_w)
            zero_w[j] = zw;
    }
}

bool qns_gemm_quant_has_zero(const qns_qparams *qp)
{
    bool any = false;

    for (int32_t i = 0; i < qp->n; i++)
        any |= qp->zero[i] != 0;
    return any;
}

qns_status qns_gemm_quant_make(qk_requant *rq, const qns_call *c, qk_scheme scheme,
                               const int32_t *col_sum, size_t n, size_t k, qns_arena *a,
                               qns_err *err)
{
    const bool float_bias = qns_call_has(c, 2) && !has_code_bias(c);
    int32_t *offset, *zero_w = NULL;
    float *mult, *bias = NULL;

    *rq = (qk_requant){.scheme = scheme};
    /* One channel with its own scale is still per channel: the bias is scaled differently. */
    rq->per_channel = c->in[1].qp->axis >= 0;
    rq->prescaled = rq->per_channel;
    rq->rcp = (float)(1.0 / (double)((float)c->in[0].qp->scale[0] * weight_scale(&c->in[1], 0)));
    QNS_TRY(qns_arena_new((void **)&mult, a, n, sizeof *mult, err));
    QNS_TRY(qns_arena_new((void **)&offset, a, n, sizeof *offset, err));
    if (float_bias)
        QNS_TRY(qns_arena_new((void **)&bias, a, n, sizeof *bias, err));
    if (qns_gemm_quant_has_zero(c->in[1].qp))
        QNS_TRY(qns_arena_new((void **)&zero_w, a, n, sizeof *zero_w, err));
    for (size_t j = 0; j < n; j++)
        fill_channel(rq, mult, bias, c, j);
    fill_offsets(offset, zero_w, c, col_sum, n, k);
    rq->mult = mult;
    rq->bias = bias;
    rq->offset = offset;
    rq->zero_w = zero_w;
    rq->zero = c->out[0].qp->zero[0];
    qns_code_bounds(&rq->lo, &rq->hi, c->node->clamp, c->out[0].qp);
    if (rq->lo > rq->hi)
        rq->lo = rq->hi;
    return QNS_OK;
}

qk_requant qns_gemm_quant_from(const qk_requant *rq, size_t first)
{
    qk_requant part = *rq;

    if (rq->per_channel)
        part.mult += first;
    if (rq->bias)
        part.bias += first;
    part.offset += first;
    if (rq->zero_w)
        part.zero_w += first;
    return part;
}
