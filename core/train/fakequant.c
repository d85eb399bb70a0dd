/* SPDX-License-Identifier: MIT */
#include "core/train/fakequant.h"

#include <assert.h>
#include <math.h>

/* Ties: 0.5 -> 0, 1.5 -> 2 in 1.13; 0.5 -> 1, 1.5 -> 2, -0.5 -> -1 per channel since. */
static float code_of(const qns_fq *f, float x, float inv, size_t c)
{
    const float t = x * inv, zero = f->zero ? (float)f->zero[c] : f->zero_real[c];

    if (f->per_channel && f->version == QNS_FQ_2X) {
        const float sum = t + zero;

        return copysignf(floorf(fabsf(sum) + 0.5f), sum);
    }
    return f->zero ? zero + rintf(t) : rintf(fmaf(x, inv, zero));
}

/* 1.13 converts to int64, where everything that does not fit becomes the smallest number. */
static double clamp_code(const qns_fq *f, float q)
{
    if (isnan(q) || (f->version == QNS_FQ_113 && !(fabsf(q) < 0x1p63f)))
        return f->qmin;
    return (double)q < f->qmin ? f->qmin : (double)q > f->qmax ? f->qmax : (double)q;
}

void qns_fq_forward(float *y, uint8_t *mask, const qns_fq *f, const float *x, size_t count)
{
    assert(f->per_channel ? f->n && f->inner && count % (f->n * f->inner) == 0 : f->n == 1);
    assert(!f->zero != !f->zero_real && f->qmin <= f->qmax);
    const size_t run = f->per_channel ? f->inner : count;
    for (size_t from = 0; from < count; from += run) {
        const size_t c = f->per_channel ? from / run % f->n : 0;
        const float inv = 1.0f / f->scale[c];
        const double zero = f->zero ? (double)f->zero[c] : (double)f->zero_real[c];

        for (size_t i = from; i < from + run; i++) {
            const float q = code_of(f, x[i], inv, c);

            if (mask)
                mask[i] = (double)q >= f->qmin && (double)q <= f->qmax;
            y[i] = (float)((clamp_code(f, q) - zero) * (double)f->scale[c]);
        }
    }
}

void qns_fq_backward(float *dx, const float *dy, const uint8_t *mask, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dx[i] = dy[i] * (float)mask[i];
}
