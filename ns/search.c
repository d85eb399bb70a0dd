/* SPDX-License-Identifier: MIT */
#include "ns/search.h"

#include "core/base/str.h"
#include "core/base/vec.h"
#include "ns/search_internal.h"
#include "qns_version.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <time.h>

double qns_search_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double value_of(const qns_search_state *j, const qns_search_score *s)
{
    return qns_search_value(s, j->spec->target.metric);
}

/* ---- trials ---- */

qns_search_row *qns_search_find(const qns_search_rows *e, const qns_search_state *j,
                                const bool *set)
{
    for (size_t i = 0; i < e->n; i++)
        if (memcmp(e->at[i].set, set, j->spec->n_units * sizeof *set) == 0)
            return &e->at[i];
    return NULL;
}

static qns_status add(qns_search_row **out, qns_search_rows *to, qns_search_state *j,
                      const bool *set, const char *phase, qns_err *err)
{
    const qns_search_spec *s = j->spec;
    qns_search_row e = {.t.score = {NAN, NAN, NAN, NAN}};
    uint32_t *unit;
    QNS_TRY(qns_arena_new((void **)&unit, j->r->arena, s->n_units, sizeof *unit, err));
    e.t.unit = unit;
    e.t.phase = qns_arena_strdup(j->r->arena, phase);
    e.set = qns_arena_dup(j->r->arena, set, s->n_units * sizeof *set);
    if (!e.t.phase || !e.set)
        QNS_FAIL(err, NOMEM, "out of memory for a trial");
    for (uint32_t i = 0; i < s->n_units; i++) {
        if (!set[i])
            continue;
        unit[e.t.n_units++] = i;
        for (int c = 0; c < QNS_COSTS; c++)
            e.t.cost[c] += s->unit[i].cost[c];
    }
    QNS_VEC_PUSH(to, e, err);
    *out = &to->at[to->n - 1];
    return QNS_OK;
}

/* A set has one line for its SQNR and one for the number of a command, or one for both. */
static void merge(qns_search_score *to, const qns_search_score *from)
{
    to->sqnr_db = isnan(from->sqnr_db) ? to->sqnr_db : from->sqnr_db;
    to->agreement = isnan(from->agreement) ? to->agreement : from->agreement;
    to->drop = isnan(from->drop) ? to->drop : from->drop;
    to->eval = isnan(from->eval) ? to->eval : from->eval;
}

qns_status qns_search_know(void *ctx, const qns_search_entry *in, qns_err *err)
{
    qns_search_state *j = ctx;
    qns_search_row *e = qns_search_find(&j->known, j, in->in_float);
    if (!e)
        QNS_TRY(add(&e, &j->known, j, in->in_float, in->phase, err));
    merge(&e->t.score, &in->score);
    return QNS_OK;
}

static bool has_number(const qns_search_state *j, const qns_search_score *s, bool judge)
{
    return !isnan(judge ? value_of(j, s) : s->sqnr_db);
}

static qns_status run_trial(qns_search_row *e, qns_search_state *j, bool judge, qns_err *err)
{
    const qns_search_spec *s = j->spec;
    qns_search_score score = {NAN, NAN, NAN, NAN};
    const double start = qns_search_now();
    const bool spent = (s->max_runs && j->r->runs >= s->max_runs) ||
                       (s->max_seconds > 0 && start - j->began >= s->max_seconds);
    if (spent && j->trial.n > 2) {
        j->out_of_budget = true;
        QNS_FAIL(err, CANCELLED, "the budget is spent");
    }
    QNS_TRY(s->run(&score, s->ctx, e->set, judge, err));
    j->r->runs++;
    merge(&e->t.score, &score);
    e->t.seconds += qns_search_now() - start;
    if (!j->log)
        return QNS_OK;
    const qns_search_entry line = {e->t.phase, e->set, score, qns_search_now() - start};
    return qns_search_log_add(j->log, &line, err);
}

qns_status qns_search_score_of(qns_search_score *out, qns_search_state *j, const bool *set,
                               bool judge, qns_err *err)
{
    qns_search_row *e = qns_search_find(&j->trial, j, set);
    const qns_search_row *old = qns_search_find(&j->known, j, set);
    const bool fresh = !e;
    if (fresh)
        QNS_TRY(add(&e, &j->trial, j, set, j->phase, err));
    if (!has_number(j, &e->t.score, judge) && old && has_number(j, &old->t.score, judge)) {
        merge(&e->t.score, &old->t.score);
        e->t.seconds = old->t.seconds;
        *(old->t.seconds > 0 ? &j->r->runs : &j->r->logged) += 1;
    }
    if (!has_number(j, &e->t.score, judge)) {
        const qns_status st = run_trial(e, j, judge, err);
        if (st != QNS_OK) {
            j->trial.n -= fresh; /* it did not happen */
            return st;
        }
    }
    e->t.met = qns_target_met(&j->spec->target, value_of(j, &e->t.score));
    *out = e->t.score;
    if (j->spec->progress)
        j->spec->progress(j->spec->ctx, j->phase, (int64_t)j->trial.n,
                          j->total > (int64_t)j->trial.n ? j->total : (int64_t)j->trial.n);
    return QNS_OK;
}

static qns_status test(bool *pass, void *ctx, const bool *in_float, qns_err *err)
{
    qns_search_state *j = ctx;
    qns_search_score s;
    QNS_TRY(qns_search_score_of(&s, j, in_float, true, err));
    *pass = qns_target_met(&j->spec->target, value_of(j, &s));
    return QNS_OK;
}

/* ---- the strategies ---- */

static uint32_t count(const bool *set, uint32_t n)
{
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++)
        k += set[i];
    return k;
}

/* What the progress counts to: bounds of strategies that end early are cut to something useful. */
static int64_t expected(const qns_searcher *s, uint32_t n)
{
    const uint64_t bound = s->bound(n);
    return (int64_t)(bound < 4 * (uint64_t)n ? bound : 4 * (uint64_t)n);
}

static qns_status run_steps(qns_search_state *j, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_search_spec *s = j->spec;
    double *cost = NULL;
    bool *set = NULL;
    QNS_TRY_DONE(qns_new((void **)&set, s->n_units, sizeof *set, err));
    QNS_TRY_DONE(qns_new((void **)&cost, s->n_units, sizeof *cost, err));
    for (uint32_t i = 0; i < s->n_units; i++) {
        cost[i] = s->unit[i].cost[s->by_cost];
        set[i] = true;
    }
    const qns_search_problem p = {s->n_units, j->order, cost, test, j};
    for (size_t i = 0; i < s->n_steps; i++) {
        j->phase = s->step[i]->name;
        j->total = (int64_t)j->trial.n + expected(s->step[i], count(set, s->n_units));
        QNS_TRY_DONE(s->step[i]->run(set, &p, err));
    }
done:
    qns_free(cost);
    qns_free(set);
    return st;
}

static qns_status one(bool *pass, qns_search_state *j, bool in_float, qns_err *err)
{
    j->phase = in_float ? "float" : "int8";
    for (uint32_t i = 0; i < j->spec->n_units; i++)
        j->set[i] = in_float;
    return test(pass, j, j->set, err);
}

static qns_status search(qns_search_state *j, qns_err *err)
{
    bool pass;
    const bool trials = j->spec->by == QNS_RANK_ONE_IN || j->spec->by == QNS_RANK_ONE_OUT;
    j->total = 2 + (trials ? j->spec->n_units : 0);
    QNS_TRY(one(&pass, j, false, err));
    if (pass)
        return QNS_OK;
    QNS_TRY(one(&pass, j, true, err));
    if (!pass) {
        j->r->end = QNS_SEARCH_IMPOSSIBLE;
        return QNS_OK;
    }
    QNS_TRY(qns_search_rank(j, err));
    return run_steps(j, err);
}

/* ---- the result ---- */

/* Met and cheap; when nothing is met, near. Equal: fewer units, then the earlier trial. */
static bool better(const qns_search_state *j, const qns_search_trial *a, const qns_search_trial *b)
{
    const double x = qns_target_margin(&j->spec->target, value_of(j, &a->score));
    const double y = qns_target_margin(&j->spec->target, value_of(j, &b->score));
    const qns_cost c = j->spec->by_cost;
    if (a->met != b->met)
        return a->met;
    if (!a->met && (isnan(y) ? !isnan(x) : x != y))
        return isnan(y) || x > y;
    if (a->cost[c] != b->cost[c])
        return a->cost[c] < b->cost[c];
    return a->n_units < b->n_units;
}

static qns_status finish(qns_search_state *j, qns_err *err)
{
    qns_search_result *r = j->r;
    qns_search_trial *t;
    uint32_t *front;
    r->n_trials = (uint32_t)j->trial.n;
    QNS_TRY(qns_arena_new((void **)&t, r->arena, r->n_trials, sizeof *t, err));
    QNS_TRY(qns_arena_new((void **)&front, r->arena, r->n_trials, sizeof *front, err));
    for (uint32_t i = 0; i < r->n_trials; i++) {
        t[i] = j->trial.at[i].t;
        if (better(j, &t[i], &t[r->best]))
            r->best = i;
    }
    r->trial = t;
    r->front = front;
    r->n_front = qns_search_front(front, t, r->n_trials, r->by_cost, &r->target);
    for (uint32_t i = 0; i < t[r->best].n_units; i++)
        j->unit[t[r->best].unit[i]].in_float = true;
    r->seconds = qns_search_now() - j->began;
    return QNS_OK;
}

static qns_status copy_units(qns_search_state *j, qns_err *err)
{
    qns_search_result *r = j->r;
    qns_arena *a = r->arena;
    bool full = false;
    QNS_TRY(qns_arena_new((void **)&j->unit, a, r->n_units, sizeof *j->unit, err));
    r->unit = j->unit;
    for (uint32_t i = 0; i < r->n_units; i++) {
        const qns_search_unit *from = &j->spec->unit[i];
        const char **names;
        QNS_TRY(qns_arena_new((void **)&names, a, from->n_names, sizeof *names, err));
        for (uint32_t k = 0; k < from->n_names; k++)
            full |= !(names[k] = qns_arena_strdup(a, from->names[k]));
        j->unit[i] = *from;
        j->unit[i].names = names;
        full |= !(j->unit[i].name = qns_arena_strdup(a, from->name));
        full |= !(j->unit[i].op = qns_arena_strdup(a, from->op));
    }
    if (full)
        QNS_FAIL(err, NOMEM, "out of memory for the names of %u units", r->n_units);
    return QNS_OK;
}

static qns_status begin(qns_search_state *j, qns_err *err)
{
    const qns_search_spec *s = j->spec;
    qns_search_result *r;
    qns_str steps = {0};
    QNS_TRY(qns_new((void **)&j->r, 1, sizeof *j->r, err));
    r = j->r;
    QNS_TRY(qns_arena_create(&r->arena, err));
    for (size_t i = 0; i < s->n_steps; i++)
        qns_str_addf(&steps, "%s%s", i ? "," : "", s->step[i]->name);
    r->strategy = qns_arena_strdup(r->arena, qns_str_get(&steps));
    qns_str_fini(&steps);
    if (!r->strategy)
        QNS_FAIL(err, NOMEM, "out of memory for a name");
    r->qns = QNS_VERSION;
    r->model = r->backend = r->qconfig = r->command = r->eval_cmd = r->calib = r->data = "";
    r->target = s->target;
    r->by = s->by;
    r->by_cost = s->by_cost;
    r->n_units = s->n_units;
    memcpy(r->total, s->total, sizeof r->total);
    r->check = (qns_search_check){.data = "",
                                  .interval = {NAN, NAN, NAN, NULL},
                                  .int8 = {NAN, NAN, NAN, NAN},
                                  .mixed = {NAN, NAN, NAN, NAN},
                                  .ref_top1 = NAN,
                                  .int8_top1 = NAN,
                                  .top1 = NAN};
    QNS_TRY(copy_units(j, err));
    QNS_TRY(qns_arena_new((void **)&j->order, r->arena, s->n_units, sizeof *j->order, err));
    QNS_TRY(qns_arena_new((void **)&j->set, r->arena, s->n_units, sizeof *j->set, err));
    if (!s->log)
        return QNS_OK;
    return qns_search_log_open(&j->log, s->log, &s->identity, r->unit, r->n_units, qns_search_know,
                               j, err);
}

qns_status qns_search(qns_search_result **out, const qns_search_spec *spec, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_search_state j = {.spec = spec, .began = qns_search_now()};
    qns_err budget = {0};
    assert(spec->n_units > 0 && spec->n_steps > 0);
    QNS_TRY_DONE(begin(&j, err));
    st = search(&j, &budget);
    if (j.out_of_budget)
        j.r->end = QNS_SEARCH_BUDGET;
    else if (st != QNS_OK && err)
        *err = budget;
    if (st != QNS_OK && !j.out_of_budget)
        goto done;
    QNS_TRY_DONE(finish(&j, err));
    *out = j.r;
    j.r = NULL;
done:
    qns_search_log_close(j.log);
    qns_free(j.known.at);
    qns_free(j.trial.at);
    qns_search_result_free(j.r);
    return st;
}

const qns_search_trial *qns_search_best(const qns_search_result *r)
{
    return &r->trial[r->best];
}

bool qns_search_met(const qns_search_result *r)
{
    return r->trial[r->best].met;
}

void qns_search_result_free(qns_search_result *r)
{
    if (!r)
        return;
    qns_arena_free(r->arena);
    qns_free(r);
}
