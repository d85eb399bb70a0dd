/* SPDX-License-Identifier: MIT */
#include "ns/compare.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ns/cmp.h"
#include "ns/compare/channels.h"
#include "ns/compare/metric.h"
#include "ns/rank.h"
#include "qns_version.h"

#include <math.h>
#include <omp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *qns_cmp_text(qns_cmp *c, const char *fmt, ...)
{
    char buf[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    const char *s = qns_arena_strdup(c->a, buf);
    c->failed |= !s;
    return s ? s : "";
}

static qns_status push_finding(qns_cmp *c, const qns_finding *f)
{
    QNS_VEC_PUSH(&c->finding, *f, NULL);
    return QNS_OK;
}

void qns_cmp_find(qns_cmp *c, const char *code, int severity, const char *subject, const char *text,
                  const char *advice)
{
    const qns_finding f = {code, severity, subject, text, advice};
    c->failed |= push_finding(c, &f) != QNS_OK;
}

const qns_cap_data *qns_cmp_data(const qns_capture *cap, uint32_t i)
{
    return i == QNS_CMP_NONE ? NULL : qns_capture_at(cap, i);
}

qns_status qns_cmp_grids(qns_grid **out, qns_cmp *c, const qns_cap_data *d, qns_err *err)
{
    *out = NULL;
    if (!d || d->n_scale == 0)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)out, c->a, d->n_scale, sizeof **out, err));
    for (uint32_t i = 0; i < d->n_scale; i++)
        (*out)[i] = (qns_grid){.step = d->scale[i],
                               .lo = d->scale[i] * ((double)d->code_min - d->zero[i]),
                               .hi = d->scale[i] * ((double)d->code_max - d->zero[i])};
    return QNS_OK;
}

/* ---- texts of the result ---- */

/* Texts come from the captures, which are closed before the result is used. */
static const char *keep(qns_cmp *c, const char *s)
{
    return qns_cmp_text(c, "%s", s);
}

static qns_side side_of(qns_cmp *c, const qns_cap_info *i)
{
    return (qns_side){.file = keep(c, i->path),
                      .model = keep(c, i->model),
                      .backend = keep(c, i->backend),
                      .engine = keep(c, i->engine),
                      .build = keep(c, i->build),
                      .graph_id = keep(c, i->graph),
                      .weights_id = keep(c, i->weights),
                      .inputs_id = keep(c, i->inputs),
                      .qparams_id = keep(c, i->qparams),
                      .complete = i->complete,
                      .samples = i->samples};
}

static void keep_qinfo(qns_cmp *c, qns_qinfo *q, const qns_cap_data *d)
{
    if (!d)
        return;
    q->dtype = d->dtype; /* a literal */
    q->axis = d->axis;
    q->n_scale = d->n_scale;
    q->scale = qns_arena_dup(c->a, d->scale, d->n_scale * sizeof *d->scale);
    q->zero = qns_arena_dup(c->a, d->zero, d->n_scale * sizeof *d->zero);
    c->failed |= d->n_scale > 0 && (!q->scale || !q->zero);
}

static void keep_origin(qns_cmp *c, qns_layer *out, const qns_cap_data *d)
{
    const char **v = qns_arena_get(c->a, d->n_origin, sizeof *v);
    c->failed |= !v;
    for (uint32_t i = 0; v && i < d->n_origin; i++)
        v[i] = keep(c, d->origin[i]);
    out->origin = v;
    out->n_origin = v ? d->n_origin : 0;
}

static void describe_layer(qns_cmp *c, qns_layer *out, const qns_cmp_layer *l)
{
    const qns_cap_data *ra = qns_cmp_data(c->ref, l->ref), *ta = qns_cmp_data(c->test, l->test);
    const qns_cap_data *rw = qns_cmp_data(c->ref, l->ref_weight);
    const qns_cap_data *tw = qns_cmp_data(c->test, l->test_weight);
    const qns_cap_data *r = ra ? ra : rw, *t = ta ? ta : tw;
    out->name = keep(c, r->node[0] ? r->node : r->name);
    out->op = keep(c, r->op[0] ? r->op : t->op[0] ? t->op : l->conversion ? "input" : "");
    out->kept = t->n_scale > 0 ? "int8" : "float";
    out->index = r->index >= 0 && r->index <= INT32_MAX ? (int32_t)r->index : -1;
    out->macs = r->macs ? r->macs : t->macs;
    out->ref_dataset = keep(c, r->path);
    out->test_dataset = keep(c, t->path);
    out->paired_by = l->by;
    out->added_db = NAN;
    qns_diff_init(&out->weight); /* a tensor that is not there has no numbers */
    out->activation = out->local = out->weight;
    out->advice = "";
    keep_origin(c, out, r);
    keep_qinfo(c, &out->activation_q, ta);
    keep_qinfo(c, &out->weight_q, tw);
}

/* ---- first pass ---- */

typedef struct job { /* what a thread needs; grids were made before */
    qns_grid *act_grid, *weight_grid;
    qns_status st;
    qns_err err;
} job;

static qns_status measure_activation(qns_cmp *c, size_t k, const job *j, void *room, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_cmp_layer *l = &c->layer.at[k];
    const qns_cap_data *t = qns_cmp_data(c->test, l->test);
    qns_measure m = {.k = &c->k,
                     .ref = c->ref,
                     .test = c->test,
                     .ref_data = l->ref,
                     .test_data = l->test,
                     .row = c->row,
                     .n_rows = c->n_rows,
                     .geom = qns_geom_of(&t->shape, t->n_scale > 1 ? t->axis : -1),
                     .grid = j->act_grid,
                     .n_grid = t->n_scale,
                     .room = room};
    int64_t *ids = NULL;
    qns_sums all;
    QNS_TRY_DONE(qns_new((void **)&m.channel, m.geom.channels, sizeof *m.channel, err));
    QNS_TRY_DONE(qns_new((void **)&m.db, c->n_rows, sizeof *m.db, err));
    QNS_TRY_DONE(qns_new((void **)&ids, c->n_rows, sizeof *ids, err));
    QNS_TRY_DONE(qns_measure_run(&m, err));
    qns_sums_init(&all);
    for (size_t i = 0; i < m.geom.channels; i++)
        qns_sums_merge(&all, &m.channel[i]);
    for (size_t i = 0; i < c->n_rows; i++)
        ids[i] = c->row[i].id;
    qns_diff_from_sums(&c->r->layer[k].activation, &all);
    qns_diff_samples(&c->r->layer[k].activation, m.db, ids, c->n_rows);
done:
    qns_free(m.channel);
    qns_free(m.db);
    qns_free(ids);
    return st;
}

/* For a closer look at the worst layers (detail.c), which are not known yet. */
static qns_status keep_weight_channels(qns_cmp *c, size_t k, const qns_sums *s, size_t n,
                                       qns_err *err)
{
    unsigned flags = 0;
    qns_cmp_channel *out = NULL;
    QNS_TRY(qns_new((void **)&out, n, sizeof *out, err));
    for (size_t i = 0; i < n; i++)
        out[i] = (qns_cmp_channel){.ref_min = s[i].n ? s[i].ref_min : NAN,
                                   .ref_max = s[i].n ? s[i].ref_max : NAN,
                                   .sqnr_db = qns_sqnr_db(&flags, &s[i])};
    c->weight_channel[k] = out;
    return QNS_OK;
}

/* Widest channel of the reference over the median one. */
static qns_status find_stretch(qns_cmp *c, size_t k, const qns_sums *s, size_t n, qns_err *err)
{
    double *width = NULL, widest = 0;
    size_t live = 0;
    c->weight_stretch[k] = NAN;
    QNS_TRY(qns_new((void **)&width, n, sizeof *width, err));
    for (size_t i = 0; i < n; i++) {
        const double w = fmax(fabs(s[i].ref_min), fabs(s[i].ref_max));
        if (s[i].n == 0 || w == 0)
            continue;
        width[live++] = w;
        if (w > widest) {
            widest = w;
            c->weight_widest[k] = (uint32_t)i;
        }
    }
    if (live > 1)
        c->weight_stretch[k] = widest / qns_median(width, live);
    qns_free(width);
    return QNS_OK;
}

static qns_status measure_weight(qns_cmp *c, size_t k, const job *j, void *room, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_cmp_layer *l = &c->layer.at[k];
    const qns_cap_data *t = qns_cmp_data(c->test, l->test_weight);
    qns_measure m = {.k = &c->k,
                     .ref = c->ref,
                     .test = c->test,
                     .ref_data = l->ref_weight,
                     .test_data = l->test_weight,
                     .n_rows = 1,
                     .geom = qns_geom_of(&t->shape, qns_cmp_weight_axis(t)),
                     .grid = j->weight_grid,
                     .n_grid = t->n_scale,
                     .room = room};
    qns_sums all;
    QNS_TRY_DONE(qns_new((void **)&m.channel, m.geom.channels, sizeof *m.channel, err));
    QNS_TRY_DONE(qns_measure_run(&m, err));
    qns_sums_init(&all);
    for (size_t i = 0; i < m.geom.channels; i++)
        qns_sums_merge(&all, &m.channel[i]);
    qns_diff_from_sums(&c->r->layer[k].weight, &all);
    QNS_TRY_DONE(keep_weight_channels(c, k, m.channel, m.geom.channels, err));
    if (t->n_scale == 1)
        st = find_stretch(c, k, m.channel, m.geom.channels, err);
done:
    qns_free(m.channel);
    return st;
}

static void run_job(qns_cmp *c, size_t k, job *j, void *room)
{
    const qns_cmp_layer *l = &c->layer.at[k];
    if (l->ref_weight != QNS_CMP_NONE && l->test_weight != QNS_CMP_NONE)
        j->st = measure_weight(c, k, j, room, &j->err);
    if (j->st == QNS_OK && l->ref != QNS_CMP_NONE && !c->live)
        j->st = measure_activation(c, k, j, room, &j->err);
    if (j->st != QNS_OK)
        qns_err_note(&j->err, "layer '%s'", c->r->layer[k].name);
}

qns_status qns_cmp_measure(qns_cmp *c, qns_err *err)
{
    qns_status st = QNS_OK;
    job *jobs = NULL;
    const size_t n = c->layer.n;
    const int threads = c->o->threads > 0 ? c->o->threads : omp_get_max_threads();
    uint32_t finished = 0;
    QNS_TRY(qns_new((void **)&jobs, n, sizeof *jobs, err));
    for (size_t k = 0; k < n; k++) {
        const qns_cmp_layer *l = &c->layer.at[k];
        c->weight_stretch[k] = NAN;
        QNS_TRY_DONE(qns_cmp_grids(&jobs[k].act_grid, c, qns_cmp_data(c->test, l->test), err));
        QNS_TRY_DONE(
            qns_cmp_grids(&jobs[k].weight_grid, c, qns_cmp_data(c->test, l->test_weight), err));
    }
#pragma omp parallel num_threads(threads)
    {
        void *room = qns_malloc64(QNS_MEASURE_ROOM); /* without it each measure has its own */
#pragma omp for schedule(dynamic)
        for (size_t k = 0; k < n; k++) {
            run_job(c, k, &jobs[k], room);
#pragma omp critical(qns_compare_progress)
            if (c->o->progress)
                c->o->progress(c->o->ctx, ++finished, (uint32_t)n);
        }
        qns_free(room);
    }
    for (size_t k = 0; k < n && st == QNS_OK; k++) {
        st = jobs[k].st;
        if (st != QNS_OK && err)
            *err = jobs[k].err;
    }
done:
    qns_free(jobs);
    return st;
}

/* ---- order ---- */

/* How much the SQNR fell from the worst input with a number to here. */
static void find_added(qns_cmp *c)
{
    for (uint32_t k = 0; k < c->layer.n; k++) {
        qns_layer *l = &c->r->layer[k];
        double worst = INFINITY;
        c->worst_input[k] = QNS_CMP_NONE;
        for (uint32_t i = 0; i < l->n_from; i++) {
            const double db = c->r->layer[l->from[i]].activation.sqnr_db;
            if (db < worst) {
                worst = db;
                c->worst_input[k] = l->from[i];
            }
        }
        if (isfinite(worst) && isfinite(l->activation.sqnr_db))
            l->added_db = worst - l->activation.sqnr_db;
    }
}

/* Class 0: non-finite, 1: a number, 2: none, 3: exact. */
static qns_rank_key key_of(const qns_layer *l, uint32_t k)
{
    const qns_diff *d = l->activation.present ? &l->activation : &l->weight;
    const bool exact = (d->flags & QNS_M_EXACT) != 0;
    /* A zero reference has no decibels; it counts as one when the error is more than rounding. */
    const bool no_signal = (d->flags & QNS_M_ZERO_REF) != 0 && !(d->max_abs_steps > 2);
    qns_rank_key out = {1, d->sqnr_db, k};
    if (l->activation.nonfinite_test || l->weight.nonfinite_test)
        out.class = 0;
    else if (exact)
        out.class = 3;
    else if (!d->present || isnan(d->sqnr_db) || no_signal)
        out.class = 2;
    if (out.class != 1)
        out.db = 0;
    return out;
}

static qns_status rank(qns_cmp *c, qns_err *err)
{
    const uint32_t n = (uint32_t)c->layer.n;
    qns_rank_key *key = NULL;
    uint32_t *order = NULL;
    QNS_TRY(qns_arena_new((void **)&key, c->a, n, sizeof *key, err));
    QNS_TRY(qns_arena_new((void **)&order, c->a, n, sizeof *order, err));
    for (uint32_t k = 0; k < n; k++)
        key[k] = key_of(&c->r->layer[k], k);
    qsort(key, n, sizeof *key, qns_by_rank);
    for (uint32_t k = 0; k < n; k++)
        order[k] = key[k].layer;
    c->r->ranking = order;
    c->r->n_ranking = n;
    return QNS_OK;
}

static int by_severity(const void *x, const void *y)
{
    const qns_finding *const *a = x, *const *b = y;
    if ((*a)->severity != (*b)->severity)
        return (*b)->severity - (*a)->severity;
    return (*a > *b) - (*a < *b);
}

qns_status qns_cmp_findings(const qns_finding **list, uint32_t *n_list, qns_cmp *c, qns_err *err)
{
    const size_t n = c->finding.n;
    const qns_finding **order = NULL;
    qns_finding *out = NULL;
    QNS_TRY(qns_arena_new((void **)&order, c->a, n, sizeof *order, err));
    QNS_TRY(qns_arena_new((void **)&out, c->a, n, sizeof *out, err));
    for (size_t i = 0; i < n; i++)
        order[i] = &c->finding.at[i];
    qsort(order, n, sizeof *order, by_severity);
    for (size_t i = 0; i < n; i++)
        out[i] = *order[i];
    *list = out;
    *n_list = (uint32_t)n;
    return QNS_OK;
}

/* ---- the whole ---- */

qns_status qns_cmp_open(qns_cmp *c, const char *ref, const char *test, qns_err *err)
{
    const char *const path[2] = {ref, test};
    qns_capture *cap[2];
    QNS_TRY(qns_capture_open_all(cap, path, 2, err));
    c->ref = cap[0];
    c->test = cap[1];
    return QNS_OK;
}

qns_status qns_cmp_begin(qns_cmp *c, const char *kind, qns_err *err)
{
    qk_table_init(&c->k, ~0u);
    QNS_TRY(qns_new((void **)&c->r, 1, sizeof *c->r, err));
    QNS_TRY(qns_arena_create(&c->r->arena, err));
    c->a = c->r->arena;
    c->r->kind = kind;
    c->r->qns = QNS_VERSION;
    c->r->ref = side_of(c, qns_capture_info(c->ref));
    c->r->test = side_of(c, qns_capture_info(c->test));
    c->r->output.name = "";
    c->r->output.top1_agreement = c->r->output.ref_top1 = c->r->output.test_top1 = NAN;
    return QNS_OK;
}

qns_status qns_cmp_layers(qns_cmp *c, qns_err *err)
{
    const size_t n = c->layer.n;
    QNS_TRY(qns_arena_new((void **)&c->r->layer, c->a, n, sizeof *c->r->layer, err));
    QNS_TRY(qns_arena_new((void **)&c->weight_stretch, c->a, n, sizeof(double), err));
    QNS_TRY(qns_arena_new((void **)&c->weight_widest, c->a, n, sizeof(uint32_t), err));
    QNS_TRY(qns_new((void **)&c->weight_channel, n, sizeof *c->weight_channel, err));
    QNS_TRY(qns_arena_new((void **)&c->worst_input, c->a, n, sizeof(uint32_t), err));
    c->r->n_layers = (uint32_t)n;
    for (size_t k = 0; k < n; k++)
        describe_layer(c, &c->r->layer[k], &c->layer.at[k]);
    return QNS_OK;
}

qns_status qns_cmp_finish(qns_cmp *c, qns_err *err)
{
    QNS_TRY(qns_cmp_edges(c, err));
    find_added(c);
    QNS_TRY(rank(c, err));
    QNS_TRY(qns_cmp_detail(c, c->o->n_detail ? c->o->n_detail : 5, err));
    QNS_TRY(qns_cmp_output(c, err));
    qns_cmp_advise(c);
    QNS_TRY(qns_cmp_findings(&c->r->finding, &c->r->n_findings, c, err));
    if (c->failed)
        QNS_FAIL(err, NOMEM, "cannot keep the result");
    return QNS_OK;
}

static qns_status run(qns_cmp *c, const char *ref, const char *test, qns_err *err)
{
    QNS_TRY(qns_cmp_open(c, ref, test, err));
    QNS_TRY(qns_cmp_begin(c, "comparison", err));
    QNS_TRY(qns_cmp_identity(c, err));
    c->r->samples = (int64_t)c->n_rows;
    QNS_TRY(qns_cmp_pair(c, err));
    QNS_TRY(qns_cmp_coverage(c, err));
    QNS_TRY(qns_cmp_filter(c, err));
    QNS_TRY(qns_cmp_layers(c, err));
    QNS_TRY(qns_cmp_measure(c, err));
    return qns_cmp_finish(c, err);
}

void qns_cmp_fini(qns_cmp *c)
{
    qns_capture_close(c->ref);
    qns_capture_close(c->test);
    for (size_t k = 0; c->weight_channel && k < c->layer.n; k++)
        qns_free(c->weight_channel[k]);
    qns_free(c->weight_channel);
    qns_free(c->row);
    qns_free(c->layer.at);
    qns_free(c->finding.at);
    qns_free(c->unmatched.at);
}

qns_status qns_compare(qns_result **out, const char *ref, const char *test,
                       const qns_compare_opts *opts, qns_err *err)
{
    static const qns_compare_opts none = {0};
    qns_cmp c = {.o = opts ? opts : &none};
    const qns_status st = run(&c, ref, test, err);
    if (st == QNS_OK)
        *out = c.r;
    else
        qns_result_free(c.r);
    qns_cmp_fini(&c);
    if (st != QNS_OK)
        qns_err_note(err, "comparing");
    return st;
}
