/* SPDX-License-Identifier: MIT */
#include "ns/capture.h"

#include "core/base/mem.h"
#include "core/exec/inputs.h"
#include "core/exec/lanes.h"
#include "ns/capture_plan.h"
#include "ns/capture_stats.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct capture capture;

/* What runs one sample after the other. */
typedef struct lane {
    capture *c;
    int number;
    qns_plan *p; /* of lane 0: the caller's; its own otherwise */
    qns_tap tap;
    qns_taps taps;
    qns_tensor *in, *out;
    float *room; /* policy STATS: a value as floats */
    qns_lanes *lanes;
    int64_t i; /* sample in work */
    qns_digest inputs;
} lane;

struct capture {
    qns_plan *p;
    const qns_graph *g;
    qns_source *s;
    const qns_capture_opts *o;
    qns_cap_writer *w;
    qns_stat_list *stat; /* of policy STATS */
    qns_capture_list list;
    lane *lane;
    int n_lanes;
    int64_t total; /* samples to do */
    qns_capture_stats stats;
};

/* ---- the tap ---- */

static bool tap_wants(void *ctx, const qns_value *v)
{
    const lane *l = ctx;
    return l->c->list.column[v->id.i] != QNS_NONE;
}

static qns_status tap_see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                          qns_err *err)
{
    lane *l = ctx;
    capture *c = l->c;
    const uint32_t column = c->list.column[v->id.i];
    (void)sample;
    if (!c->stat)
        return qns_cap_append(c->w, l->number, column, t, err);
    QNS_TRY(qns_lanes_take(l->lanes, column, l->i));
    qns_stat_list_see(c->stat, column, t, l->room);
    qns_lanes_pass(l->lanes, column, l->i);
    return QNS_OK;
}

/* ---- samples ---- */

/* Evenly spread, the first included: the same ones for every capture of the same data. */
static int64_t sample_id(const capture *c, int64_t i)
{
    const int64_t count = qns_source_count(c->s);
    if (c->total == count)
        return i;
    return (int64_t)((double)i * (double)count / (double)c->total);
}

static qns_status fetch(void *ctx, int number, int64_t i, qns_err *err)
{
    capture *c = ctx;
    const qns_capture_opts *o = c->o;
    if (o->cancelled && o->cancelled(o->ctx))
        QNS_FAIL(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, i, c->total);
    QNS_TRY(qns_source_get(c->lane[number].in, c->s, sample_id(c, i), err));
    return qns_cap_begin(c->w, number, err);
}

static qns_status run(void *ctx, qns_lanes *lanes, int number, int64_t i, qns_err *err)
{
    capture *c = ctx;
    lane *l = &c->lane[number];
    l->lanes = lanes;
    l->i = i;
    QNS_TRY(qns_plan_run(l->out, l->p, l->in, sample_id(c, i), err));
    l->inputs = qns_inputs_digest(l->in, c->g);
    return QNS_OK;
}

static qns_status finish(void *ctx, int number, int64_t i, qns_err *err)
{
    capture *c = ctx;
    const qns_capture_opts *o = c->o;
    const int64_t *labels = qns_source_labels(c->s), id = sample_id(c, i);
    QNS_TRY(
        qns_cap_sample(c->w, number, id, &c->lane[number].inputs, labels ? labels[id] : 0, err));
    c->stats.samples++;
    c->stats.bytes += c->stat ? 0 : c->list.row_bytes;
    if (o->progress)
        o->progress(o->ctx, i + 1, c->total);
    return QNS_OK;
}

/* ---- lanes ---- */

static size_t largest_value(const qns_graph *g)
{
    size_t most = 1;
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const size_t n = qns_shape_count(&qns_graph_value(g, (qns_vid){i})->shape);
        most = n > most ? n : most;
    }
    return most;
}

static qns_status open_lane(capture *c, int number, qns_err *err)
{
    lane *l = &c->lane[number];
    const uint32_t n_out = qns_graph_n_outputs(c->g);
    l->c = c;
    l->number = number;
    l->tap = (qns_tap){l, tap_wants, tap_see};
    l->taps = (qns_taps){&l->tap, 1};
    if (number == 0)
        l->p = c->p;
    else
        QNS_TRY(qns_plan_share(&l->p, c->p, err));
    QNS_TRY(qns_plan_bind(l->p, &l->taps, err));
    QNS_TRY(qns_inputs_create(&l->in, c->g, err));
    QNS_TRY(qns_new((void **)&l->out, n_out, sizeof *l->out, err)); /* data NULL: not wanted */
    return c->stat ? qns_new((void **)&l->room, largest_value(c->g), sizeof *l->room, err) : QNS_OK;
}

static void close_lane(lane *l)
{
    if (l->number > 0)
        qns_plan_free(l->p);
    else if (l->p)
        qns_plan_bind(l->p, NULL, NULL);
    if (l->c)
        qns_inputs_free(l->in, l->c->g);
    qns_free(l->out);
    qns_free(l->room);
}

/* What is compressed waits for its turn in memory, a whole sample in each lane. HDF5 compresses one
 * chunk at a time, so a second lane that computes meanwhile is all that helps. */
static int useful_lanes(const capture *c)
{
    if (c->n_lanes == 1 || c->o->compress == QNS_COMPRESS_NONE)
        return c->n_lanes;
    return c->list.row_bytes <= QNS_LANES_MEMORY ? 2 : 1;
}

static qns_status run_lanes(capture *c, qns_err *err)
{
    const qns_lane_job job = {.ctx = c,
                              .n = c->total,
                              .lanes = c->n_lanes,
                              .n_turns = c->stat ? c->list.n_columns : 0,
                              .fetch = fetch,
                              .run = run,
                              .finish = finish};
    QNS_TRY(qns_new((void **)&c->lane, (size_t)c->n_lanes, sizeof *c->lane, err));
    for (int i = 0; i < c->n_lanes; i++)
        QNS_TRY(open_lane(c, i, err));
    return qns_lanes_run(&job, err);
}

static qns_status run_samples(capture *c, qns_err *err)
{
    if (c->list.n_columns == 0) /* weights only */
        return QNS_OK;
    c->n_lanes = useful_lanes(c);
    const qns_status st = run_lanes(c, err);
    for (int i = 0; c->lane && i < c->n_lanes; i++)
        close_lane(&c->lane[i]);
    qns_free(c->lane);
    QNS_TRY(st);
    return c->stat ? qns_stat_list_write(&c->stats.bytes, c->w, c->stat, err) : QNS_OK;
}

/* ---- the file ---- */

static qns_status to_column(uint32_t *column, void *ctx, const qns_cap_desc *d, qns_err *err)
{
    const capture *c = ctx;
    return c->stat ? qns_stat_list_add(column, c->stat, d, err)
                   : qns_cap_column(column, c->w, d, err);
}

static qns_status to_tensor(void *ctx, const qns_cap_desc *d, const void *data, qns_err *err)
{
    return qns_cap_tensor(((const capture *)ctx)->w, d, data, err);
}

/* ---- the whole ---- */

static qns_status get_memory(capture *c, qns_err *err)
{
    if (qns_graph_n_inputs(c->g) > QNS_MAX_IN)
        QNS_FAIL(err, UNSUPPORTED, "%u graph inputs; a capture takes up to %d",
                 qns_graph_n_inputs(c->g), QNS_MAX_IN);
    if (c->o->policy == QNS_CAPTURE_STATS)
        QNS_TRY(qns_stat_list_create(&c->stat, err));
    return qns_new((void **)&c->list.column, qns_graph_n_values(c->g), sizeof(uint32_t), err);
}

static void fini(capture *c)
{
    qns_free(c->list.column);
    qns_stat_list_free(c->stat);
}

static qns_status check(capture *c, qns_err *err)
{
    const qns_capture_opts *o = c->o;
    c->total = qns_source_count(c->s);
    if (o->policy == QNS_CAPTURE_SAMPLE) {
        if (o->sample_n < 1)
            QNS_FAIL(err, CONFIG, "policy 'sample=%" PRId64 "' needs at least 1 sample",
                     o->sample_n);
        c->total = o->sample_n < c->total ? o->sample_n : c->total;
    }
    return qns_capture_check_layers(c->g, o, err);
}

/* What was whole stays; a file without a sample is of no use. */
static void give_up(capture *c, qns_err *err)
{
    if (c->stat) { /* they are written at the end */
        qns_cap_discard(c->w);
        return;
    }
    char *partial = qns_strdup(qns_cap_partial(c->w));
    int64_t kept = 0;
    const bool readable = qns_cap_abandon(&kept, c->w);
    if (partial && kept == 0)
        unlink(partial);
    else if (readable)
        qns_err_note(err, "%" PRId64 " whole samples are in '%s', marked as incomplete", kept,
                     partial ? partial : "the partial file");
    else
        qns_err_note(err,
                     "'%s' could not be closed properly; up to %" PRId64
                     " samples of it may be readable",
                     partial ? partial : "the partial file", kept);
    qns_free(partial);
}

qns_status qns_capture_run(qns_capture_stats *stats, const char *path, qns_plan *p, qns_source *s,
                           const qns_capture_opts *opts, qns_err *err)
{
    static const qns_capture_opts none = {0};
    qns_status st = QNS_OK;
    qns_cap_facts facts;
    char hex[5][QNS_HEX_LEN + 1];
    capture c = {.p = p, .g = qns_plan_graph(p), .s = s, .o = opts ? opts : &none};
    c.n_lanes = c.o->lanes > 1 ? c.o->lanes : 1;
    assert(c.n_lanes == 1 || qns_plan_threads(p) == 1);
    QNS_TRY_DONE(check(&c, err));
    QNS_TRY_DONE(get_memory(&c, err));
    QNS_TRY_DONE(qns_capture_facts(&facts, hex, c.g, c.o, err));
    facts.samples = c.total;
    facts.lanes = c.n_lanes;
    facts.labels = qns_source_labels(s) != NULL;
    facts.statistics = c.stat != NULL;
    QNS_TRY_DONE(qns_cap_create(&c.w, path, &facts, c.o->compress, err));
    const qns_cap_sink file = {&c, to_column, to_tensor};
    st = qns_capture_declare(&c.list, &file, p, c.o, err);
    if (st == QNS_OK)
        st = run_samples(&c, err);
    if (st != QNS_OK) {
        give_up(&c, err);
        goto done;
    }
    c.stats.activations = c.list.n_columns;
    c.stats.weights = c.list.n_tensors;
    QNS_TRY_DONE(qns_cap_commit(c.w, err));
    if (stats)
        *stats = c.stats;
done:
    fini(&c);
    if (st != QNS_OK)
        qns_err_note(err, "capturing to '%s'", path);
    return st;
}
