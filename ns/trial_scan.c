/* SPDX-License-Identifier: MIT */
/* Running trials: sample by sample, all sets of a scan side by side. */
#include "core/base/mem.h"
#include "ns/accuracy.h"
#include "ns/compare/metric.h"
#include "ns/trial_dag.h"
#include "ns/trial_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

enum { REFS_MAX_SIZE = 64 << 20 };

typedef struct state { /* of a set, after the samples so far */
    qns_tally tally;
    qns_digest id;
    int64_t cached, put; /* samples that came from the cache, and that are in it */
    double seconds, worked;
    uint8_t *sample; /* NULL: not wanted */
    double *energy;
} state;

typedef struct scan {
    qns_trials *t;
    const qns_scan_opts *o;
    qk_table k;
    qns_dag *dag;
    state *set;
    uint32_t n_sets;
    qns_tensor *in;
    qns_tensor *ref; /* outputs of the float model, row-major */
    void *room;      /* for one output */
    double started, kept;
} scan;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- the float model's outputs ---- */

static qns_status make_refs(scan *s, qns_err *err)
{
    qns_trials *t = s->t;
    const qns_graph *g = t->spec.fused;
    size_t most = 1, all = 0;
    QNS_TRY(qns_new((void **)&s->ref, qns_graph_n_outputs(g), sizeof *s->ref, err));
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++) {
        qns_tensor *x = &s->ref[i];
        *x = qns_graph_tensor(g, qns_graph_output(g, i));
        x->layout = QNS_ROW;
        const size_t size = qns_tensor_bytes(x);
        if (!(x->data = qns_malloc64(size ? size : 1)))
            QNS_FAIL(err, NOMEM, "cannot get memory for an output");
        most = size > most ? size : most;
        all += size;
    }
    if (!(s->room = qns_malloc64(most)))
        QNS_FAIL(err, NOMEM, "cannot get memory for an output");
    const size_t n = (size_t)t->spec.eval.n;
    if (t->refs.at || all == 0 || n > REFS_MAX_SIZE / all)
        return QNS_OK;
    qns_free(t->refs.known); /* of a scan that ran out of memory here */
    t->refs.known = NULL;
    QNS_TRY(qns_new((void **)&t->refs.known, n, sizeof *t->refs.known, err));
    if (!(t->refs.at = qns_malloc64(n * all)))
        QNS_FAIL(err, NOMEM, "cannot get memory for %zu outputs", n);
    t->refs.sample_size = all;
    return QNS_OK;
}

static void move_refs(const scan *s, char *at, bool store)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(s->t->spec.fused); i++) {
        const size_t size = qns_tensor_bytes(&s->ref[i]);
        memcpy(store ? at : s->ref[i].data, store ? s->ref[i].data : at, size);
        at += size;
    }
}

static void run_float(scan *s, int64_t id)
{
    qns_trials *t = s->t;
    char *kept = t->refs.at ? t->refs.at + (size_t)id * t->refs.sample_size : NULL;
    if (kept && t->refs.known[id]) {
        move_refs(s, kept, false);
        return;
    }
    const double start = now(), before = qns_dag_worked(s->dag);
    qns_dag_run(s->dag, 0);
    t->float_seconds += now() - start;
    t->float_worked += qns_dag_worked(s->dag) - before;
    t->float_samples++;
    for (uint32_t i = 0; i < qns_graph_n_outputs(t->spec.fused); i++) {
        const qns_tensor out = qns_dag_output(s->dag, 0, i);
        qns_tensor_relayout(s->ref[i].data, QNS_ROW, &out);
    }
    if (!kept)
        return;
    move_refs(s, kept, true);
    t->refs.known[id] = true;
}

/* ---- one sample ---- */

static const void *row_major(scan *s, const qns_tensor *t)
{
    if (t->layout == QNS_ROW || qns_layout_trivial(&t->shape))
        return t->data;
    qns_tensor_relayout(s->room, QNS_ROW, t);
    return s->room;
}

static void vote(state *x, const scan *s, const float *test, int64_t id)
{
    const qns_trials *t = s->t;
    const size_t a = qns_argmax(s->ref[0].data, t->classes), b = qns_argmax(test, t->classes);
    const bool ref_hit = t->spec.labels && (int64_t)a == t->spec.labels[id];
    const bool hit = t->spec.labels && (int64_t)b == t->spec.labels[id];
    x->tally.agree += a == b;
    x->tally.ref_hit += ref_hit;
    x->tally.hit += hit;
    if (x->sample)
        x->sample[id - s->o->first] = (uint8_t)((a == b) | ref_hit << 1 | hit << 2);
}

static uint32_t n_energy(const scan *s)
{
    return s->o->n < QNS_TRIAL_BLOCKS ? (uint32_t)s->o->n : QNS_TRIAL_BLOCKS;
}

static void add_sums(state *x, const scan *s, const qns_sums *one, int64_t id)
{
    x->tally.values += one->n;
    x->tally.signal += one->rr;
    x->tally.noise += one->ee;
    x->tally.nonfinite_ref += one->nonfinite_ref;
    x->tally.nonfinite += one->nonfinite_test;
    if (!x->energy)
        return;
    double *e = x->energy + 2 * ((id - s->o->first) % n_energy(s));
    e[0] += one->rr;
    e[1] += one->ee;
}

static void measure(state *x, scan *s, uint32_t k, int64_t id)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(s->t->spec.fused); i++) {
        qns_sums one;
        if (s->ref[i].dtype != QNS_F32)
            continue;
        const qns_tensor out = qns_dag_output(s->dag, k, i);
        const float *test = row_major(s, &out);
        qns_sums_init(&one);
        qns_sums_add(&one, &s->k, s->ref[i].data, test, qns_tensor_count(&out), NULL);
        add_sums(x, s, &one, id);
        if (i == 0 && s->t->classes)
            vote(x, s, test, id);
    }
}

static qns_status one_sample(scan *s, int64_t id, qns_err *err)
{
    const qns_trials_spec *spec = &s->t->spec;
    const int64_t number = id - s->o->first;
    QNS_TRY(spec->eval.get(s->in, spec->eval.ctx, id, err));
    qns_dag_next(s->dag);
    run_float(s, id);
    for (uint32_t k = 0; k < s->n_sets; k++) {
        if (s->set[k].tally.done > number)
            continue;
        if (spec->cancelled && spec->cancelled(spec->ctx))
            QNS_FAIL(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, number, s->o->n);
        const double start = now(), before = qns_dag_worked(s->dag);
        qns_dag_run(s->dag, k + 1);
        s->set[k].seconds += now() - start;
        s->set[k].worked += qns_dag_worked(s->dag) - before;
        measure(&s->set[k], s, k + 1, id);
        s->set[k].tally.done++;
        if (s->o->progress)
            s->o->progress(s->o->ctx, number * s->n_sets + k + 1, s->o->n * s->n_sets);
    }
    return QNS_OK;
}

/* ---- the cache ---- */

/* A set is known by the names of its float layers, whatever the units are. */
static qns_status name_set(qns_digest *out, const qns_trials *t, const bool *in_float, qns_err *err)
{
    qns_digester *d;
    QNS_TRY(qns_digester_create(&d, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(t->spec.fused); i++)
        if (t->unit_of[i] != QNS_NONE && in_float[t->unit_of[i]])
            qns_digester_add_text(d, qns_graph_node(t->spec.fused, (qns_nid){i})->name);
    *out = qns_digester_result(d);
    qns_digester_free(d);
    return QNS_OK;
}

static void take_cached(scan *s)
{
    for (uint32_t k = 0; s->t->cache && !s->o->want_samples && k < s->n_sets; k++) {
        state *x = &s->set[k];
        x->tally = qns_trial_cache_get(s->t->cache, &x->id, s->o->first, s->o->n);
        x->cached = x->put = x->tally.done;
    }
}

static qns_status keep_cached(scan *s, qns_err *err)
{
    if (!s->t->cache || s->o->want_samples)
        return QNS_OK;
    for (uint32_t k = 0; k < s->n_sets; k++) {
        state *x = &s->set[k];
        if (x->tally.done == x->put)
            continue;
        QNS_TRY(qns_trial_cache_put(s->t->cache, &x->id, s->o->first, &x->tally, err));
        x->put = x->tally.done;
    }
    s->kept = now();
    return qns_trial_cache_flush(s->t->cache, err);
}

/* Every five seconds, and in long runs after two per cent of the time so far: what a kill costs. */
static bool is_time_to_keep(const scan *s)
{
    const double t = now(), rest = (t - s->started) / 50;
    return t - s->kept > (rest > 5 ? rest : 5);
}

/* ---- the whole ---- */

/* Nodes of earlier sets that will hardly come again go when they are more than the model. */
static qns_status trim_pool(qns_trials *t, qns_err *err)
{
    enum { KEEP_SIZE = 256 << 20 };
    if (qns_pool_copied(t->pool) < KEEP_SIZE)
        return QNS_OK;
    qns_pool_free(t->pool);
    t->pool = NULL;
    return qns_trials_make_pool(t, err);
}

static qns_status make_dag(scan *s, const bool *const *in_float, qns_err *err)
{
    const qns_graph *g = s->t->spec.fused;
    QNS_TRY(trim_pool(s->t, err));
    QNS_TRY(qns_dag_create(&s->dag, s->t->pool, g, err));
    QNS_TRY(qns_dag_add(s->dag, g, err));
    for (uint32_t k = 0; k < s->n_sets; k++) {
        qns_mixed m;
        qns_status st = qns_mixed_make(&m, s->t, in_float[k], true, err);
        if (st == QNS_OK)
            st = qns_dag_add(s->dag, m.graph, err);
        qns_mixed_fini(&m);
        QNS_TRY(st);
    }
    QNS_TRY(qns_dag_ready(s->dag, err));
    QNS_TRY(qns_new((void **)&s->in, qns_graph_n_inputs(g), sizeof *s->in, err));
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        s->in[i] = qns_dag_input(s->dag, i);
    return QNS_OK;
}

static qns_status get_ready(scan *s, const bool *const *in_float, qns_err *err)
{
    for (uint32_t k = 0; k < s->n_sets; k++) {
        QNS_TRY(name_set(&s->set[k].id, s->t, in_float[k], err));
        if (!s->o->want_samples)
            continue;
        QNS_TRY(qns_new((void **)&s->set[k].sample, (size_t)s->o->n, 1, err));
        QNS_TRY(qns_new((void **)&s->set[k].energy, 2 * n_energy(s), sizeof(double), err));
    }
    take_cached(s);
    s->started = s->kept = now();
    return QNS_OK;
}

/* What was run is kept even when it ends early. */
static qns_status run_all(scan *s, qns_err *err)
{
    qns_status st = QNS_OK;
    int64_t done = s->o->n;
    for (uint32_t k = 0; k < s->n_sets; k++)
        done = s->set[k].tally.done < done ? s->set[k].tally.done : done;
    for (; st == QNS_OK && done < s->o->n; done++) {
        st = one_sample(s, s->o->first + done, err);
        if (st == QNS_OK && is_time_to_keep(s))
            st = keep_cached(s, err);
    }
    const qns_status kept = keep_cached(s, st == QNS_OK ? err : NULL);
    return st == QNS_OK ? kept : st;
}

static void give(qns_trial_score *out, scan *s, uint32_t k)
{
    unsigned flags = 0;
    state *x = &s->set[k];
    const qns_tally *y = &x->tally;
    const qns_sums sums = {.n = y->values,
                           .rr = y->signal,
                           .ee = y->noise,
                           .nonfinite_ref = y->nonfinite_ref,
                           .nonfinite_test = y->nonfinite};
    const qns_trials *t = s->t;
    const bool labels = t->classes && t->spec.labels;
    *out = (qns_trial_score){.n = s->o->n,
                             .output_sqnr_db = qns_sqnr_db(&flags, &sums),
                             .agree = t->classes ? y->agree : -1,
                             .ref_hit = labels ? y->ref_hit : -1,
                             .hit = labels ? y->hit : -1,
                             .nonfinite_ref = (int64_t)y->nonfinite_ref,
                             .nonfinite = (int64_t)y->nonfinite,
                             .macs = qns_dag_macs(s->dag, k + 1),
                             .seconds = x->seconds,
                             .worked = x->worked,
                             .cached = x->cached,
                             .sample = x->sample,
                             .energy = x->energy,
                             .n_energy = x->energy ? n_energy(s) : 0};
    x->sample = NULL;
    x->energy = NULL;
}

qns_status qns_trials_scan(qns_trial_score *out, qns_trials *t, const bool *const *in_float,
                           uint32_t n_sets, const qns_scan_opts *o, qns_err *err)
{
    qns_status st = QNS_OK;
    scan s = {.t = t, .o = o, .n_sets = n_sets};
    qk_table_init(&s.k, ~0u);
    assert(o->first >= 0 && o->n > 0 && o->first + o->n <= t->spec.eval.n);
    QNS_TRY_DONE(qns_new((void **)&s.set, n_sets, sizeof *s.set, err));
    QNS_TRY_DONE(make_dag(&s, in_float, err));
    QNS_TRY_DONE(make_refs(&s, err));
    QNS_TRY_DONE(get_ready(&s, in_float, err));
    QNS_TRY_DONE(run_all(&s, err));
    for (uint32_t k = 0; k < n_sets; k++)
        give(&out[k], &s, k);
done:
    for (uint32_t k = 0; s.set && k < n_sets; k++) {
        qns_free(s.set[k].sample);
        qns_free(s.set[k].energy);
    }
    for (uint32_t i = 0; s.ref && i < qns_graph_n_outputs(t->spec.fused); i++)
        qns_free(s.ref[i].data);
    qns_free(s.set);
    qns_free(s.ref);
    qns_free(s.in);
    qns_free(s.room);
    qns_dag_free(s.dag);
    return st;
}

qns_status qns_trials_run(qns_trial_score *out, qns_trials *t, const bool *in_float, int64_t first,
                          int64_t n, bool want_samples, qns_err *err)
{
    const qns_scan_opts o = {.first = first, .n = n, .want_samples = want_samples};
    return qns_trials_scan(out, t, &in_float, 1, &o, err);
}
