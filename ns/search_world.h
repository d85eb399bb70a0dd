/* SPDX-License-Identifier: MIT */
/* Searches with models: units, trials and the final check by ns/trial.h, and by a user's command.
 */
#ifndef QNS_SEARCH_WORLD_H
#define QNS_SEARCH_WORLD_H

#include "ns/search.h"
#include "ns/trial.h"

typedef struct qns_search_world {
    qns_trials *trials;
    int64_t first, n;             /* samples of the search */
    const char *eval_cmd;         /* NULL: the target is one of the metrics */
    double eval_timeout;          /* seconds; 0: none */
    bool (*cancelled)(void *ctx); /* may be NULL */
    void (*progress)(void *ctx, const char *phase, int64_t done, int64_t total); /* may be NULL */
    void *ctx;
} qns_search_world;

/* For qns_search_spec: unit, n_units, total, run, progress and ctx. The units are in the arena. */
qns_status qns_search_world_spec(qns_search_spec *s, qns_search_world *w, qns_arena *a,
                                 qns_err *err);
/* Does the target fit the model and the data? CONFIG: a classifier's metric for another model, no
 * labels, a command that is missing or not wanted. */
qns_status qns_search_world_check(const qns_search_world *w, const qns_target *target, bool labels,
                                  qns_err *err);
/* Measures the answer of r on other samples: fills r->check but for its data. The command, if any,
 * measures on data of its own, so that there is no interval. */
qns_status qns_search_world_verify(qns_search_result *r, qns_search_world *w, int64_t first,
                                   int64_t n, uint64_t seed, qns_err *err);
/* The set of the answer; room for all units. */
void qns_search_answer(bool *in_float, const qns_search_result *r);

#endif
