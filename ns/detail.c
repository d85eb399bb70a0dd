/* SPDX-License-Identifier: MIT */
/* The second look: histograms and channels of the worst layers, and what became of the output. */
#include "core/base/mem.h"
#include "ns/accuracy.h"
#include "ns/cmp.h"
#include "ns/compare/metric.h"

#include <math.h>
#include <omp.h>
#include <string.h>

enum { MAX_CHANNELS = 4096 };

int32_t qns_cmp_weight_axis(const qns_cap_data *t)
{
    return t->n_scale > 1 ? t->axis : t->shape.rank >= 2 ? 0 : -1;
}

typedef struct look {
    qns_measure m;
    qns_bins bins;
    bool measured; /* the sums came from a live run, which has no second pass for bins */
    qns_status st;
    qns_err err;
} look;

static qns_status prepare(look *k, qns_cmp *c, uint32_t ref, uint32_t test, int32_t axis,
                          qns_err *err)
{
    const qns_cap_data *t = qns_capture_at(c->test, test);
    qns_grid *grid = NULL;
    QNS_TRY(qns_cmp_grids(&grid, c, t, err));
    k->m = (qns_measure){.k = &c->k,
                         .ref = c->ref,
                         .test = c->test,
                         .ref_data = ref,
                         .test_data = test,
                         .n_rows = 1,
                         .geom = qns_geom_of(&t->shape, axis),
                         .grid = grid,
                         .n_grid = t->n_scale};
    return qns_arena_new((void **)&k->m.channel, c->a, k->m.geom.channels, sizeof(qns_sums), err);
}

int32_t qns_cmp_activation_axis(const qns_cap_data *t)
{
    if (t->n_scale > 1)
        return t->axis;
    return t->shape.rank >= 1 && t->shape.dim[0] <= MAX_CHANNELS ? 0 : -1;
}

static qns_status prepare_activation(look *k, qns_cmp *c, uint32_t layer, qns_err *err)
{
    const qns_cmp_layer *l = &c->layer.at[layer];
    const qns_diff *d = &c->r->layer[layer].activation;
    if (!d->present)
        return QNS_OK;
    const qns_cap_data *t = qns_capture_at(c->test, l->test);
    const qns_sums range = {.n = d->n,
                            .ref_min = d->ref_min,
                            .ref_max = d->ref_max,
                            .test_min = d->test_min,
                            .test_max = d->test_max};
    if (c->live && !c->live->channels[layer])
        return QNS_OK;
    QNS_TRY(prepare(k, c, l->ref, l->test, qns_cmp_activation_axis(t), err));
    if (c->live) {
        k->m.channel = c->live->channels[layer];
        k->measured = true;
        return QNS_OK;
    }
    qns_bins_init(&k->bins, &range, k->m.n_grid == 1 ? k->m.grid : NULL);
    k->m.bins = &k->bins;
    k->m.row = c->row;
    k->m.n_rows = c->n_rows;
    return QNS_OK;
}

/* Error by magnitude, from the sums of each bin. */
static qns_status keep_errors(qns_hist *out, qns_cmp *c, const qns_bins *b, qns_err *err)
{
    double *rms, *mean;
    QNS_TRY(qns_arena_new((void **)&rms, c->a, b->n, sizeof *rms, err));
    QNS_TRY(qns_arena_new((void **)&mean, c->a, b->n, sizeof *mean, err));
    for (uint32_t i = 0; i < b->n; i++) {
        const double n = (double)b->pairs[i];
        rms[i] = b->pairs[i] ? sqrt(b->error2[i] / n) : NAN;
        mean[i] = b->pairs[i] ? b->error[i] / n : NAN;
    }
    out->error_rms = rms;
    out->error_mean = mean;
    return QNS_OK;
}

static qns_status keep_hist(qns_hist *out, qns_cmp *c, const look *k, qns_err *err)
{
    const size_t n = k->bins.n;
    *out = (qns_hist){.reach_lo = NAN, .reach_hi = NAN};
    if (!k->m.channel || n == 0)
        return QNS_OK;
    out->n_bins = k->bins.n;
    out->lo = k->bins.lo;
    out->hi = k->bins.hi;
    out->ref = qns_arena_dup(c->a, k->bins.ref, n * sizeof *k->bins.ref);
    out->test = qns_arena_dup(c->a, k->bins.test, n * sizeof *k->bins.test);
    if (!out->ref || !out->test)
        QNS_FAIL(err, NOMEM, "cannot keep a histogram");
    QNS_TRY(keep_errors(out, c, &k->bins, err));
    for (size_t i = 0; i < k->m.n_grid; i++) {
        out->reach_lo = fmin(out->reach_lo, k->m.grid[i].lo);
        out->reach_hi = fmax(out->reach_hi, k->m.grid[i].hi);
    }
    return QNS_OK;
}

/* v: smallest and largest reference, reach of the codes, SQNR; n of each. */
static qns_status new_channels(double *v[5], qns_channels *out, qns_cmp *c, size_t n, qns_err *err)
{
    for (size_t i = 0; i < 5; i++)
        QNS_TRY(qns_arena_new((void **)&v[i], c->a, n, sizeof(double), err));
    *out = (qns_channels){(uint32_t)n, v[0], v[1], v[2], v[3], v[4]};
    return QNS_OK;
}

static void set_reach(double *v[5], const qns_grid *grid, size_t n_grid, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const qns_grid *g = grid ? &grid[n_grid > 1 ? i : 0] : NULL;
        v[2][i] = g ? g->lo : NAN;
        v[3][i] = g ? g->hi : NAN;
    }
}

static qns_status keep_activation(qns_channels *out, qns_cmp *c, const look *k, qns_err *err)
{
    double *v[5];
    const size_t n = k->m.geom.channels;
    *out = (qns_channels){0};
    if (!k->m.channel || n < 2)
        return QNS_OK;
    QNS_TRY(new_channels(v, out, c, n, err));
    set_reach(v, k->m.grid, k->m.n_grid, n);
    for (size_t i = 0; i < n; i++) {
        const qns_sums *s = &k->m.channel[i];
        unsigned flags = 0;
        v[0][i] = s->n ? s->ref_min : NAN;
        v[1][i] = s->n ? s->ref_max : NAN;
        v[4][i] = qns_sqnr_db(&flags, s);
    }
    return QNS_OK;
}

/* From the first pass. */
static qns_status keep_weight(qns_channels *out, qns_cmp *c, uint32_t layer, qns_err *err)
{
    double *v[5];
    qns_grid *grid = NULL;
    const qns_cmp_channel *from = c->weight_channel[layer];
    const qns_cap_data *t = qns_cmp_data(c->test, c->layer.at[layer].test_weight);
    const size_t n = from ? qns_geom_of(&t->shape, qns_cmp_weight_axis(t)).channels : 0;
    *out = (qns_channels){0};
    if (n < 2)
        return QNS_OK;
    QNS_TRY(qns_cmp_grids(&grid, c, t, err));
    QNS_TRY(new_channels(v, out, c, n, err));
    set_reach(v, grid, t->n_scale, n);
    for (size_t i = 0; i < n; i++) {
        v[0][i] = from[i].ref_min;
        v[1][i] = from[i].ref_max;
        v[4][i] = from[i].sqnr_db;
    }
    return QNS_OK;
}

qns_status qns_cmp_detail(qns_cmp *c, uint32_t n, qns_err *err)
{
    qns_status st = QNS_OK;
    look *look_at = NULL;
    const int threads = c->o->threads > 0 ? c->o->threads : omp_get_max_threads();
    n = n < c->r->n_ranking ? n : c->r->n_ranking;
    QNS_TRY(qns_new((void **)&look_at, n, sizeof *look_at, err));
    for (uint32_t i = 0; i < n; i++)
        QNS_TRY_DONE(prepare_activation(&look_at[i], c, c->r->ranking[i], err));
#pragma omp parallel num_threads(threads)
    {
        void *room = qns_malloc64(QNS_MEASURE_ROOM);
#pragma omp for schedule(dynamic)
        for (uint32_t i = 0; i < n; i++) {
            look_at[i].m.room = room;
            if (look_at[i].m.channel && !look_at[i].measured)
                look_at[i].st = qns_measure_run(&look_at[i].m, &look_at[i].err);
        }
        qns_free(room);
    }
    for (uint32_t i = 0; i < n; i++) {
        qns_layer *l = &c->r->layer[c->r->ranking[i]];
        if (look_at[i].st != QNS_OK) {
            if (err)
                *err = look_at[i].err;
            st = look_at[i].st;
            goto done;
        }
        QNS_TRY_DONE(keep_hist(&l->hist, c, &look_at[i], err));
        QNS_TRY_DONE(keep_activation(&l->activation_channels, c, &look_at[i], err));
        QNS_TRY_DONE(keep_weight(&l->weight_channels, c, c->r->ranking[i], err));
    }
done:
    qns_free(look_at);
    return st;
}

/* ---- output ---- */

uint32_t qns_cmp_output_layer(const qns_cmp *c)
{
    uint32_t last = QNS_CMP_NONE;
    for (uint32_t k = 0; k < c->layer.n; k++) {
        const qns_cap_data *d = qns_cmp_data(c->ref, c->layer.at[k].ref);
        if (!d || c->layer.at[k].conversion)
            continue;
        if (d->output == 0)
            return k;
        /* A foreign capture with execution order: the last layer. Ours says it. */
        if (d->index >= 0 && qns_capture_info(c->ref)->version == 0)
            last = k;
    }
    return last;
}

static size_t arg_max(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (x[i] > x[best])
            best = i;
    return best;
}

typedef struct votes {
    size_t same, ref, test;
} votes;

static void live_votes(qns_cmp *c)
{
    const qns_cmp_live *v = c->live;
    c->r->output.top1_agreement = (double)v->same / (double)c->n_rows;
    if (v->has_labels) {
        c->r->output.ref_top1 = (double)v->ref_hit / (double)c->n_rows;
        c->r->output.test_top1 = (double)v->test_hit / (double)c->n_rows;
    }
}

static qns_status count_votes(votes *v, qns_cmp *c, const qns_cmp_layer *l, const int64_t *label,
                              bool label_of_ref, qns_err *err)
{
    qns_status st = QNS_OK;
    const size_t n = qns_capture_at(c->ref, l->ref)->count;
    float *a = qns_calloc(n, sizeof *a), *b = qns_calloc(n, sizeof *b);
    if (!a || !b)
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu scores", n);
    for (size_t i = 0; i < c->n_rows; i++) {
        const qns_cap_part r = {l->ref, c->row[i].ref, 1, 0, n};
        const qns_cap_part t = {l->test, c->row[i].test, 1, 0, n};
        QNS_TRY_DONE(qns_capture_read(a, c->ref, &r, err));
        QNS_TRY_DONE(qns_capture_read(b, c->test, &t, err));
        const size_t x = arg_max(a, n), y = arg_max(b, n);
        v->same += x == y;
        if (label) {
            const int64_t want = label[label_of_ref ? c->row[i].ref : c->row[i].test];
            v->ref += (int64_t)x == want;
            v->test += (int64_t)y == want;
        }
    }
done:
    qns_free(a);
    qns_free(b);
    return st;
}

qns_status qns_cmp_output(qns_cmp *c, qns_err *err)
{
    const uint32_t k = qns_cmp_output_layer(c);
    votes v = {0};
    if (k == QNS_CMP_NONE || c->n_rows == 0)
        return QNS_OK;
    const qns_cmp_layer *l = &c->layer.at[k];
    const qns_cap_data *d = qns_capture_at(c->ref, l->ref);
    c->r->output.name = qns_cmp_text(c, "%s", d->name);
    c->r->output.diff = c->r->layer[k].activation;
    if (!qns_is_class_scores(&d->shape))
        return QNS_OK;
    if (c->live) {
        live_votes(c);
        return QNS_OK;
    }
    const int64_t *ref_label = qns_capture_info(c->ref)->label;
    const int64_t *label = ref_label ? ref_label : qns_capture_info(c->test)->label;
    QNS_TRY(count_votes(&v, c, l, label, ref_label != NULL, err));
    c->r->output.top1_agreement = (double)v.same / (double)c->n_rows;
    if (label) {
        c->r->output.ref_top1 = (double)v.ref / (double)c->n_rows;
        c->r->output.test_top1 = (double)v.test / (double)c->n_rows;
    }
    return QNS_OK;
}
