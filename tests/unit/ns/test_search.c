/* SPDX-License-Identifier: MIT */
/* The search around the strategies: what is tried in which order, the budget, the log and going on
 * after a kill, the answer, the front. Trials are those of a planted world. */
#include "core/base/file.h"
#include "core/base/mem.h"
#include "ns/search.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N = 12 };

/* Noise of each unit in int8; units 3 and 7 are bad, and 5 only together with 6. */
typedef struct world {
    uint32_t runs, judged, scans, fail_at;
    double ceiling; /* what float reaches */
    qns_search_unit unit[N];
    const char *name[N];
    char text[N][8];
} world;

static qns_status run_set(qns_search_score *out, void *ctx, const bool *in_float, bool judge,
                          qns_err *err)
{
    world *w = ctx;
    double noise = 0;
    if (++w->runs == w->fail_at)
        QNS_FAIL(err, DATA, "the world ends at run %u", w->runs);
    w->judged += judge;
    for (uint32_t i = 0; i < N; i++)
        noise += in_float[i] ? 0 : i == 3 ? 1.0 : i == 7 ? 0.2 : 0.0001 * (1 + i);
    noise += in_float[5] || in_float[6] ? 0 : 0.05;
    out->sqnr_db = noise == 0 ? INFINITY : -10 * log10(noise);
    out->agreement = fmax(0, w->ceiling - noise);
    out->eval = judge ? w->ceiling - noise : NAN;
    return QNS_OK;
}

static qns_status scan_sets(qns_search_score *out, void *ctx, const bool *const *in_float,
                            uint32_t n, qns_err *err)
{
    world *w = ctx;
    w->scans++;
    for (uint32_t i = 0; i < n; i++)
        QNS_TRY(run_set(&out[i], ctx, in_float[i], false, err));
    return QNS_OK;
}

static qns_search_spec spec_of(world *w, const char *target, const char *log)
{
    static const qns_searcher *const steps[] = {&qns_search_bisect, &qns_search_backward};
    *w = (world){.ceiling = 1};
    for (uint32_t i = 0; i < N; i++) {
        snprintf(w->text[i], sizeof w->text[i], "u%u", i);
        w->name[i] = w->text[i];
        w->unit[i] = (qns_search_unit){.name = w->name[i],
                                       .op = "conv",
                                       .names = &w->name[i],
                                       .n_names = 1,
                                       .index = (int32_t)i,
                                       .cost = {10.0 + i, 5, NAN, 1},
                                       .score = NAN};
    }
    qns_search_spec s = {.unit = w->unit,
                         .n_units = N,
                         .total = {1000, 60, NAN, N},
                         .step = steps,
                         .n_steps = 2,
                         .by = QNS_RANK_ONE_IN,
                         .log = log,
                         .identity = qns_digest_of("x", 1),
                         .run = run_set,
                         .ctx = w};
    cr_assert_eq(qns_target_parse(&s.target, target, NULL), QNS_OK);
    return s;
}

static qns_search_result *found(const qns_search_spec *s)
{
    qns_search_result *r = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_search(&r, s, &err), QNS_OK, "%s: %s", err.trail, err.text);
    return r;
}

static void answer(const qns_search_result *r, const char *want)
{
    char got[128] = "";
    const qns_search_trial *t = qns_search_best(r);
    for (uint32_t i = 0; i < t->n_units; i++) {
        strcat(strcat(got, i ? " " : ""), r->unit[t->unit[i]].name);
        cr_assert(r->unit[t->unit[i]].in_float);
    }
    cr_assert_str_eq(got, want);
}

Test(search, finds_the_minimum)
{
    world w;
    qns_search_spec s = spec_of(&w, "output-sqnr>=15", NULL);
    /* Alone in int8, 5 and 6 do no harm; alone in float both help, and 5 costs less. */
    const qns_rank_by by[] = {QNS_RANK_ONE_IN, QNS_RANK_ONE_OUT};
    for (int i = 0; i < 2; i++) { /* noise of at most 0.03: 3 and 7, and one of 5 and 6 */
        s.by = by[i];
        w.runs = 0;
        qns_search_result *r = found(&s);
        cr_assert(qns_search_met(r) && r->end == QNS_SEARCH_DONE);
        answer(r, i == 0 ? "u3 u6 u7" : "u3 u5 u7");
        cr_assert_eq(r->runs, w.runs);
        cr_assert_eq(r->unit[3].rank, 1);
        cr_assert_eq(r->unit[7].rank, 2);
        cr_assert_leq(r->runs, 2 + N + 4 + N);
        cr_assert_eq(r->trial[r->int8].n_units, 0);
        qns_search_result_free(r);
    }
}

Test(search, given_ranking)
{
    world w;
    qns_search_spec s = spec_of(&w, "output-sqnr>=6", NULL);
    s.by = QNS_RANK_WEIGHT;
    s.by_cost = QNS_COST_LAYERS;
    for (uint32_t i = 0; i < N; i++)
        w.unit[i].score = i == 2 ? NAN : 20 + i;
    w.unit[7].score = 1;
    w.unit[3].score = 2;
    qns_search_result *r = found(&s);
    answer(r, "u3 u7");
    cr_assert(r->unit[7].rank == 1 && r->unit[3].rank == 2 && r->unit[2].rank == N);
    cr_assert_leq(r->runs, 2 + 4 + 2);
    qns_search_result_free(r);
}

/* The same help for more cost comes later; help for nothing comes first. */
Test(search, ranking_weighs_cost)
{
    world w;
    qns_search_spec s = spec_of(&w, "output-sqnr>=15", NULL);
    w.unit[7].cost[0] = 1; /* a fifth of the noise of 3 for a thirteenth of its cost */
    w.unit[1].cost[0] = 0;
    qns_search_result *r = found(&s);
    cr_assert_eq(r->unit[1].rank, 1);
    cr_assert_eq(r->unit[7].rank, 2);
    cr_assert_eq(r->unit[3].rank, 3);
    qns_search_result_free(r);
}

Test(search, int8_is_enough)
{
    world w;
    const qns_search_spec s = spec_of(&w, "output-sqnr>=-5", NULL);
    qns_search_result *r = found(&s);
    cr_assert(qns_search_met(r) && r->runs == 1);
    answer(r, "");
    qns_search_result_free(r);
}

Test(search, cannot_be_met)
{
    world w;
    const qns_search_spec s = spec_of(&w, "eval>=1.5", NULL);
    qns_search_result *r = found(&s);
    cr_assert(!qns_search_met(r) && r->end == QNS_SEARCH_IMPOSSIBLE);
    cr_assert_eq(r->runs, 2);
    cr_assert_eq(qns_search_best(r)->n_units, N);
    qns_search_result_free(r);
}

/* A user's command costs much: the ranking does without it. */
Test(search, ranking_does_not_judge)
{
    world w;
    const qns_search_spec s = spec_of(&w, "eval>=0.97", NULL);
    qns_search_result *r = found(&s);
    cr_assert(qns_search_met(r));
    answer(r, "u3 u6 u7");
    cr_assert_leq(w.judged, w.runs - N + 2);
    qns_search_result_free(r);
}

Test(search, budget)
{
    world w;
    qns_search_spec s = spec_of(&w, "output-sqnr>=15", NULL);
    qns_search_result *whole = found(&s);
    for (uint32_t runs = 1; runs < whole->runs + 3; runs++) {
        s = spec_of(&w, "output-sqnr>=15", NULL);
        s.max_runs = runs;
        qns_search_result *r = found(&s);
        cr_assert_eq(r->runs, w.runs);
        cr_assert_leq(w.runs, runs < 2 ? 2 : runs);
        cr_assert_eq(r->end == QNS_SEARCH_BUDGET, runs < whole->runs, "%u", runs);
        cr_assert(qns_search_met(r)); /* everything in float, at least */
        cr_assert_eq(r->n_trials, r->runs);
        qns_search_result_free(r);
    }
    qns_search_result_free(whole);
}

static void same(const qns_search_result *a, const qns_search_result *b)
{
    cr_assert_eq(a->n_trials, b->n_trials);
    cr_assert_eq(a->best, b->best);
    cr_assert_eq(a->end, b->end);
    cr_assert_eq(a->n_front, b->n_front);
    for (uint32_t i = 0; i < a->n_trials; i++) {
        const qns_search_trial *x = &a->trial[i], *y = &b->trial[i];
        cr_assert_str_eq(x->phase, y->phase);
        cr_assert_eq(x->n_units, y->n_units);
        cr_assert_eq(memcmp(x->unit, y->unit, x->n_units * sizeof *x->unit), 0);
        cr_assert(x->met == y->met && x->score.sqnr_db == y->score.sqnr_db);
    }
}

/* Stopped at any trial, and once in the middle of a line: the rest is run, nothing twice. */
Test(search, goes_on)
{
    world w;
    char log[64];
    snprintf(log, sizeof log, "/tmp/qns_search_%d.jsonl", (int)getpid());
    qns_search_spec s = spec_of(&w, "eval>=0.97", NULL);
    qns_search_result *whole = found(&s);
    const uint32_t all = w.runs;
    for (uint32_t at = 1; at < all; at++) {
        qns_search_result *r = NULL;
        unlink(log);
        s = spec_of(&w, "eval>=0.97", log);
        w.fail_at = at;
        cr_assert_eq(qns_search(&r, &s, NULL), QNS_E_DATA);
        FILE *f = fopen(log, "a");
        fputs("{\"phase\":\"ran", f);
        fclose(f);
        w.fail_at = w.runs = 0;
        r = found(&s);
        cr_assert_eq(w.runs, all - (at - 1));
        cr_assert_eq(r->logged, at - 1);
        same(whole, r);
        qns_search_result_free(r);
        w.runs = 0;
        r = found(&s);
        cr_assert_eq(w.runs, 0);
        same(whole, r);
        qns_search_result_free(r);
    }
    unlink(log);
    qns_search_result_free(whole);
}

/* Trials of the ranking at once: the same result, the same budget, the same log. */
Test(search, at_once)
{
    world w;
    char log[64];
    snprintf(log, sizeof log, "/tmp/qns_search_o%d.jsonl", (int)getpid());
    unlink(log);
    for (uint32_t runs = 2; runs < 30; runs++) {
        qns_search_spec s = spec_of(&w, "eval>=0.97", NULL);
        s.max_runs = runs;
        qns_search_result *one = found(&s);
        s = spec_of(&w, "eval>=0.97", log);
        s.max_runs = runs;
        s.scan = scan_sets;
        qns_search_result *all = found(&s);
        cr_assert_eq(w.scans, runs > 2);
        cr_assert_eq(one->runs, all->runs);
        same(one, all);
        w.runs = w.scans = 0;
        qns_search_result *again = found(&s); /* the log is no part of the budget */
        cr_assert(all->end == QNS_SEARCH_BUDGET || w.runs + w.scans == 0);
        if (all->end == QNS_SEARCH_DONE)
            same(one, again);
        qns_search_result_free(one);
        qns_search_result_free(all);
        qns_search_result_free(again);
        unlink(log);
    }
}

static void refused(const char *log, const char *content, qns_status st, const char *part)
{
    world w;
    qns_search_result *r;
    qns_err err = {0};
    size_t n;
    char *left;
    cr_assert_eq(qns_file_write(log, content, strlen(content), NULL), QNS_OK);
    const qns_search_spec s = spec_of(&w, "eval>=0.97", log);
    cr_assert_eq(qns_search(&r, &s, &err), st, "%s", err.text);
    cr_assert(strstr(err.text, part), "%s", err.text);
    cr_assert_eq(w.runs, 0);
    cr_assert_eq(qns_file_read(&left, &n, log, 4096, NULL), QNS_OK);
    cr_assert_str_eq(left, content); /* nothing of it is lost */
    qns_free(left);
}

Test(search, foreign_logs)
{
    char log[64];
    snprintf(log, sizeof log, "/tmp/qns_search_f%d.jsonl", (int)getpid());
    refused(log, "no log", QNS_E_FORMAT, "not the log of a search");
    refused(log, "a: 1\n", QNS_E_FORMAT, "not JSON");
    refused(log, "{}\n", QNS_E_FORMAT, "not the log of a search");
    refused(log, "{\"log\":\"qns search\",\"identity\":\"00000000000000000000000000000000\"}\n",
            QNS_E_MISMATCH, "--log");
    unlink(log);
}

/* Against the definition, on a grid with ties. */
Test(search, front)
{
    enum { T = 60 };
    qns_search_trial t[T];
    uint32_t front[T];
    qns_target target;
    cr_assert_eq(qns_target_parse(&target, "top1-drop<=0.01", NULL), QNS_OK);
    for (uint32_t i = 0; i < T; i++)
        t[i] = (qns_search_trial){.cost = {(double)(i * 37 % 11)},
                                  .score = {NAN, NAN, i % 9 ? (double)(i * 13 % 7) : NAN, NAN}};
    const uint32_t n = qns_search_front(front, t, T, QNS_COST_MACS, &target);
    cr_assert_gt(n, 1);
    for (uint32_t k = 0; k < n; k++)
        for (uint32_t i = 0; i < T; i++) {
            const qns_search_trial *f = &t[front[k]];
            cr_assert(!(t[i].cost[0] <= f->cost[0] && t[i].score.drop < f->score.drop));
            cr_assert(!(t[i].cost[0] < f->cost[0] && t[i].score.drop <= f->score.drop));
        }
    for (uint32_t k = 1; k < n; k++) { /* cheapest first, each worth its cost */
        cr_assert_gt(t[front[k]].cost[0], t[front[k - 1]].cost[0]);
        cr_assert_lt(t[front[k]].score.drop, t[front[k - 1]].score.drop);
    }
}

Test(search, verdicts)
{
    qns_target t, down;
    cr_assert_eq(qns_target_parse(&t, "output-sqnr>=20", NULL), QNS_OK);
    cr_assert_eq(qns_target_parse(&down, "top1-drop<=0.01", NULL), QNS_OK);
    cr_assert_eq(qns_search_judge(&t, &(qns_interval){22, 20, 24, "x"}), QNS_CHECK_VERIFIED);
    cr_assert_eq(qns_search_judge(&t, &(qns_interval){22, 19, 24, "x"}), QNS_CHECK_UNDECIDED);
    cr_assert_eq(qns_search_judge(&t, &(qns_interval){18, 17, 19, "x"}), QNS_CHECK_REFUTED);
    cr_assert_eq(qns_search_judge(&t, &(qns_interval){22, 20, 24, NULL}), QNS_CHECK_NONE);
    cr_assert_eq(qns_search_judge(&down, &(qns_interval){0, -0.01, 0.01, "x"}), QNS_CHECK_VERIFIED);
    cr_assert_eq(qns_search_judge(&down, &(qns_interval){0, -0.01, 0.02, "x"}),
                 QNS_CHECK_UNDECIDED);
}

Test(search, words)
{
    qns_cost c;
    qns_rank_by r;
    qns_err err = {0};
    cr_assert(qns_cost_find(&c, "bytes", NULL) == QNS_OK && c == QNS_COST_BYTES);
    cr_assert(qns_rank_find(&r, "leave-one-in", NULL) == QNS_OK && r == QNS_RANK_ONE_IN);
    cr_assert_eq(qns_rank_find(&r, "leave-one-on", &err), QNS_E_NOTFOUND);
    cr_assert(strstr(err.text, "did you mean 'leave-one-"), "%s", err.text);
}
