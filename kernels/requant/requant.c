/* SPDX-License-Identifier: MIT */
/* Accumulators to codes in plain C, and the rounding itself. */
#include "kernels/requant/requant.h"

#include "kernels/kernels.h"
#include "kernels/round.h"

#include <assert.h>
#include <math.h>

int32_t qk_rne(float x)
{
    return qk_rne_inline(x);
}

void qk_requant_row__c(uint8_t *out, const int32_t *acc, size_t from, size_t n, int32_t row_sum,
                       const qk_requant *rq)
{
    const int32_t lo = rq->lo - rq->zero, hi = rq->hi - rq->zero;

    for (size_t j = from; j < n; j++) {
        uint32_t t = (uint32_t)acc[j] + (uint32_t)rq->offset[j];
        if (rq->zero_w)
            t -= (uint32_t)rq->zero_w[j] * (uint32_t)row_sum;
        float x = (float)(int32_t)t;
        if (rq->bias)
            x = rq->prescaled ? x + rq->bias[j] : fmaf(rq->bias[j], rq->rcp, x);
        const int32_t r = qk_rne_inline(x * rq->mult[rq->per_channel ? j : 0]);
        out[j] = (uint8_t)(qk_clamp_i32(r, lo, hi) + rq->zero);
    }
}

void qk_requant__c(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                   size_t n, const int32_t *row_sum, const qk_requant *rq)
{
    assert(rq->scheme != QK_RQ_QNNPACK || !rq->bias);
    assert(rq->lo <= rq->hi && rq->lo >= -128 && rq->hi <= 255);
    assert(!rq->zero_w || row_sum);
    for (size_t i = 0; i < m; i++)
        qk_requant_row__c(out + i * ld_out, acc + i * ld_acc, 0, n, rq->zero_w ? row_sum[i] : 0,
                          rq);
}
