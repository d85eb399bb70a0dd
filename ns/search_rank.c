/* SPDX-License-Identifier: MIT */
/* The order in which units are wanted in float. */
#include "core/base/mem.h"
#include "ns/search_internal.h"

#include <math.h>
#include <string.h>

enum { BATCH = 16 };

static void set_of_one(bool *set, const qns_search_state *j, uint32_t unit)
{
    const bool in = j->spec->by == QNS_RANK_ONE_IN;
    for (uint32_t k = 0; k < j->spec->n_units; k++)
        set[k] = (k == unit) != in;
}

/* How many trials the budget has room for, at most BATCH. */
static uint32_t affordable(const qns_search_state *j)
{
    const qns_search_spec *s = j->spec;
    const double spent = qns_search_now() - j->began, runs = j->r->runs;
    double n = BATCH;
    if (s->max_runs)
        n = fmin(n, s->max_runs - runs);
    if (s->max_seconds > 0)
        n = fmin(n, runs > 0 ? floor((s->max_seconds - spent) * runs / spent) : 0);
    return n > 0 ? (uint32_t)n : 0;
}

/* Runs the sets from first on that nobody knows, at most BATCH of them, in one go: they differ in
 * one unit and share most of their work. What they give waits among the known ones. */
static qns_status run_ahead(qns_search_state *j, uint32_t first, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_search_spec *s = j->spec;
    const bool *set[BATCH];
    qns_search_score score[BATCH];
    bool *room = NULL;
    uint32_t n = 0;
    const uint32_t most = affordable(j);
    QNS_TRY(qns_new((void **)&room, (size_t)BATCH * s->n_units, sizeof *room, err));
    for (uint32_t i = first; i < s->n_units && n < most; i++) {
        bool *x = room + (size_t)n * s->n_units;
        set_of_one(x, j, i);
        if (!qns_search_find(&j->trial, j, x) && !qns_search_find(&j->known, j, x))
            set[n++] = x;
    }
    if (n == 0)
        goto done;
    const double start = qns_search_now();
    QNS_TRY_DONE(s->scan(score, s->ctx, set, n, err));
    for (uint32_t i = 0; i < n; i++) {
        const qns_search_entry e = {j->phase, set[i], score[i], (qns_search_now() - start) / n};
        QNS_TRY_DONE(qns_search_know(j, &e, err));
        j->known.at[j->known.n - 1].t.seconds = e.seconds;
        if (j->log)
            QNS_TRY_DONE(qns_search_log_add(j->log, &e, err));
    }
done:
    qns_free(room);
    return st;
}

static qns_status score_units(qns_search_state *j, qns_err *err)
{
    const qns_search_spec *s = j->spec;
    j->phase = "ranking";
    for (uint32_t i = 0; i < s->n_units; i++) {
        qns_search_score score;
        set_of_one(j->set, j, i);
        if (s->scan && !qns_search_find(&j->trial, j, j->set) &&
            !qns_search_find(&j->known, j, j->set))
            QNS_TRY(run_ahead(j, i, err));
        QNS_TRY(qns_search_score_of(&score, j, j->set, false, err));
        j->unit[i].score = score.sqnr_db;
    }
    return QNS_OK;
}

static double noise(double sqnr_db)
{
    return pow(10, -sqnr_db / 10);
}

/* What float saves for what it costs: higher comes first, NaN last. */
static double key_of(const qns_search_state *j, uint32_t i)
{
    const qns_search_unit *u = &j->unit[i];
    const double cost = u->cost[j->spec->by_cost];
    double saved = noise(u->score);
    if (j->spec->by == QNS_RANK_ONE_OUT)
        saved = noise(j->trial.at[j->r->int8].t.score.sqnr_db) - saved;
    return cost > 0 ? saved / cost : saved > 0 ? INFINITY : saved;
}

static bool before(const qns_search_state *j, uint32_t a, uint32_t b)
{
    const bool high = j->spec->by == QNS_RANK_ONE_OUT;
    const double x = key_of(j, a), y = key_of(j, b);
    if (isnan(x) || isnan(y))
        return !isnan(x) && isnan(y);
    if (x != y)
        return x > y;
    return high ? j->unit[a].score > j->unit[b].score : j->unit[a].score < j->unit[b].score;
}

/* Stable: what is equal stays in execution order. */
static void sort_units(qns_search_state *j)
{
    const uint32_t n = j->spec->n_units;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = i;
        for (; k > 0 && before(j, i, j->order[k - 1]); k--)
            j->order[k] = j->order[k - 1];
        j->order[k] = i;
    }
    for (uint32_t i = 0; i < n; i++)
        j->unit[j->order[i]].rank = i + 1;
}

qns_status qns_search_rank(qns_search_state *j, qns_err *err)
{
    bool ranked = false;
    for (size_t i = 0; i < j->spec->n_steps; i++)
        ranked |= j->spec->step[i]->ranked;
    for (uint32_t i = 0; i < j->spec->n_units; i++)
        j->order[i] = i;
    if (!ranked)
        return QNS_OK;
    if (j->spec->by == QNS_RANK_ONE_IN || j->spec->by == QNS_RANK_ONE_OUT)
        QNS_TRY(score_units(j, err));
    if (j->spec->by == QNS_RANK_ONE_OUT) { /* a command's number is no noise */
        qns_search_score s;
        memset(j->set, 0, j->spec->n_units * sizeof *j->set);
        QNS_TRY(qns_search_score_of(&s, j, j->set, false, err));
    }
    sort_units(j);
    return QNS_OK;
}
