/* SPDX-License-Identifier: MIT */
/* Bisection of the ranking. The prefix of length hi passes and that of length lo fails, always; it
 * is the smallest that passes when more float never hurts, and one that cannot lose its last unit
 * in any case. */
#include "core/base/mem.h"
#include "ns/searcher.h"

static uint64_t bound(uint32_t n)
{
    uint64_t tests = 0; /* the ceiling of log2(n) */
    while ((uint64_t)1 << tests < n)
        tests++;
    return tests;
}

static qns_status run(bool *in_float, const qns_search_problem *p, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *unit = NULL, n, lo = 0, hi;
    bool *set = NULL, pass;
    QNS_TRY_DONE(qns_search_members(&unit, &n, in_float, p, false, err));
    QNS_TRY_DONE(qns_new((void **)&set, p->n, sizeof *set, err));
    for (hi = n; hi - lo > 1;) {
        const uint32_t mid = lo + (hi - lo) / 2;
        qns_search_set(set, p, unit, mid);
        QNS_TRY_DONE(p->test(&pass, p->ctx, set, err));
        *(pass ? &hi : &lo) = mid;
    }
    qns_search_set(in_float, p, unit, hi);
done:
    qns_free(unit);
    qns_free(set);
    return st;
}

const qns_searcher qns_search_bisect = {
    .name = "bisect",
    .what = "halves of the ranking: few runs, right when more float never hurts",
    .ranked = true,
    .bound = bound,
    .run = run,
};
