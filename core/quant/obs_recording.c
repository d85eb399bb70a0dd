/* SPDX-License-Identifier: MIT */
/* Keeps a copy of every tensor (PyTorch's RecordingObserver), up to a limit of bytes: what lies
 * beyond is for a file (qns_calibration.record). There is no range in it; the value stays float. */
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/quant/observer.h"

#include <string.h>

typedef struct recording {
    size_t limit, used; /* bytes */
    qns_recorded *at;
    size_t n, cap;
} recording;

static void recording_free(void *state)
{
    recording *r = state;
    if (!r)
        return;
    for (size_t i = 0; i < r->n; i++)
        qns_free((void *)(uintptr_t)r->at[i].x);
    qns_free(r->at);
    qns_free(r);
}

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    recording *r;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    r->limit = args->record_limit ? args->record_limit : QNS_RECORD_LIMIT;
    *state = r;
    return QNS_OK;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)channel, (void)seen;
    recording *r = state;
    float *copy;
    if (n > (r->limit - r->used) / sizeof *x)
        QNS_FAIL(err, CONFIG,
                 "the recording would take more than %zu bytes of memory; record into a file "
                 "(--record FILE.h5), or fewer samples",
                 r->limit);
    QNS_TRY(qns_vec_grow((void **)&r->at, &r->cap, r->n, sizeof *r->at, err));
    QNS_TRY(qns_new((void **)&copy, n, sizeof *copy, err));
    memcpy(copy, x, n * sizeof *copy);
    r->at[r->n++] = (qns_recorded){copy, n};
    r->used += n * sizeof *x;
    return QNS_OK;
}

size_t qns_obs_recording_count(const void *state)
{
    return ((const recording *)state)->n;
}

qns_recorded qns_obs_recording_at(const void *state, size_t i)
{
    return ((const recording *)state)->at[i];
}

static qns_status range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)out, (void)state, (void)channel;
    QNS_FAIL(err, CONFIG, "observer 'recording' only records: it has no scale and zero point");
}

const qns_observer qns_obs_recording = {.name = "recording",
                                        .passes = true,
                                        .create = create,
                                        .observe = observe,
                                        .range = range,
                                        .free = recording_free};
