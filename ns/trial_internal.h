/* SPDX-License-Identifier: MIT */
/* The inside of trials, for trial*.c. */
#ifndef QNS_TRIAL_INTERNAL_H
#define QNS_TRIAL_INTERNAL_H

#include "core/quant/ranges.h"
#include "ns/trial.h"
#include "ns/trial_cache.h"
#include "ns/trial_pool.h"

/* Everything about one set of units. */
typedef struct qns_mixed {
    qns_qconfig_set *set;
    qns_decisions *decisions;
    qns_graph *qdq, *lowered;
    qns_graph *graph; /* to run */
} qns_mixed;

/* The float model's outputs of the samples that were run, as long as they are few. */
typedef struct qns_trial_refs {
    size_t sample_size; /* bytes; 0: nothing is kept */
    char *at;
    bool *known;
} qns_trial_refs;

struct qns_trials {
    qns_trials_spec spec;
    qns_arena *arena;
    qns_ranges *ranges;
    qns_mixed all; /* nothing is skipped */
    qns_pool *pool;
    qns_trial_unit *unit;
    uint32_t n_units;
    uint32_t *unit_of;      /* by node; QNS_NONE: in none */
    qns_trials_id id;       /* once a cache asked for it */
    qns_trial_cache *cache; /* NULL: none */
    uint32_t classes;       /* of output 0; 0: not a classifier */
    qns_trial_refs refs;
    double macs, float_seconds, float_worked;
    int64_t float_samples;
};

/* Fills unit and n_units from the decisions that nothing is skipped in. */
qns_status qns_trials_find_units(qns_trials *t, const qns_decisions *all, qns_err *err);

/* Prepares only; the observers that are not known yet are noted in t->ranges. in_float NULL: no
 * unit is. fini in every case. */
qns_status qns_mixed_prepare(qns_mixed *m, qns_trials *t, const bool *in_float, uint32_t *missing,
                             qns_err *err);
/* Calibrates when it must, and makes the Q/DQ graph; with run also the graph to run. */
qns_status qns_mixed_make(qns_mixed *m, qns_trials *t, const bool *in_float, bool run,
                          qns_err *err);
/* From settled decisions. */
qns_status qns_mixed_finish(qns_mixed *m, bool run, qns_err *err);
/* Told of the digest of the first n samples, for some n in rising order. */
typedef struct qns_data_marks {
    void *ctx;
    qns_status (*see)(void *ctx, int64_t n, const char *hex, qns_err *err);
} qns_data_marks;

/* Samples and labels (may be NULL). marks may be NULL. */
qns_status qns_trials_digest_data(char hex[33], const qns_trials *t, const qns_samples *from,
                                  const int64_t *labels, const qns_data_marks *marks, qns_err *err);
/* All but eval. */
qns_status qns_trials_identify_model(qns_trials_id *out, const qns_trials *t, qns_err *err);

void qns_mixed_fini(qns_mixed *m);
/* From the float model and the graph in which nothing is skipped. */
qns_status qns_trials_make_pool(qns_trials *t, qns_err *err);
/* Feeds the observers that were noted. */
qns_status qns_trials_calibrate(qns_trials *t, qns_err *err);

#endif
