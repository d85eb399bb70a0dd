/* SPDX-License-Identifier: MIT */
/* The smallest and the largest number ever seen. */
#include "core/base/mem.h"
#include "core/quant/observer.h"

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    qns_range *r;
    QNS_TRY(qns_new((void **)&r, (size_t)args->channels, sizeof *r, err));
    for (int32_t c = 0; c < args->channels; c++)
        r[c] = (qns_range){INFINITY, -INFINITY};
    *state = r;
    return QNS_OK;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)x, (void)n, (void)err;
    qns_range *r = (qns_range *)state + channel;
    r->lo = seen.lo < r->lo ? seen.lo : r->lo;
    r->hi = seen.hi > r->hi ? seen.hi : r->hi;
    return QNS_OK;
}

static qns_status range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)err;
    *out = ((const qns_range *)state)[channel];
    return QNS_OK;
}

const qns_observer qns_obs_minmax = {
    .name = "minmax",
    .per_channel = true,
    .create = create,
    .observe = observe,
    .range = range,
    .free = qns_free,
};
