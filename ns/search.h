/* SPDX-License-Identifier: MIT */
/* The search for the units that stay in float so that a target is met: trials in the order that the
 * strategies ask for, remembered, logged, within a budget. How a trial is run is the caller's
 * (ns/search_world.h is the way that runs models), so that searches are tested without any.
 *
 *  1. everything in int8: may be enough. Everything in float: may not be enough.
 *  2. the ranking, when a strategy looks at it.
 *  3. the strategies, each from the set that the one before left.
 *
 * The answer is the cheapest of all trials that met the target. */
#ifndef QNS_SEARCH_H
#define QNS_SEARCH_H

#include "core/base/arena.h"
#include "core/base/digest.h"
#include "ns/interval.h"
#include "ns/result.h"
#include "ns/searcher.h"
#include "ns/target.h"

typedef enum qns_cost {
    QNS_COST_MACS,
    QNS_COST_BYTES,
    QNS_COST_LATENCY,
    QNS_COST_LAYERS, /* 1 each */
    QNS_COSTS
} qns_cost;
const char *qns_cost_name(qns_cost c); /* "macs" */
qns_status qns_cost_find(qns_cost *out, const char *name, qns_err *err);

/* What the float layers are ranked by: the noise that they take away, as a share of the signal
 * (10^(-SQNR/10)), for each unit of cost. What costs nothing comes first. */
typedef enum qns_rank_by {
    QNS_RANK_ONE_IN,     /* "leave-one-in": output SQNR with only this unit in int8 */
    QNS_RANK_ONE_OUT,    /* "leave-one-out": output SQNR with only this unit in float */
    QNS_RANK_LOCAL,      /* SQNR of the unit on the float model's inputs */
    QNS_RANK_CUMULATIVE, /* SQNR of the unit in the int8 model */
    QNS_RANK_WEIGHT,     /* SQNR of the weight; units without one come last */
    QNS_RANKS
} qns_rank_by;
const char *qns_rank_name(qns_rank_by r);
qns_status qns_rank_find(qns_rank_by *out, const char *name, qns_err *err);

/* NaN: not measured. */
typedef struct qns_search_score {
    double sqnr_db, agreement, drop, eval;
} qns_search_score;
/* The one that the target is about. */
double qns_search_value(const qns_search_score *s, qns_target_metric m);

typedef struct qns_search_unit {
    const char *name, *op;
    const char *const *names; /* of all its nodes */
    uint32_t n_names;
    int32_t index;          /* execution order */
    double cost[QNS_COSTS]; /* of keeping it in float: MACs; bytes; seconds more than in int8; 1 */
    double score;           /* what it was ranked by; NaN: not ranked */
    uint32_t rank;          /* from 1; 0: not ranked */
    bool in_float;          /* in the answer */
} qns_search_unit;

typedef struct qns_search_trial {
    const char *phase;    /* "int8", "float", "ranking" or the strategy that asked for it first */
    const uint32_t *unit; /* in float, ascending */
    uint32_t n_units;
    double cost[QNS_COSTS];
    qns_search_score score;
    double seconds; /* 0: it was in the log */
    bool met;
} qns_search_trial;

typedef enum qns_search_end {
    QNS_SEARCH_DONE,
    QNS_SEARCH_BUDGET,    /* stopped by the budget; the answer is the best so far */
    QNS_SEARCH_IMPOSSIBLE /* not even everything in float meets the target */
} qns_search_end;

typedef enum qns_search_verdict {
    QNS_CHECK_NONE,      /* not checked */
    QNS_CHECK_VERIFIED,  /* the whole interval meets the target */
    QNS_CHECK_UNDECIDED, /* the interval holds the limit: too few samples to tell */
    QNS_CHECK_REFUTED    /* the whole interval misses the target */
} qns_search_verdict;

/* The answer on data that the search did not use. */
typedef struct qns_search_check {
    const char *data; /* "" when there was none */
    int64_t samples;
    qns_interval interval; /* of the target's metric */
    qns_search_verdict verdict;
    qns_search_score int8, mixed;     /* before and after */
    double ref_top1, int8_top1, top1; /* NaN without labels */
} qns_search_check;

typedef struct qns_search_result {
    qns_arena *arena; /* owns everything below */
    const char *qns, *model, *backend, *qconfig, *command, *eval_cmd;
    const char *calib, *data; /* descriptions of the data */
    int64_t calib_samples, samples;
    qns_target target;
    const char *strategy; /* "bisect,backward" */
    qns_rank_by by;
    qns_cost by_cost;
    const qns_search_unit *unit; /* in execution order */
    uint32_t n_units;
    double total[QNS_COSTS];       /* the whole model in float; NaN: unknown */
    const qns_search_trial *trial; /* in the order in which they were asked for */
    uint32_t n_trials;
    uint32_t int8, best;   /* trials: everything in int8, and the answer */
    const uint32_t *front; /* trials that no other beats in cost and value, the cheapest first */
    uint32_t n_front;
    qns_search_end end;
    uint32_t runs, logged; /* trials that were run, and that the log knew */
    double seconds;
    qns_search_check check;
} qns_search_result;

typedef struct qns_search_spec {
    /* Copied. cost may be NaN for what was not measured, but not in by_cost. score: SQNR of the
     * unit for the rankings that are not made of trials. */
    const qns_search_unit *unit;
    uint32_t n_units;
    double total[QNS_COSTS];
    qns_target target;
    const qns_searcher *const *step;
    size_t n_steps;
    qns_rank_by by;
    qns_cost by_cost;
    uint32_t max_runs;   /* 0: no limit; the first two trials are always run */
    double max_seconds;  /* 0: no limit */
    const char *log;     /* file that is read and appended to; NULL: none */
    qns_digest identity; /* of everything that the scores depend on */
    /* One trial. judge: the target's number is wanted; without, the SQNR alone will do. */
    qns_status (*run)(qns_search_score *out, void *ctx, const bool *in_float, bool judge,
                      qns_err *err);
    /* Several trials at once, for their SQNR; may be NULL. */
    qns_status (*scan)(qns_search_score *out, void *ctx, const bool *const *in_float, uint32_t n,
                       qns_err *err);
    /* May be NULL. done of at most total trials. */
    void (*progress)(void *ctx, const char *phase, int64_t done, int64_t total);
    void *ctx;
} qns_search_spec;

/* The texts of the result are "", its check is that of no data. Fails with what run() fails with,
 * and with what reading and writing the log fails with: everything run so far is in the log. */
qns_status qns_search(qns_search_result **out, const qns_search_spec *spec, qns_err *err);
/* As a result whose layers of the answer are the bad ones, by rank: for skip lists. It lives no
 * longer than r; free it with qns_result_free(). */
qns_status qns_search_layers(qns_result **out, const qns_search_result *r, qns_err *err);
void qns_search_result_free(qns_search_result *r);

/* The answer; its number is NaN only when no trial had one. */
const qns_search_trial *qns_search_best(const qns_search_result *r);
bool qns_search_met(const qns_search_result *r);
/* Interval and verdict of a value for a target. */
qns_search_verdict qns_search_judge(const qns_target *t, const qns_interval *i);
const char *qns_search_verdict_text(qns_search_verdict v); /* "verified" */

/* ---- the parts, for search*.c and tests ---- */

/* Fills front: trials with a value that no other trial beats; equal ones: the first. room for n. */
uint32_t qns_search_front(uint32_t *front, const qns_search_trial *t, uint32_t n, qns_cost cost,
                          const qns_target *target);

#endif
