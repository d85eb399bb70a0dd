/* SPDX-License-Identifier: MIT */
/* Observers that look at nothing (PyTorch's PlaceholderObserver, NoopObserver, ReuseInputObserver).
 * A placeholder states the type a tensor will have; with `dynamic` its range is found in every run.
 * Noop states float16. Reuse-input marks an output that takes the qparams of its node's input, so
 * nobody ever asks it for a range. */
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
    (void)out, (void)state, (void)channel;
    QNS_FAIL(err, CONFIG, "the observer only states a type: it has no scale and zero point");
}

static qns_status range_of_input(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)out, (void)state, (void)channel;
    QNS_FAIL(err, CONFIG, "observer 'reuse_input' has no scale and zero point but its input's");
}

static void nothing(void *state)
{
    (void)state;
}

const qns_observer qns_obs_placeholder = {.name = "placeholder",
                                          .passes = true,
                                          .create = create,
                                          .observe = observe,
                                          .range = range,
                                          .free = nothing};
const qns_observer qns_obs_noop = {.name = "noop",
                                   .passes = true,
                                   .create = create,
                                   .observe = observe,
                                   .range = range,
                                   .free = nothing};
const qns_observer qns_obs_reuse_input = {.name = "reuse_input",
                                          .passes = true,
                                          .create = create,
                                          .observe = observe,
                                          .range = range_of_input,
                                          .free = nothing};
