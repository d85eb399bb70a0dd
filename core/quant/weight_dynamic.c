/* SPDX-License-Identifier: MIT */
#include "core/quant/weight_dynamic.h"

#include "core/ops/codes.h"
#include "core/quant/observer.h"

#include <assert.h>
#include <math.h>

static const qns_qrule_range rule = {QNS_I8, -128, 127, true, 0x1p-23f};

static qns_status to_codes(qns_rnn_matrix *out, qns_arena *a, const float *w, size_t n_scales,
                           size_t each, int32_t axis, qns_err *err)
{
    qns_range *r;
    int8_t *q;

    QNS_TRY(qns_arena_new((void **)&r, a, n_scales, sizeof *r, err));
    for (size_t i = 0; i < n_scales; i++) {
        r[i] = qns_range_of(w + i * each, each);
        if (!isfinite(r[i].lo) || !isfinite(r[i].hi))
            QNS_FAIL(err, DATA, "a weight is NaN or infinite");
    }
    QNS_TRY(qns_qparams_from_ranges(&out->qp, a, &rule, axis, (int32_t)n_scales, r, err));
    QNS_TRY(qns_arena_new((void **)&q, a, n_scales, each, err));
    for (size_t i = 0; i < n_scales * each; i++) {
        const float inv = 1.0f / (float)qns_qparams_scale(out->qp, (int32_t)(i / each));

        q[i] = (int8_t)qns_code_of(w[i], inv, 0, INT8_MIN, INT8_MAX);
    }
    out->w = q;
    return QNS_OK;
}

static qns_status to_half(qns_rnn_matrix *out, qns_arena *a, const float *w, size_t n, qns_err *err)
{
    uint16_t *half;

    for (size_t i = 0; i < n; i++)
        if (!isfinite(w[i]))
            QNS_FAIL(err, DATA, "a weight is NaN or infinite");
    QNS_TRY(qns_arena_new((void **)&half, a, n, sizeof *half, err));
    qns_half_weights(half, w, n);
    out->half = half;
    return QNS_OK;
}

qns_status qns_dynamic_matrix(qns_rnn_matrix *out, qns_arena *a, qns_dyn_weight kind,
                              const float *w, const float *bias, size_t n, size_t k, qns_err *err)
{
    assert(n && k && n <= INT32_MAX);
    *out = (qns_rnn_matrix){.bias = bias};
    switch (kind) {
    case QNS_DYN_S8_PER_CHANNEL:
        return to_codes(out, a, w, n, k, 0, err);
    case QNS_DYN_F16:
        return to_half(out, a, w, n * k, err);
    default:
        return to_codes(out, a, w, 1, n * k, -1, err);
    }
}
