/* SPDX-License-Identifier: MIT */
/* Search strategies: which units to leave in float so that a test passes. They know units by
 * number, an order, costs and a test; not models, data or targets.
 *
 * A strategy gets a set that passes and makes it smaller. The empty set is known to fail. So
 * strategies can follow each other, and one that is stopped at any test has lost nothing: whoever
 * runs the tests knows the best set that passed. */
#ifndef QNS_SEARCHER_H
#define QNS_SEARCHER_H

#include "core/base/status.h"

typedef struct qns_search_problem {
    uint32_t n;
    const uint32_t *order; /* all units, first the one that helps most when it stays in float */
    const double *cost;    /* of each unit in float, not negative */
    /* Does the set pass? A failure ends the search and is passed on. */
    qns_status (*test)(bool *pass, void *ctx, const bool *in_float, qns_err *err);
    void *ctx;
} qns_search_problem;

typedef struct qns_searcher {
    const char *name, *what;
    bool ranked; /* looks at the order; the others look at costs only */
    /* The most tests for a set of n that passes. */
    uint64_t (*bound)(uint32_t n);
    /* in_float: a set that passes; becomes a subset of itself that passes. */
    qns_status (*run)(bool *in_float, const qns_search_problem *p, qns_err *err);
} qns_searcher;

#define QNS_SEARCHERS(X)                                                                           \
    X(bisect)                                                                                      \
    X(greedy)                                                                                      \
    X(backward)                                                                                    \
    X(ddmin)

#define QNS_SEARCHER_DECLARE(name) extern const qns_searcher qns_search_##name;
QNS_SEARCHERS(QNS_SEARCHER_DECLARE)
#undef QNS_SEARCHER_DECLARE

/* NULL-terminated. */
const qns_searcher *const *qns_searchers(void);
/* Fails with NOTFOUND naming the nearest and all. */
qns_status qns_searcher_find(const qns_searcher **out, const char *name, qns_err *err);

/* ---- for the strategies ---- */

/* The members of a set, in order of the ranking or the most costly first (ties: the less helpful
 * first). Free with qns_free(). */
qns_status qns_search_members(uint32_t **out, uint32_t *n, const bool *in_float,
                              const qns_search_problem *p, bool by_cost, qns_err *err);
/* set = exactly these units. */
void qns_search_set(bool *set, const qns_search_problem *p, const uint32_t *unit, uint32_t n);

#endif
