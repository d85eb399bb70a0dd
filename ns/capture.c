/* SPDX-License-Identifier: MIT */
#include "ns/capture.h"

#include "core/base/mem.h"
#include "ns/capture_plan.h"
#include "ns/capture_stats.h"
#include "ns/write_queue.h"

#include <inttypes.h>
#include <omp.h>
#include <string.h>
#include <unistd.h>

typedef struct capture {
    qns_plan *p;
    const qns_graph *g;
    qns_source *s;
    const qns_capture_opts *o;
    qns_cap_writer *w;
    qns_wqueue *q;       /* NULL: the run's threads write between two layers */
    qns_stat_list *stat; /* of policy STATS */
    int threads;         /* of the run */
    qns_capture_list list;
    qns_tensor *in, *out;
    int64_t total; /* samples to do */
    qns_capture_stats stats;
} capture;

/* ---- the tap ---- */

static bool tap_wants(void *ctx, const qns_value *v)
{
    const capture *c = ctx;
    return c->list.column[v->id.i] != QNS_NONE;
}

static qns_status tap_see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                          qns_err *err)
{
    capture *c = ctx;
    const uint32_t column = c->list.column[v->id.i];
    if (c->stat) {
        qns_stat_list_see(c->stat, column, t);
        return QNS_OK;
    }
    c->stats.bytes += qns_tensor_bytes(t);
    return c->q ? qns_wqueue_row(c->q, column, t, err)
                : qns_cap_append(c->w, column, t, c->threads, err);
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

static qns_digest inputs_digest(const capture *c)
{
    qns_digest each[QNS_MAX_IN];
    const uint32_t n = qns_graph_n_inputs(c->g);
    for (uint32_t i = 0; i < n; i++)
        each[i] = qns_digest_of(c->in[i].data, qns_tensor_bytes(&c->in[i]));
    return n == 1 ? each[0] : qns_digest_of(each, n * sizeof each[0]);
}

static qns_status one_sample(capture *c, int64_t id, qns_err *err)
{
    const int64_t *labels = qns_source_labels(c->s);
    QNS_TRY(qns_source_get(c->in, c->s, id, err));
    QNS_TRY(qns_plan_run(c->out, c->p, c->in, id, err));
    const qns_wqueue_sample s = {.id = id,
                                 .label = labels ? labels[id] : 0,
                                 .inputs = inputs_digest(c),
                                 .has_label = labels != NULL};
    return c->q ? qns_wqueue_end_sample(c->q, &s, err)
                : qns_cap_sample(c->w, s.id, &s.inputs, s.label, s.has_label, err);
}

static qns_status all_samples(capture *c, qns_err *err)
{
    const qns_capture_opts *o = c->o;
    for (int64_t i = 0; i < c->total; i++) {
        if (o->cancelled && o->cancelled(o->ctx))
            QNS_FAIL(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, i, c->total);
        QNS_TRY(one_sample(c, sample_id(c, i), err));
        c->stats.samples++;
        if (o->progress)
            o->progress(o->ctx, i + 1, c->total);
    }
    return QNS_OK;
}

static size_t largest_row(const capture *c)
{
    size_t most = 0;
    for (uint32_t i = 0; i < qns_graph_n_values(c->g); i++) {
        const qns_value *v = qns_graph_value(c->g, (qns_vid){i});
        const size_t bytes = qns_shape_count(&v->shape) * qns_dtype_size(v->dtype);
        if (c->list.column[i] != QNS_NONE && bytes > most)
            most = bytes;
    }
    return most;
}

/* A thread that writes beside the run needs a core of its own: on one that it shares with the run,
 * all threads of each layer wait for the one that it holds up, which costs more than it saves.
 * Compressing takes longer than the run, so there all cores have work either way. */
static bool writes_beside(const capture *c)
{
    return c->threads < omp_get_num_procs() || c->o->compress != QNS_COMPRESS_NONE;
}

static qns_status run_all(capture *c, qns_err *err)
{
    if (c->stat) {
        QNS_TRY(all_samples(c, err));
        return qns_stat_list_write(&c->stats.bytes, c->w, c->stat, err);
    }
    if (writes_beside(c))
        QNS_TRY(qns_wqueue_start(&c->q, c->w, largest_row(c), err));
    const qns_status st = all_samples(c, err);
    const qns_status written = qns_wqueue_stop(c->q, st == QNS_OK ? err : NULL);
    c->q = NULL;
    return st != QNS_OK ? st : written;
}

static qns_status run_samples(capture *c, qns_err *err)
{
    const qns_tap tap = {.ctx = c, .wants = tap_wants, .see = tap_see};
    const qns_taps taps = {&tap, 1};
    if (c->list.n_columns == 0) /* weights only */
        return QNS_OK;
    QNS_TRY(qns_plan_bind(c->p, &taps, err));
    const qns_status st = run_all(c, err);
    qns_plan_bind(c->p, NULL, NULL);
    return st;
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

static size_t largest_value(const qns_graph *g)
{
    size_t most = 1;
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const size_t n = qns_shape_count(&qns_graph_value(g, (qns_vid){i})->shape);
        most = n > most ? n : most;
    }
    return most;
}

static qns_status get_memory(capture *c, qns_err *err)
{
    const uint32_t n_in = qns_graph_n_inputs(c->g), n_out = qns_graph_n_outputs(c->g);
    if (n_in > QNS_MAX_IN)
        QNS_FAIL(err, UNSUPPORTED, "%u graph inputs; a capture takes up to %d", n_in, QNS_MAX_IN);
    QNS_TRY(qns_new((void **)&c->in, n_in, sizeof *c->in, err));
    QNS_TRY(qns_new((void **)&c->out, n_out, sizeof *c->out, err)); /* data NULL: not wanted */
    for (uint32_t i = 0; i < n_in; i++) {
        c->in[i] = qns_graph_tensor(c->g, qns_graph_input(c->g, i));
        c->in[i].layout = QNS_ROW;
        c->in[i].data = qns_malloc64(qns_tensor_bytes(&c->in[i]));
        if (!c->in[i].data)
            QNS_FAIL(err, NOMEM, "cannot get memory for the inputs");
    }
    if (c->o->policy == QNS_CAPTURE_STATS)
        QNS_TRY(qns_stat_list_create(&c->stat, largest_value(c->g), err));
    return qns_new((void **)&c->list.column, qns_graph_n_values(c->g), sizeof(uint32_t), err);
}

static void fini(capture *c)
{
    for (uint32_t i = 0; c->in && i < qns_graph_n_inputs(c->g); i++)
        qns_free(c->in[i].data);
    qns_free(c->in);
    qns_free(c->out);
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
    c.threads = qns_plan_threads(p);
    QNS_TRY_DONE(check(&c, err));
    QNS_TRY_DONE(get_memory(&c, err));
    QNS_TRY_DONE(qns_capture_facts(&facts, hex, c.g, c.o, err));
    facts.samples = c.total;
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
