/* SPDX-License-Identifier: MIT */
/* Searches with models: units, trials and the final check by ns/trial.h, and by a user's command.
 */
#ifndef QNS_SEARCH_WORLD_H
#define QNS_SEARCH_WORLD_H

#include "core/model/source.h"
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

/* For qns_search_spec: unit, n_units, total, run, progress and ctx. The units are in the arena;
 * their scores are not set yet. */
qns_status qns_search_world_spec(qns_search_spec *s, qns_search_unit **unit, qns_search_world *w,
                                 qns_arena *a, qns_err *err);
/* Does the target fit the model (its first output has scores of classes) and the data, and does the
 * command fit the target? eval_cmd may be NULL. Fails with CONFIG. */
qns_status qns_search_target_check(const qns_target *target, const char *eval_cmd, bool classifier,
                                   bool labels, qns_err *err);
/* Fills the cost in time (search_latency.c): seconds that a unit takes more in float than in int8
 * on this machine, not below 0. */
qns_status qns_search_world_latency(qns_search_spec *s, qns_search_unit *unit, qns_search_world *w,
                                    qns_err *err);
/* Fills the score of the units for a ranking that is not made of trials (search_shadow.c): the
 * lowest SQNR of the unit's layers in one run over the samples. */
qns_status qns_search_world_rank(qns_search_unit *unit, uint32_t n, qns_search_world *w,
                                 qns_source *samples, qns_rank_by by, qns_err *err);
/* Measures the answer of r on other samples: fills r->check but for its data. The command, if any,
 * measures on data of its own, so that there is no interval. */
qns_status qns_search_world_verify(qns_search_result *r, qns_search_world *w, int64_t first,
                                   int64_t n, uint64_t seed, qns_err *err);
/* The set of the answer; room for all units. */
void qns_search_answer(bool *in_float, const qns_search_result *r);

#endif
