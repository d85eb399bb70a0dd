/* SPDX-License-Identifier: MIT */
/* Strategies against planted minimal sets: sets that pass when they hold all of one of several
 * needs, and worlds in which more float can hurt. */
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "ns/searcher.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MAX = 40, NEEDS = 3 };

typedef struct world {
    uint32_t n, order[MAX];
    double cost[MAX];
    uint64_t need[NEEDS]; /* bits; passes when all of one are there; 0: unused */
    uint64_t harmful;     /* fails with any of these, unless all are in float */
    uint64_t tests, stop_at;
    uint64_t best; /* smallest set that passed */
} world;

static uint64_t bits_of(const bool *set, uint32_t n)
{
    uint64_t b = 0;
    for (uint32_t i = 0; i < n; i++)
        b |= (uint64_t)set[i] << i;
    return b;
}

static bool passes(const world *w, uint64_t b)
{
    const uint64_t all = ((uint64_t)1 << w->n) - 1;
    if (b == all)
        return true;
    for (int i = 0; i < NEEDS; i++)
        if (w->need[i] && (b & w->need[i]) == w->need[i])
            return !(b & w->harmful);
    return false;
}

static qns_status test_set(bool *pass, void *ctx, const bool *in_float, qns_err *err)
{
    world *w = ctx;
    const uint64_t b = bits_of(in_float, w->n);
    if (++w->tests == w->stop_at)
        QNS_FAIL(err, CANCELLED, "stop");
    cr_assert(b, "the empty set is known to fail");
    *pass = passes(w, b);
    return QNS_OK;
}

static void world_init(world *w, uint32_t n, uint64_t seed)
{
    qns_rng r;
    *w = (world){.n = n};
    qns_rng_seed(&r, seed);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t k = (uint32_t)qns_rng_below(&r, i + 1);
        w->order[i] = w->order[k];
        w->order[k] = i;
        w->cost[i] = (double)qns_rng_below(&r, 8); /* with ties */
    }
}

/* Runs from the full set; checks what holds for every strategy. */
static uint64_t search(world *w, const qns_searcher *s)
{
    bool set[MAX];
    qns_err err = {0};
    const qns_search_problem p = {w->n, w->order, w->cost, test_set, w};
    memset(set, 1, sizeof set);
    w->tests = 0;
    cr_assert_eq(s->run(set, &p, &err), QNS_OK, "%s: %s", s->name, err.text);
    cr_assert_leq(w->tests, s->bound(w->n), "%s: %lu tests for %u units", s->name,
                  (unsigned long)w->tests, w->n);
    const uint64_t b = bits_of(set, w->n);
    cr_assert(passes(w, b), "%s: the set does not pass", s->name);
    return b;
}

static bool minimal(const world *w, uint64_t b)
{
    for (uint32_t i = 0; i < w->n; i++)
        if (b >> i & 1 && b != (uint64_t)1 << i && passes(w, b & ~((uint64_t)1 << i)))
            return false;
    return true;
}

static uint64_t some(qns_rng *r, uint32_t n, uint32_t k)
{
    uint64_t b = 0;
    while ((uint32_t)__builtin_popcountll(b) < k)
        b |= (uint64_t)1 << qns_rng_below(r, n);
    return b;
}

/* The ranking's length until every unit of the need is in it. */
static uint32_t depth(const world *w, uint64_t need)
{
    uint32_t k = 0;
    for (uint64_t seen = 0; (seen & need) != need; k++)
        seen |= (uint64_t)1 << w->order[k];
    return k;
}

Test(searcher, one_need)
{
    qns_rng r;
    qns_rng_seed(&r, 1);
    for (uint32_t n = 1; n <= MAX; n++)
        for (uint32_t k = 1; k <= n && k <= 6; k++) {
            world w;
            world_init(&w, n, 100 * n + k);
            w.need[0] = some(&r, n, k);
            cr_assert_eq(__builtin_popcountll(search(&w, &qns_search_greedy)),
                         depth(&w, w.need[0]));
            cr_assert_eq(w.tests, depth(&w, w.need[0]) - (depth(&w, w.need[0]) == n));
            cr_assert_eq(__builtin_popcountll(search(&w, &qns_search_bisect)),
                         depth(&w, w.need[0]));
            cr_assert_eq(search(&w, &qns_search_backward), w.need[0]);
            cr_assert_eq(search(&w, &qns_search_ddmin), w.need[0]);
        }
}

/* Either of several groups is enough: layers interact, no ranking of single layers is right. */
Test(searcher, interacting)
{
    qns_rng r;
    qns_rng_seed(&r, 2);
    for (uint32_t n = 4; n <= MAX; n++) {
        world w;
        world_init(&w, n, n);
        for (int i = 0; i < NEEDS; i++)
            w.need[i] = some(&r, n, 2 + (uint32_t)i % 2);
        cr_assert(minimal(&w, search(&w, &qns_search_backward)));
        cr_assert(minimal(&w, search(&w, &qns_search_ddmin)));
        search(&w, &qns_search_greedy);
        search(&w, &qns_search_bisect);
    }
}

/* More float can hurt: the set still passes, delta debugging still ends at a minimal one. */
Test(searcher, not_monotone)
{
    qns_rng r;
    qns_rng_seed(&r, 3);
    for (uint32_t n = 6; n <= MAX; n++) {
        world w;
        world_init(&w, n, n);
        w.need[0] = some(&r, n, 3);
        w.need[1] = some(&r, n, 2);
        w.harmful = some(&r, n, 1) & ~w.need[0];
        cr_assert(minimal(&w, search(&w, &qns_search_ddmin)));
        search(&w, &qns_search_greedy);
        search(&w, &qns_search_bisect);
        search(&w, &qns_search_backward);
    }
}

/* The worst that can happen to the bounds: everything is needed. */
Test(searcher, everything)
{
    for (uint32_t n = 1; n <= MAX; n++) {
        world w;
        world_init(&w, n, n);
        w.need[0] = ((uint64_t)1 << n) - 1;
        for (const qns_searcher *const *s = qns_searchers(); *s; s++)
            cr_assert_eq(search(&w, *s), w.need[0], "%s", (*s)->name);
    }
}

/* Of two units that are as good, the costly one goes back to int8. */
Test(searcher, cost_decides)
{
    for (int swap = 0; swap < 2; swap++) {
        world w;
        world_init(&w, 8, 1);
        for (uint32_t i = 0; i < 8; i++)
            w.cost[i] = 1;
        w.need[0] = 1 << 2;
        w.need[1] = 1 << 5;
        w.cost[swap ? 2 : 5] = 9;
        cr_assert_eq(search(&w, &qns_search_backward), swap ? 1 << 5 : 1 << 2);
        cr_assert_eq(search(&w, &qns_search_ddmin), swap ? 1 << 5 : 1 << 2);
    }
}

/* A test that fails ends the search with its status; the set then still holds a set that passes. */
Test(searcher, stopped)
{
    for (const qns_searcher *const *s = qns_searchers(); *s; s++)
        for (uint64_t at = 1; at < 4; at++) {
            world w;
            bool set[MAX];
            qns_err err = {0};
            world_init(&w, 20, 4);
            w.need[0] = 1 << 3 | 1 << 11 | 1 << 12;
            w.stop_at = at;
            const qns_search_problem p = {w.n, w.order, w.cost, test_set, &w};
            memset(set, 1, sizeof set);
            cr_assert_eq((*s)->run(set, &p, &err), QNS_E_CANCELLED, "%s", (*s)->name);
            cr_assert_eq(w.tests, at);
            cr_assert(passes(&w, bits_of(set, w.n)), "%s", (*s)->name);
        }
}

Test(searcher, names)
{
    const qns_searcher *s;
    qns_err err = {0};
    cr_assert_eq(qns_searcher_find(&s, "ddmin", NULL), QNS_OK);
    cr_assert_eq(s, &qns_search_ddmin);
    cr_assert_eq(qns_searcher_find(&s, "bisection", &err), QNS_E_NOTFOUND);
    cr_assert(strstr(err.text, "did you mean 'bisect'"), "%s", err.text);
}
