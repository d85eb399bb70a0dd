/* SPDX-License-Identifier: MIT */
#include "core/quant/calibrate.h"

#include "core/base/mem.h"
#include "core/exec/inputs.h"
#include "core/exec/lanes.h"

#include <inttypes.h>
#include <omp.h>

static qns_status get_from_source(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    return qns_source_get(in, ctx, sample, err);
}

qns_samples qns_samples_of(qns_source *s)
{
    return (qns_samples){s, qns_source_count(s), get_from_source};
}

/* ---- the run ---- */

typedef struct run run;

typedef struct lane {
    const run *r;
    qns_plan *plan;
    qns_tap tap;
    qns_taps taps;
    qns_tensor *in, *out; /* outputs are not needed: their data stays NULL */
    qns_lanes *lanes;
} lane;

struct run {
    const qns_graph *g;
    const qns_watch *w;
    const qns_calibration *c;
    uint32_t *first;    /* by value and one more: where its observers start in `observer` */
    uint32_t *observer; /* of all values */
    uint32_t *last;     /* by observer: its last value in run order */
    lane *lane;
    int n_lanes;
};

static bool tap_wants(void *ctx, const qns_value *v)
{
    const run *r = ((const lane *)ctx)->r;
    return r->first[v->id.i] < r->first[v->id.i + 1];
}

/* The turn of an observer begins with its first value in a sample and ends with the last. */
static qns_status tap_see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                          qns_err *err)
{
    const lane *l = ctx;
    const run *r = l->r;
    const size_t n = qns_tensor_count(t);
    const qns_range seen = qns_range_of(qns_cf32(t), n);
    for (uint32_t i = r->first[v->id.i]; i < r->first[v->id.i + 1]; i++) {
        const uint32_t o = r->observer[i];
        QNS_TRY(qns_lanes_take(l->lanes, o, sample));
        if (n > 0)
            QNS_TRY(r->w->see(r->w->ctx, o, v, t, seen, err));
        if (r->last[o] == v->id.i)
            qns_lanes_pass(l->lanes, o, sample);
    }
    return QNS_OK;
}

static void note_last(run *r, qns_vid v)
{
    for (uint32_t i = r->first[v.i]; i < r->first[v.i + 1]; i++)
        r->last[r->observer[i]] = v.i;
}

static qns_status find_observers(run *r, qns_err *err)
{
    const qns_graph *g = r->g;
    const uint32_t n_values = qns_graph_n_values(g);
    size_t n = 0;
    for (int fill = 0; fill < 2; fill++) {
        if (fill)
            QNS_TRY(qns_new((void **)&r->observer, n, sizeof *r->observer, err));
        n = 0;
        for (uint32_t i = 0; i < n_values; i++) {
            const qns_value *v = qns_graph_value(g, (qns_vid){i});
            r->first[i] = (uint32_t)n;
            for (uint32_t o = 0; o < r->w->n && !v->constant; o++) {
                if (!r->w->wants(r->w->ctx, o, v))
                    continue;
                if (fill)
                    r->observer[n] = o;
                n++;
            }
        }
        r->first[n_values] = (uint32_t)n;
    }
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        note_last(r, qns_graph_input(g, i));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *node = qns_graph_node(g, (qns_nid){i});
        for (uint32_t k = 0; k < node->n_out; k++)
            note_last(r, node->out[k]);
    }
    return QNS_OK;
}

static qns_status make_tensors(lane *l, const qns_graph *g, qns_err *err)
{
    QNS_TRY(qns_inputs_create(&l->in, g, err));
    return qns_new((void **)&l->out, qns_graph_n_outputs(g), sizeof *l->out, err);
}

static qns_status open_lane(run *r, lane *l, qns_err *err)
{
    l->r = r;
    l->tap = (qns_tap){l, tap_wants, tap_see};
    l->taps = (qns_taps){&l->tap, 1};
    QNS_TRY(make_tensors(l, r->g, err));
    if (!l->plan)
        QNS_TRY(qns_plan_share(&l->plan, r->lane[0].plan, err));
    return qns_plan_bind(l->plan, &l->taps, err);
}

static qns_status open_lanes(run *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_plan *p = NULL;
    int n;
    QNS_TRY(qns_lanes_plan(&p, &n, r->g, &r->c->exec, r->w->one_by_one ? 1 : r->c->samples.n, err));
    QNS_TRY_DONE(qns_new((void **)&r->lane, (size_t)n, sizeof *r->lane, err));
    r->n_lanes = n;
    r->lane[0].plan = p;
    p = NULL;
    for (int i = 0; i < n; i++)
        QNS_TRY_DONE(open_lane(r, &r->lane[i], err));
done:
    qns_plan_free(p);
    return st;
}

static void close_lane(lane *l, const qns_graph *g)
{
    qns_plan_free(l->plan);
    qns_inputs_free(l->in, g);
    qns_free(l->out);
}

static void close_all(run *r)
{
    for (int i = r->n_lanes; i-- > 0;) /* the first one owns what they share */
        close_lane(&r->lane[i], r->g);
    qns_free(r->lane);
    qns_free(r->first);
    qns_free(r->observer);
    qns_free(r->last);
}

static qns_status named(qns_status st, int64_t sample, qns_err *err)
{
    if (st != QNS_OK)
        qns_err_note(err, "calibration sample %" PRId64, sample);
    return st;
}

static qns_status fetch(void *ctx, int number, int64_t i, qns_err *err)
{
    const run *r = ctx;
    const qns_calibration *c = r->c;
    if (c->cancelled && c->cancelled(c->ctx))
        QNS_FAIL(err, CANCELLED, "calibration stopped after %" PRId64 " of %" PRId64 " samples", i,
                 c->samples.n);
    return named(c->samples.get(r->lane[number].in, c->samples.ctx, i, err), i, err);
}

static qns_status run_sample(void *ctx, qns_lanes *lanes, int number, int64_t i, qns_err *err)
{
    lane *l = &((const run *)ctx)->lane[number];
    l->lanes = lanes;
    return named(qns_plan_run(l->out, l->plan, l->in, i, err), i, err);
}

static qns_status finish(void *ctx, int number, int64_t i, qns_err *err)
{
    const qns_calibration *c = ((const run *)ctx)->c;
    (void)number, (void)err;
    if (c->progress)
        c->progress(c->ctx, i + 1, c->samples.n);
    return QNS_OK;
}

qns_status qns_calibration_run(const qns_graph *g, const qns_watch *w, const qns_calibration *c,
                               qns_err *err)
{
    qns_status st = QNS_OK;
    run r = {.g = g, .w = w, .c = c};
    const int threads = omp_get_max_threads();
    if (c->samples.n <= 0)
        QNS_FAIL(err, DATA, "there are no calibration samples");
    QNS_TRY_DONE(
        qns_new((void **)&r.first, (size_t)qns_graph_n_values(g) + 1, sizeof *r.first, err));
    QNS_TRY_DONE(qns_new((void **)&r.last, w->n, sizeof *r.last, err));
    QNS_TRY_DONE(find_observers(&r, err));
    QNS_TRY_DONE(open_lanes(&r, err));
    const qns_lane_job job = {.ctx = &r,
                              .n = c->samples.n,
                              .lanes = r.n_lanes,
                              .n_turns = w->n,
                              .fetch = fetch,
                              .run = run_sample,
                              .finish = finish};
    QNS_TRY_DONE(qns_lanes_run(&job, err));
done:
    close_all(&r);
    omp_set_num_threads(threads); /* plans of one thread say so to OpenMP */
    return st;
}

/* ---- the observers of decisions ---- */

typedef struct feeding {
    qns_decisions *d;
    bool record;
} feeding;

static bool records(const feeding *f, uint32_t observer, const qns_value *v)
{
    return f->record && qns_decisions_value(f->d, v->id)->recorder == observer;
}

static bool wants(void *ctx, uint32_t observer, const qns_value *v)
{
    const feeding *f = ctx;
    return qns_decisions_value(f->d, v->id)->observer == observer || records(f, observer, v);
}

static qns_status record(const feeding *f, const qns_value *v, const qns_tensor *t, qns_range seen,
                         qns_err *err)
{
    const size_t n = qns_tensor_count(t);
    float *row;
    QNS_TRY(qns_new((void **)&row, n, sizeof *row, err));
    qns_tensor_relayout(row, QNS_ROW, t);
    const qns_status st = qns_decisions_record(f->d, v->id, row, n, seen, err);
    qns_free(row);
    return st;
}

/* Observers of ranges do not care about the order of the numbers, so the layout does not matter. */
static qns_status see(void *ctx, uint32_t observer, const qns_value *v, const qns_tensor *t,
                      qns_range seen, qns_err *err)
{
    const feeding *f = ctx;
    if (records(f, observer, v))
        return record(f, v, t, seen, err);
    return qns_decisions_observe(f->d, v->id, qns_cf32(t), qns_tensor_count(t), seen, err);
}

/* Recording observers count their bytes together. */
static bool any_records(const feeding *f)
{
    const qns_graph *g = qns_decisions_graph(f->d);
    for (uint32_t i = 0; f->record && i < qns_graph_n_values(g); i++)
        if (qns_decisions_value(f->d, (qns_vid){i})->recorder != QNS_NONE)
            return true;
    return false;
}

qns_status qns_calibrate(qns_decisions *d, const qns_calibration *c, qns_err *err)
{
    feeding f = {d, !c->record_elsewhere};
    const qns_watch watch = {.ctx = &f,
                             .n = qns_decisions_n_observers(d),
                             .one_by_one = any_records(&f),
                             .wants = wants,
                             .see = see};
    QNS_TRY(qns_calibration_run(qns_decisions_graph(d), &watch, c, err));
    return qns_decisions_settle(d, c->samples.n, err);
}
