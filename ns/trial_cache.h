/* SPDX-License-Identifier: MIT */
/* Scores of trials in a file, so that an interrupted scan goes on where it was. Text, one record a
 * line, each with a checksum of its own at the end; lines are only ever appended. What was being
 * written when the process died is an incomplete last line, and dropped.
 *
 *   qns-trials 1 VERSION BACKEND ENGINE GRAPH WEIGHTS QCONFIG CALIBRATION
 *   D N DIGEST              the first N samples and labels
 *   T SET FIRST DONE ...    sums of a set over samples FIRST to FIRST + DONE - 1
 *
 * For trial_scan.c. */
#ifndef QNS_TRIAL_CACHE_H
#define QNS_TRIAL_CACHE_H

#include "ns/trial.h"

typedef struct qns_trial_cache qns_trial_cache;

typedef struct qns_tally { /* of a set, over samples in order from the first */
    int64_t done;          /* samples */
    uint64_t values, nonfinite_ref, nonfinite;
    double signal, noise;
    int64_t agree, ref_hit, hit;
} qns_tally;

/* Makes the file or reads it, checks that it belongs to t, whose *id it tells, and locks it. Fails
 * with MISMATCH naming what differs, FORMAT for another kind of file, IO when it is in use. */
qns_status qns_trial_cache_open(qns_trial_cache **out, qns_trials_id *id, const char *path,
                                const qns_trials *t, qns_err *err);
void qns_trial_cache_close(qns_trial_cache *c);

/* The furthest record of the set that starts at first and is not over more than n samples; all zero
 * without one. */
qns_tally qns_trial_cache_get(const qns_trial_cache *c, const qns_digest *set, int64_t first,
                              int64_t n);
/* Kept until the flush. */
qns_status qns_trial_cache_put(qns_trial_cache *c, const qns_digest *set, int64_t first,
                               const qns_tally *tally, qns_err *err);
/* Appends what was put; fails with IO. */
qns_status qns_trial_cache_flush(qns_trial_cache *c, qns_err *err);

#endif
