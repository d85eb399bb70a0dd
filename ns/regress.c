/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ns/compare/metric.h"
#include "ns/rank.h"
#include "ns/regress_internal.h"
#include "qns_version.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

const char *qns_change_text(qns_change c)
{
    static const char *const text[] = {"unchanged", "improved", "regressed", "unmatched",
                                       "matched"};
    return text[c];
}

void qns_regression_free(qns_regression *r)
{
    if (!r)
        return;
    qns_arena_free(r->arena);
    qns_free(r);
}

/* ---- the three files ---- */

static const qns_cmp_live weights_only = {0};

static qns_status open_pair(qns_cmp *c, const char *ref, const char *test, qns_err *err)
{
    QNS_TRY(qns_cmp_open(c, ref, test, err));
    QNS_TRY(qns_cmp_begin(c, "comparison", err));
    c->live = &weights_only; /* activations are measured here, for both at once */
    return qns_cmp_identity(c, err);
}

/* Keeps the rows that both pairs have; both ascend in the rows of the reference. */
static qns_status common_rows(qns_three *g, qns_err *err)
{
    qns_cmp *a = &g->was, *b = &g->now;
    const bool any = a->n_rows > 0 && b->n_rows > 0;
    const size_t had = a->n_rows > b->n_rows ? a->n_rows : b->n_rows;
    size_t n = 0;
    for (size_t i = 0, k = 0; i < a->n_rows && k < b->n_rows;) {
        if (a->row[i].ref < b->row[k].ref) {
            i++;
        } else if (a->row[i].ref > b->row[k].ref) {
            k++;
        } else {
            a->row[n] = a->row[i++];
            b->row[n++] = b->row[k++];
        }
    }
    a->n_rows = b->n_rows = n;
    if (any && n == 0)
        QNS_FAIL(err, MISMATCH,
                 "'%s' and '%s' share no sample; capture both with the same data and the same "
                 "policy",
                 qns_capture_info(a->test)->path, qns_capture_info(b->test)->path);
    if (n < had)
        qns_cmp_find(
            &g->text, "COMMON_SAMPLES", 0, "",
            qns_cmp_text(&g->text, "%zu samples are in all three files, of up to %zu", n, had), "");
    return QNS_OK;
}

static qns_status pair_up(qns_cmp *c, qns_err *err)
{
    QNS_TRY(qns_cmp_pair(c, err));
    QNS_TRY(qns_cmp_coverage(c, err));
    QNS_TRY(qns_cmp_filter(c, err));
    QNS_TRY(qns_cmp_layers(c, err));
    return qns_cmp_measure(c, err);
}

/* ---- layers of both ---- */

static uint32_t main_data(const qns_cmp_layer *l)
{
    return l->ref != QNS_CMP_NONE ? l->ref : l->ref_weight;
}

static const qns_layer *layer_of(const qns_cmp *c, uint32_t k)
{
    return k == QNS_CMP_NONE ? NULL : &c->r->layer[k];
}

static int64_t place_of(const qns_three *g, const qns_both *b)
{
    const qns_layer *l =
        b->was != QNS_CMP_NONE ? layer_of(&g->was, b->was) : layer_of(&g->now, b->now);
    return l->index >= 0 ? l->index : INT64_MAX;
}

/* Layers of the two comparisons are the same when they are of the same data of the reference. Those
 * that only one has go where their execution order says. */
static qns_status join(qns_three *g, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *at = NULL; /* by data of the reference: layer of now */
    const size_t n_data = qns_capture_n(g->was.ref), n_was = g->was.layer.n, n_now = g->now.layer.n;
    bool *used = NULL;
    size_t n = 0;
    QNS_TRY_DONE(qns_new((void **)&at, n_data, sizeof *at, err));
    QNS_TRY_DONE(qns_new((void **)&used, n_now, sizeof *used, err));
    QNS_TRY_DONE(qns_new((void **)&g->layer, n_was + n_now, sizeof *g->layer, err));
    memset(at, 0xff, n_data * sizeof *at); /* QNS_CMP_NONE */
    for (uint32_t k = 0; k < n_now; k++)
        at[main_data(&g->now.layer.at[k])] = k;
    for (uint32_t k = 0; k < n_was; k++) {
        const uint32_t now = at[main_data(&g->was.layer.at[k])];
        g->layer[n++] = (qns_both){k, now};
        if (now != QNS_CMP_NONE)
            used[now] = true;
    }
    for (uint32_t k = 0; k < n_now; k++) {
        const qns_both b = {QNS_CMP_NONE, k};
        size_t to = n;
        if (used[k])
            continue;
        while (to > 0 && place_of(g, &g->layer[to - 1]) > place_of(g, &b))
            to--;
        memmove(&g->layer[to + 1], &g->layer[to], (n - to) * sizeof *g->layer);
        g->layer[to] = b;
        n++;
    }
    g->r->n_layers = (uint32_t)n;
    st = qns_arena_new((void **)&g->r->layer, g->r->arena, n, sizeof *g->r->layer, err);
done:
    qns_free(at);
    qns_free(used);
    return st;
}

static void describe(qns_three *g, size_t i)
{
    qns_cmp *t = &g->text;
    qns_changed *to = &g->r->layer[i];
    const qns_layer *was = layer_of(&g->was, g->layer[i].was),
                    *now = layer_of(&g->now, g->layer[i].now), *l = was ? was : now;
    const char **origin = qns_arena_get(t->a, l->n_origin ? l->n_origin : 1, sizeof *origin);
    t->failed |= !origin;
    for (uint32_t k = 0; origin && k < l->n_origin; k++)
        origin[k] = qns_cmp_text(t, "%s", l->origin[k]);
    *to = (qns_changed){.name = qns_cmp_text(t, "%s", l->name),
                        .op = qns_cmp_text(t, "%s", l->op),
                        .index = l->index,
                        .origin = origin,
                        .n_origin = origin ? l->n_origin : 0,
                        .macs = l->macs,
                        .was_kept = was ? was->kept : "", /* literals */
                        .now_kept = now ? now->kept : "",
                        .change_db = NAN,
                        .q = NAN,
                        .worst_sample = -1,
                        .worst_db = NAN,
                        .advice = ""};
    to->test = (qns_paired){.shift = NAN, .lo = NAN, .hi = NAN, .p = NAN};
    qns_diff_init(&to->was);
    to->now = to->was;
    to->was_weight = was ? was->weight : to->was;
    to->now_weight = now ? now->weight : to->was;
}

/* ---- measuring ---- */

typedef struct job { /* of one layer; grids were made before */
    qns_grid *grid[2];
    qns_status st;
    qns_err err;
} job;

/* Worst loss of a sample; a sample without a number on one side is no pair. */
static void find_worst(qns_changed *l, const double *d, size_t n, size_t every,
                       const qns_cmp_row *row)
{
    for (size_t i = 0; i < n; i++)
        if (d[i] < 0 && !(d[i] >= l->worst_db)) {
            l->worst_db = d[i];
            l->worst_sample = row[i * every].id;
        }
}

/* NaN - NaN and infinity - infinity: both sides have the same special case. */
static double difference(double now, double was)
{
    if (isnan(now) || isnan(was))
        return NAN;
    return now == was ? 0 : now - was;
}

static qns_status prepare(qns_measure *m, const qns_cmp *c, uint32_t k, const qns_grid *grid,
                          size_t every, qns_err *err)
{
    const qns_cmp_layer *l = &c->layer.at[k];
    const qns_cap_data *t = qns_cmp_data(c->test, l->test);
    const size_t kept = (c->n_rows + every - 1) / every;
    *m = (qns_measure){.k = &c->k,
                       .ref = c->ref,
                       .test = c->test,
                       .ref_data = l->ref,
                       .test_data = l->test,
                       .row = c->row,
                       .n_rows = c->n_rows,
                       .geom = qns_geom_of(&t->shape, t->n_scale > 1 ? t->axis : -1),
                       .grid = grid,
                       .n_grid = t->n_scale,
                       .every = every};
    QNS_TRY(qns_new((void **)&m->channel, m->geom.channels, sizeof *m->channel, err));
    return qns_new((void **)&m->db, kept, sizeof *m->db, err);
}

static void keep_diff(qns_diff *out, const qns_measure *m)
{
    qns_sums all;
    if (!m->channel)
        return;
    qns_sums_init(&all);
    for (size_t i = 0; i < m->geom.channels; i++)
        qns_sums_merge(&all, &m->channel[i]);
    qns_diff_from_sums(out, &all);
}

static bool has_output(const qns_cmp *c, uint32_t k)
{
    return k != QNS_CMP_NONE && c->layer.at[k].ref != QNS_CMP_NONE && c->n_rows > 0;
}

static qns_status measure(qns_three *g, size_t i, const job *j, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_changed *l = &g->r->layer[i];
    const qns_both b = g->layer[i];
    const size_t every = (g->was.n_rows + QNS_REGRESS_PAIRS - 1) / QNS_REGRESS_PAIRS;
    const bool was = has_output(&g->was, b.was), now = has_output(&g->now, b.now);
    qns_measure m[2] = {{0}, {0}};
    if (was)
        QNS_TRY_DONE(prepare(&m[0], &g->was, b.was, j->grid[0], every, err));
    if (now)
        QNS_TRY_DONE(prepare(&m[1], &g->now, b.now, j->grid[1], every, err));
    if (was && now)
        QNS_TRY_DONE(qns_measure_both(&m[0], &m[1], err));
    else if (was || now)
        QNS_TRY_DONE(qns_measure_run(&m[now], err));
    keep_diff(&l->was, &m[0]);
    keep_diff(&l->now, &m[1]);
    if (was && now) {
        const size_t n = (g->was.n_rows + every - 1) / every;
        for (size_t k = 0; k < n; k++)
            m[1].db[k] = difference(m[1].db[k], m[0].db[k]);
        find_worst(l, m[1].db, n, every, g->was.row);
        qns_paired_test(&l->test, m[1].db, n);
        l->change_db = l->test.shift;
    } else if (l->was_weight.present && l->now_weight.present) {
        l->change_db = difference(l->now_weight.sqnr_db, l->was_weight.sqnr_db);
    }
done:
    for (int k = 0; k < 2; k++) {
        qns_free(m[k].channel);
        qns_free(m[k].db);
    }
    return st;
}

static qns_status measure_all(qns_three *g, qns_err *err)
{
    qns_status st = QNS_OK;
    job *jobs = NULL;
    const size_t n = g->r->n_layers;
    const int threads = g->o->threads > 0 ? g->o->threads : omp_get_max_threads();
    uint32_t finished = 0;
    QNS_TRY(qns_new((void **)&jobs, n, sizeof *jobs, err));
    for (size_t i = 0; i < n; i++) {
        const qns_both b = g->layer[i];
        if (has_output(&g->was, b.was))
            QNS_TRY_DONE(qns_cmp_grids(&jobs[i].grid[0], &g->was,
                                       qns_cmp_data(g->was.test, g->was.layer.at[b.was].test),
                                       err));
        if (has_output(&g->now, b.now))
            QNS_TRY_DONE(qns_cmp_grids(&jobs[i].grid[1], &g->now,
                                       qns_cmp_data(g->now.test, g->now.layer.at[b.now].test),
                                       err));
    }
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (size_t i = 0; i < n; i++) {
        jobs[i].st = measure(g, i, &jobs[i], &jobs[i].err);
        if (jobs[i].st != QNS_OK)
            qns_err_note(&jobs[i].err, "layer '%s'", g->r->layer[i].name);
#pragma omp critical(qns_regress_progress)
        if (g->o->progress)
            g->o->progress(g->o->ctx, ++finished, (uint32_t)n);
    }
    for (size_t i = 0; i < n && st == QNS_OK; i++) {
        st = jobs[i].st;
        if (st != QNS_OK && err)
            *err = jobs[i].err;
    }
done:
    qns_free(jobs);
    return st;
}

/* ---- verdicts ---- */

static qns_change judge(const qns_regression *r, const qns_changed *l, const qns_both *b)
{
    if (b->was == QNS_CMP_NONE)
        return QNS_NEWLY_MATCHED;
    if (b->now == QNS_CMP_NONE)
        return QNS_NEWLY_UNMATCHED;
    const uint64_t broken = l->now.nonfinite_test + l->now_weight.nonfinite_test;
    const uint64_t known = l->was.nonfinite_test + l->was_weight.nonfinite_test;
    if (broken > known && broken > l->now.nonfinite_ref + l->now_weight.nonfinite_ref)
        return QNS_REGRESSED;
    const bool weight_only = l->test.n == 0;
    if (isnan(l->change_db) || l->change_db == 0 || fabs(l->change_db) < r->min_change_db ||
        (!weight_only && !(l->q <= r->fdr)))
        return QNS_UNCHANGED;
    return l->change_db < 0 ? QNS_REGRESSED : QNS_IMPROVED;
}

static qns_status decide(qns_three *g, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_regression *r = g->r;
    double *p = NULL, *q = NULL;
    QNS_TRY_DONE(qns_new((void **)&p, r->n_layers, sizeof *p, err));
    QNS_TRY_DONE(qns_new((void **)&q, r->n_layers, sizeof *q, err));
    for (uint32_t i = 0; i < r->n_layers; i++)
        p[i] = r->layer[i].test.p;
    QNS_TRY_DONE(qns_fdr(q, p, r->n_layers, r->method, err));
    for (uint32_t i = 0; i < r->n_layers; i++) {
        r->layer[i].q = q[i];
        r->layer[i].change = judge(r, &r->layer[i], &g->layer[i]);
        r->n[r->layer[i].change]++;
    }
done:
    qns_free(p);
    qns_free(q);
    return st;
}

/* Regressed, unmatched, unchanged, improved, matched; each by what it lost. */
static qns_status rank(qns_regression *r, qns_err *err)
{
    static const int class_of[QNS_CHANGES] = {[QNS_REGRESSED] = 0,
                                              [QNS_NEWLY_UNMATCHED] = 1,
                                              [QNS_UNCHANGED] = 2,
                                              [QNS_IMPROVED] = 3,
                                              [QNS_NEWLY_MATCHED] = 4};
    qns_rank_key *key = NULL;
    uint32_t *order = NULL;
    QNS_TRY(qns_arena_new((void **)&order, r->arena, r->n_layers, sizeof *order, err));
    QNS_TRY(qns_new((void **)&key, r->n_layers, sizeof *key, err));
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_changed *l = &r->layer[i];
        const bool broken = l->change == QNS_REGRESSED && l->now.nonfinite_test;
        const double db = broken ? -INFINITY : isnan(l->change_db) ? INFINITY : l->change_db;
        key[i] = (qns_rank_key){class_of[l->change], db, i};
    }
    qsort(key, r->n_layers, sizeof *key, qns_by_rank);
    for (uint32_t i = 0; i < r->n_layers; i++)
        order[i] = key[i].layer;
    qns_free(key);
    r->ranking = order;
    return QNS_OK;
}

/* ---- the whole ---- */

static void keep_coverage(qns_regress_coverage *to, const qns_cmp *c)
{
    *to = (qns_regress_coverage){c->r->coverage.ops, c->r->coverage.matched, c->r->coverage.folded,
                                 c->r->coverage.macs_matched};
}

static qns_status begin(qns_three *g, qns_err *err)
{
    const qns_regress_opts *o = g->o;
    QNS_TRY(qns_new((void **)&g->r, 1, sizeof *g->r, err));
    QNS_TRY(qns_arena_create(&g->r->arena, err));
    qns_regression *r = g->r;
    g->text.a = r->arena;
    r->qns = QNS_VERSION;
    r->fdr = o->fdr > 0 ? o->fdr : QNS_REGRESS_FDR;
    r->min_change_db = isnan(o->min_change_db) ? QNS_REGRESS_CHANGE_DB : o->min_change_db;
    r->method = o->method;
    r->output.name = "";
    r->output.layer = QNS_CMP_NONE;
    return QNS_OK;
}

static qns_side keep_side(qns_cmp *t, const qns_side *s)
{
    qns_side out = *s;
    const char **const text[] = {&out.file,       &out.model,     &out.backend,
                                 &out.engine,     &out.build,     &out.graph_id,
                                 &out.weights_id, &out.inputs_id, &out.qparams_id};
    for (size_t i = 0; i < QNS_ARRAY_LEN(text); i++)
        *text[i] = qns_cmp_text(t, "%s", *text[i]);
    return out;
}

static qns_status run(qns_three *g, const char *ref, const char *was, const char *now, qns_err *err)
{
    QNS_TRY(begin(g, err));
    QNS_TRY(open_pair(&g->was, ref, was, err));
    QNS_TRY(open_pair(&g->now, ref, now, err));
    QNS_TRY(common_rows(g, err));
    QNS_TRY(pair_up(&g->was, err));
    QNS_TRY(pair_up(&g->now, err));
    g->r->ref = keep_side(&g->text, &g->was.r->ref);
    g->r->was = keep_side(&g->text, &g->was.r->test);
    g->r->now = keep_side(&g->text, &g->now.r->test);
    g->r->samples = (int64_t)g->was.n_rows;
    keep_coverage(&g->r->was_coverage, &g->was);
    keep_coverage(&g->r->now_coverage, &g->now);
    QNS_TRY(join(g, err));
    for (size_t i = 0; i < g->r->n_layers; i++)
        describe(g, i);
    if (g->text.failed)
        QNS_FAIL(err, NOMEM, "cannot keep %u layers", g->r->n_layers);
    QNS_TRY(measure_all(g, err));
    QNS_TRY(decide(g, err));
    QNS_TRY(rank(g->r, err));
    QNS_TRY(qns_regress_output(g, err));
    return qns_regress_advise(g, err);
}

qns_status qns_regress(qns_regression **out, const char *ref, const char *was, const char *now,
                       const qns_regress_opts *opts, qns_err *err)
{
    static const qns_regress_opts none = {.min_change_db = NAN};
    qns_three g = {.o = opts ? opts : &none};
    const qns_compare_opts co = {.layers = g.o->layers,
                                 .n_layers = g.o->n_layers,
                                 .threads = g.o->threads,
                                 .allow_incomplete = g.o->allow_incomplete,
                                 .force = g.o->force};
    g.was.o = g.now.o = g.text.o = &co;
    const qns_status st = run(&g, ref, was, now, err);
    if (st == QNS_OK)
        *out = g.r;
    else
        qns_regression_free(g.r);
    qns_result_free(g.was.r);
    qns_result_free(g.now.r);
    qns_cmp_fini(&g.was);
    qns_cmp_fini(&g.now);
    qns_cmp_fini(&g.text);
    qns_free(g.layer);
    if (st != QNS_OK)
        qns_err_note(err, "comparing three captures");
    return st;
}
