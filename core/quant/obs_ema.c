/* SPDX-License-Identifier: MIT */
/* Exponential moving average of each batch's smallest and largest number (PyTorch's
 * MovingAverageMinMaxObserver). The first batch is taken as it is. */
#include "core/base/mem.h"
#include "core/quant/observer.h"

typedef struct ema {
    float momentum;
    qns_range range[]; /* one per channel */
} ema;

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    ema *e;
    QNS_TRY(qns_new((void **)&e, 1, sizeof *e + (size_t)args->channels * sizeof *e->range, err));
    e->momentum = args->momentum;
    for (int32_t c = 0; c < args->channels; c++)
        e->range[c] = (qns_range){INFINITY, -INFINITY};
    *state = e;
    return QNS_OK;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)x, (void)n, (void)err;
    ema *e = state;
    qns_range *r = &e->range[channel];
    if (r->lo == INFINITY && r->hi == -INFINITY) {
        *r = seen;
        return QNS_OK;
    }
    /* Three roundings each (spec section 3): a fused multiply-add would give other bits. */
    r->lo = r->lo + e->momentum * (seen.lo - r->lo);
    r->hi = r->hi + e->momentum * (seen.hi - r->hi);
    return QNS_OK;
}

static qns_status range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)err;
    *out = ((const ema *)state)->range[channel];
    return QNS_OK;
}

const qns_observer qns_obs_ema = {
    .name = "moving_average",
    .per_channel = true,
    .create = create,
    .observe = observe,
    .range = range,
    .free = qns_free,
};
