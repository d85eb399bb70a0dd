/* SPDX-License-Identifier: MIT */
#include "core/train/lsq.h"

#include "core/base/mem.h"
#include "core/train/fakequant.h"

#include <assert.h>
#include <math.h>

void qns_lsq_limit(float *scale, float *zero, size_t n, float eps, bool symmetric)
{
    for (size_t c = 0; c < n; c++) {
        scale[c] = scale[c] < eps ? eps : scale[c];
        zero[c] = symmetric ? 0.0f : zero[c];
    }
}

float qns_lsq_grad_factor(size_t count, int32_t qmax)
{
    return (float)(1.0 / sqrt((double)count * (double)qmax));
}

static float clamp(float v, const qns_lsq *l)
{
    return v > (float)l->qmin ? (v < (float)l->qmax ? v : (float)l->qmax) : (float)l->qmin;
}

qns_status qns_lsq_forward(float *y, const qns_lsq *l, const float *x, size_t count, qns_err *err)
{
    int32_t *zero;

    QNS_TRY(qns_new((void **)&zero, l->n, sizeof *zero, err));
    for (size_t c = 0; c < l->n; c++)
        zero[c] = (int32_t)clamp(rintf(l->zero[c]), l);
    const qns_fq f = {.per_channel = l->per_channel,
                      .qmin = l->qmin,
                      .qmax = l->qmax,
                      .n = l->n,
                      .inner = l->inner,
                      .scale = l->scale,
                      .zero = zero};
    qns_fq_forward(y, NULL, &f, x, count);
    qns_free(zero);
    return QNS_OK;
}

/* One run of elements of one channel. */
static void run_backward(float *dx, double *ds, double *dz, const qns_lsq *l, size_t c,
                         const float *x, const float *dy, size_t count)
{
    const float s = l->scale[c], inv = 1.0f / s, gf = l->grad_factor;
    const float zero =
        l->per_channel ? clamp(rintf(l->zero[c]), l) : truncf(clamp(l->zero[c] + 0.5f, l));

    for (size_t i = 0; i < count; i++) {
        const float q = rintf(fmaf(x[i], inv, zero)), g = dy[i];
        const bool in = q >= (float)l->qmin && q <= (float)l->qmax;
        const float lost = fmaf(clamp(q, l) - zero, s, -x[i]);
        const float edge = q < (float)l->qmin ? (float)l->qmin - zero : (float)l->qmax - zero;

        dx[i] = g * (in ? 1.0f : 0.0f);
        *ds += (double)(in ? ((g * lost) * inv) * gf : (g * edge) * gf);
        *dz += (double)(in ? 0.0f : ((g * -1.0f) * s) * gf);
    }
}

qns_status qns_lsq_backward(const qns_lsq_grad *out, const qns_lsq *l, const float *x,
                            const float *dy, size_t count, qns_err *err)
{
    assert(l->per_channel ? l->n && l->inner && count % (l->n * l->inner) == 0 : l->n == 1);
    assert(l->qmin >= -65536 && l->qmin <= l->qmax && l->qmax <= 65536);
    const size_t run = l->per_channel ? l->inner : count;
    double *sum;

    QNS_TRY(qns_new((void **)&sum, l->n, 2 * sizeof *sum, err));
    for (size_t i = 0; i < count; i += run) {
        const size_t c = l->per_channel ? i / run % l->n : 0;

        run_backward(out->x + i, &sum[2 * c], &sum[2 * c + 1], l, c, x + i, dy + i, run);
    }
    for (size_t c = 0; c < l->n; c++) {
        out->scale[c] = (float)sum[2 * c];
        out->zero[c] = (float)sum[2 * c + 1];
    }
    qns_free(sum);
    return QNS_OK;
}
