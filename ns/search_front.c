/* SPDX-License-Identifier: MIT */
/* The accuracy/cost front. */
#include "ns/search.h"

#include <math.h>

/* a is as good as b in both, and better in one; or equal and earlier. */
static bool beats(const qns_search_trial *t, uint32_t a, uint32_t b, qns_cost c,
                  const qns_target *target)
{
    const double va = qns_target_margin(target, qns_search_value(&t[a].score, target->metric));
    const double vb = qns_target_margin(target, qns_search_value(&t[b].score, target->metric));
    if (t[a].cost[c] > t[b].cost[c] || !(va >= vb))
        return false;
    if (t[a].cost[c] < t[b].cost[c] || va > vb)
        return true;
    return t[a].n_units < t[b].n_units || (t[a].n_units == t[b].n_units && a < b);
}

uint32_t qns_search_front(uint32_t *front, const qns_search_trial *t, uint32_t n, qns_cost cost,
                          const qns_target *target)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        bool beaten = isnan(qns_search_value(&t[i].score, target->metric));
        for (uint32_t j = 0; j < n && !beaten; j++)
            beaten = j != i && beats(t, j, i, cost, target);
        if (beaten)
            continue;
        uint32_t at = k++;
        for (; at > 0 && t[front[at - 1]].cost[cost] > t[i].cost[cost]; at--)
            front[at] = front[at - 1];
        front[at] = i;
    }
    return k;
}
