/* SPDX-License-Identifier: MIT */
/* One more unit of the ranking at a time until the test passes: the smallest prefix that passes,
 * whatever the tests in between said. */
#include "core/base/mem.h"
#include "ns/searcher.h"

static uint64_t bound(uint32_t n)
{
    return n ? n - 1 : 0; /* the whole set is known to pass */
}

static qns_status run(bool *in_float, const qns_search_problem *p, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *unit = NULL, n, k = 1;
    bool *set = NULL, pass = false;
    QNS_TRY_DONE(qns_search_members(&unit, &n, in_float, p, false, err));
    QNS_TRY_DONE(qns_new((void **)&set, p->n, sizeof *set, err));
    for (; k < n && !pass; k += !pass) {
        qns_search_set(set, p, unit, k);
        QNS_TRY_DONE(p->test(&pass, p->ctx, set, err));
    }
    qns_search_set(in_float, p, unit, k < n ? k : n);
done:
    qns_free(unit);
    qns_free(set);
    return st;
}

const qns_searcher qns_search_greedy = {
    .name = "greedy",
    .what = "the ranking from the top, one unit more at a time",
    .ranked = true,
    .bound = bound,
    .run = run,
};
