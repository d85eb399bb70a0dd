/* SPDX-License-Identifier: MIT */
/* Observers see floats and answer with ranges (spec section 3). Turning a range into scale and zero
 * point is done elsewhere, in one place: qns_qparams_choose().
 *
 * One call of observe() is one batch. During calibration one sample is one batch, as PyTorch with a
 * batch size of 1; this matters for the moving average and for the histogram. */
#ifndef QNS_OBSERVER_H
#define QNS_OBSERVER_H

#include "core/graph/qparams.h"

#include <math.h>

typedef enum qns_hist_version {
    QNS_HIST_A, /* PyTorch 1.13 */
    QNS_HIST_C  /* PyTorch 2.5 and later */
} qns_hist_version;

typedef struct qns_obs_args {
    int32_t channels; /* 1: per tensor */
    int32_t bins;     /* histogram only */
    float momentum;   /* moving average only: the weight of the new batch */
    qns_hist_version hist;
    float percentile;     /* percentile only: how much lies below the upper end, 50 to 100 */
    qns_qrule_range rule; /* entropy and mse only: the codes that ranges are tried with */
    size_t record_limit;  /* recording only: bytes; 0: QNS_RECORD_LIMIT */
} qns_obs_args;

/* Bytes that recording observers may keep in memory: each of them, and all of one model. */
#define QNS_RECORD_LIMIT ((size_t)64 << 20)

#define QNS_DEFAULT_PERCENTILE 99.99F

typedef struct qns_observer {
    const char *name; /* "minmax" */
    bool per_channel; /* can have more than one channel */
    bool passes;      /* finds no range: range() fails with CONFIG, and what it stands at is float
                         or has the qparams of something else */
    qns_status (*create)(void **state, const qns_obs_args *args, qns_err *err);
    /* x: n > 0 floats without NaN, seen: their smallest and largest. Fails with DATA on values that
     * the observer cannot count (infinities), or with NOMEM. */
    qns_status (*observe)(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err);
    /* All that was seen, before anything was cut off; NULL: range() tells it. */
    qns_range (*seen)(const void *state, int32_t channel);
    /* {+inf, -inf} when nothing was seen. */
    qns_status (*range)(qns_range *out, const void *state, int32_t channel, qns_err *err);
    void (*free)(void *state); /* takes NULL */
} qns_observer;

#define QNS_OBSERVERS(X)                                                                           \
    X(minmax)                                                                                      \
    X(ema)                                                                                         \
    X(histogram)                                                                                   \
    X(percentile)                                                                                  \
    X(entropy)                                                                                     \
    X(mse)                                                                                         \
    X(fixed)                                                                                       \
    X(placeholder)                                                                                 \
    X(noop)                                                                                        \
    X(recording)                                                                                   \
    X(reuse_input)

#define QNS_OBSERVER_DECLARE(name) extern const qns_observer qns_obs_##name;
QNS_OBSERVERS(QNS_OBSERVER_DECLARE)
#undef QNS_OBSERVER_DECLARE

/* NULL when there is none of that name. */
const qns_observer *qns_observer_find(const char *name);
/* NULL-terminated. */
const qns_observer *const *qns_observers(void);

/* Smallest and largest of n floats; {+inf, -inf} for n = 0, {NaN, NaN} when one is NaN. */
qns_range qns_range_of(const float *x, size_t n);

/* Observes a row-major array once, channel by channel along the axis, or as a whole with axis -1.
 * Nothing happens when it is empty. Fails with DATA when a number is NaN. */
qns_status qns_observe_array(const qns_observer *o, void *state, const float *x,
                             const qns_shape *shape, int32_t axis, qns_err *err);

/* The batches that a recording observer has seen, in their order. The copies are the observer's. */
typedef struct qns_recorded {
    const float *x;
    size_t n;
} qns_recorded;
size_t qns_obs_recording_count(const void *state);
qns_recorded qns_obs_recording_at(const void *state, size_t i);

/* The histogram behind a histogram observer: its counts, and the range they cover. */
typedef struct qns_histogram {
    const float *count;
    int32_t bins;
    qns_range range;
} qns_histogram;
qns_histogram qns_obs_histogram_view(const void *state);

/* The part of the range that quantizes with the least expected squared error (spec section 3.1,
 * "range search"). h->range.lo <= h->range.hi. */
qns_status qns_histogram_search(qns_range *out, const qns_histogram *h, qns_err *err);

#endif
