/* SPDX-License-Identifier: MIT */
/* Backward elimination: takes the units of the set back to int8, the most costly first, and leaves
 * out every one that the test can do without. One pass: what was needed once stays, which is
 * right when more float never hurts. */
#include "core/base/mem.h"
#include "ns/searcher.h"

static uint64_t bound(uint32_t n)
{
    return n > 1 ? n : 0; /* the empty set fails: a single unit is needed */
}

static qns_status run(bool *in_float, const qns_search_problem *p, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *unit = NULL, n, left;
    bool pass;
    QNS_TRY_DONE(qns_search_members(&unit, &n, in_float, p, true, err));
    left = n;
    for (uint32_t i = 0; i < n && left > 1; i++) {
        in_float[unit[i]] = false;
        st = p->test(&pass, p->ctx, in_float, err);
        in_float[unit[i]] = st != QNS_OK || !pass;
        if (st != QNS_OK)
            goto done;
        left -= pass;
    }
done:
    qns_free(unit);
    return st;
}

const qns_searcher qns_search_backward = {
    .name = "backward",
    .what = "re-quantizes what is not needed, the most costly unit first",
    .bound = bound,
    .run = run,
};
