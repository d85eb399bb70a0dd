/* SPDX-License-Identifier: MIT */
#include "ns/searcher.h"

#include "core/base/mem.h"
#include "core/base/str.h"

#include <string.h>

#define SEARCHER_ADDRESS(name) &qns_search_##name,
static const qns_searcher *const table[] = {QNS_SEARCHERS(SEARCHER_ADDRESS) NULL};
#undef SEARCHER_ADDRESS

const qns_searcher *const *qns_searchers(void)
{
    return table;
}

qns_status qns_searcher_find(const qns_searcher **out, const char *name, qns_err *err)
{
    enum { N = QNS_ARRAY_LEN(table) - 1 };
    const char *names[N];
    char all[128] = "";
    for (size_t i = 0; i < N; i++) {
        names[i] = table[i]->name;
        if (strcmp(names[i], name) == 0) {
            *out = table[i];
            return QNS_OK;
        }
        strcat(strcat(all, i ? ", " : ""), names[i]);
    }
    const int64_t near = qns_nearest(name, names, N);
    if (near >= 0)
        QNS_FAIL(err, NOTFOUND, "no strategy '%s'; did you mean '%s'? There are %s", name,
                 names[near], all);
    QNS_FAIL(err, NOTFOUND, "no strategy '%s'; there are %s", name, all);
}

/* Stable, so that equal costs keep the order they had. */
static void sort_by_cost(uint32_t *unit, uint32_t n, const double *cost)
{
    for (uint32_t i = 1; i < n; i++) {
        const uint32_t u = unit[i];
        uint32_t k = i;
        for (; k > 0 && cost[unit[k - 1]] < cost[u]; k--)
            unit[k] = unit[k - 1];
        unit[k] = u;
    }
}

qns_status qns_search_members(uint32_t **out, uint32_t *n, const bool *in_float,
                              const qns_search_problem *p, bool by_cost, qns_err *err)
{
    uint32_t *unit;
    QNS_TRY(qns_new((void **)&unit, p->n, sizeof *unit, err));
    *n = 0;
    for (uint32_t i = 0; i < p->n; i++) {
        const uint32_t u = p->order[by_cost ? p->n - 1 - i : i];
        if (in_float[u])
            unit[(*n)++] = u;
    }
    if (by_cost)
        sort_by_cost(unit, *n, p->cost);
    *out = unit;
    return QNS_OK;
}

void qns_search_set(bool *set, const qns_search_problem *p, const uint32_t *unit, uint32_t n)
{
    memset(set, 0, p->n * sizeof *set);
    for (uint32_t i = 0; i < n; i++)
        set[unit[i]] = true;
}
