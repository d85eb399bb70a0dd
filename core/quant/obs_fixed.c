/* SPDX-License-Identifier: MIT */
/* Scale and zero point are stated, whatever the data are (PyTorch's FixedQParamsObserver). */
#include "core/quant/observer.h"

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    (void)args, (void)err;
    *state = NULL;
    return QNS_OK;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)state, (void)channel, (void)x, (void)n, (void)seen, (void)err;
    return QNS_OK;
}

static qns_status range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)state, (void)channel, (void)err;
    *out = (qns_range){INFINITY, -INFINITY};
    return QNS_OK;
}

static void nothing(void *state)
{
    (void)state;
}

const qns_observer qns_obs_fixed = {
    .name = "fixed", .create = create, .observe = observe, .range = range, .free = nothing};
