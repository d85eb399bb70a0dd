/* SPDX-License-Identifier: MIT */
/* Samples of a shadow run, side by side. Each is measured into sums of its lane; those are added in
 * the order of samples. */
#include "core/base/mem.h"
#include "core/exec/inputs.h"
#include "core/graph/qparams.h"
#include "ns/accuracy.h"
#include "ns/shadow_impl.h"

#include <inttypes.h>
#include <string.h>

/* A constant of each channel shows in a few samples already. It is told of layers below
 * QNS_SQNR_WATCH_DB only (diagnose.c), and a layer all of whose samples are above is above, too:
 * only samples below are looked at by channel, which means turning them row-major first. */
enum { SHIFT_SAMPLES = 32 };

typedef qns_shadow_lane lane;
typedef qns_shadow_layer layer;
typedef qns_shadow_sums sums;
typedef qns_shadow_run run;

/* ---- taps ---- */

static bool wants_all(void *ctx, const qns_value *v)
{
    (void)ctx;
    (void)v;
    return true;
}

static qns_status note_value(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                             qns_err *err)
{
    lane *l = ctx;
    (void)sample;
    (void)err;
    l->value[v->id.i] = *t;
    return QNS_OK;
}

/* The local error of layer k was measured. */
static void see_local(lane *l, uint32_t k, const qns_tensor *ref, const qns_tensor *made)
{
    layer *y = &l->run->layer[k];
    sums *m = &l->sums[k];
    m->has_local = true;
    if (y->shift_full || qns_track_sample_db(&y->local, m->local) >= QNS_SQNR_WATCH_DB)
        return;
    qns_track_measure(m->shift, &y->shift, qns_pass_floats(l->pass.ref_row, ref),
                      qns_pass_floats(l->pass.test_row, made));
    m->has_shift = true;
}

/* Both errors of a layer. */
static void measure_layer(lane *l, uint32_t k, qns_vid v, const qns_tensor *ref, bool give)
{
    const run *s = l->run;
    const layer *y = &s->layer[k];
    sums *m = &l->sums[k];
    const qns_tensor *test = &l->value[y->test.i];
    const qns_tensor local = qns_local_prompt(l->local, y->test);
    const qns_pass_pair pair[] = {{m->activation, &y->activation, test},
                                  {m->local, &y->local, &local}};
    qns_pass_over(&l->pass, ref, pair, local.data ? 2 : 1, give ? l->local : NULL, v);
    if (local.data) {
        see_local(l, k, ref, &local);
    } else if (qns_local_is_same(l->local, y->test)) {
        memcpy(m->local, m->activation, y->local.geom.channels * sizeof *m->local);
        see_local(l, k, ref, test);
    }
    if (!m->channels && k != s->output)
        return;
    const float *x = qns_pass_floats(l->pass.ref_row, ref);
    const float *q = qns_pass_floats(l->pass.test_row, test);
    if (m->channels)
        qns_track_measure(m->channels, &y->channels, x, q);
    if (k == s->output) {
        l->best[0] = qns_argmax(x, y->count);
        l->best[1] = qns_argmax(q, y->count);
    }
}

static void measure_local(void *ctx, qns_vid test, const qns_tensor *made, const qns_tensor *ref)
{
    lane *l = ctx;
    const uint32_t k = l->run->layer_of[test.i];
    const qns_pass_pair pair = {l->sums[k].local, &l->run->layer[k].local, made};
    qns_pass_over(&l->pass, ref, &pair, 1, NULL, QNS_NO_VALUE);
    see_local(l, k, ref, made);
}

/* All that is to be done with a float value, while it is in the cache. */
static qns_status see_ref(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                          qns_err *err)
{
    lane *l = ctx;
    const run *s = l->run;
    bool give = true;
    QNS_TRY(qns_plan_run_until(l->test, s->until[v->id.i], sample, err));
    qns_local_see(l->local, v->id, t);
    for (uint32_t k = s->layers[v->id.i]; k != QNS_CMP_NONE; k = s->layer[k].next) {
        measure_layer(l, k, v->id, t, give);
        give = false;
    }
    if (give)
        qns_pass_over(&l->pass, t, NULL, 0, l->local, v->id);
    qns_local_done(l->local, v->id);
    return QNS_OK;
}

/* ---- one sample ---- */

static qns_status fetch(void *ctx, int number, int64_t i, qns_err *err)
{
    run *s = ctx;
    const lane *l = &s->lane[number];
    if (s->o->cancelled && s->o->cancelled(s->o->ctx))
        QNS_FAIL(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, i,
                 qns_source_count(s->s));
    QNS_TRY(qns_source_get(l->in, s->s, i, err));
    const qns_digest d = qns_inputs_digest(l->in, s->ref.g);
    qns_digester_add(s->inputs, d.byte, sizeof d.byte);
    return QNS_OK;
}

static qns_status run_sample(void *ctx, qns_lanes *lanes, int number, int64_t i, qns_err *err)
{
    const run *s = ctx;
    lane *l = &s->lane[number];
    (void)lanes;
    for (size_t k = 0; k < s->c.layer.n; k++)
        l->sums[k].has_local = l->sums[k].has_shift = false;
    QNS_TRY(qns_plan_begin(l->test, l->in, i, err));
    qns_local_begin(l->local, l->in);
    return qns_plan_run(l->out, l->ref, l->in, i, err);
}

static void add_layer(layer *y, const sums *m, int64_t id)
{
    qns_track_add(&y->activation, m->activation, id);
    if (m->has_local)
        qns_track_add(&y->local, m->local, id);
    if (m->channels)
        qns_track_add(&y->channels, m->channels, id);
    if (!m->has_shift || y->shift_full)
        return;
    qns_track_add(&y->shift, m->shift, id);
    y->shift_full = y->shift.n == SHIFT_SAMPLES;
}

static void vote(run *s, const lane *l, int64_t id)
{
    const int64_t *labels = qns_source_labels(s->s);
    s->live.same += l->best[0] == l->best[1];
    if (labels) {
        s->live.ref_hit += (int64_t)l->best[0] == labels[id];
        s->live.test_hit += (int64_t)l->best[1] == labels[id];
    }
}

static qns_status finish(void *ctx, int number, int64_t i, qns_err *err)
{
    run *s = ctx;
    const lane *l = &s->lane[number];
    (void)err;
    for (size_t k = 0; k < s->c.layer.n; k++)
        if (qns_has(s->layer[k].ref))
            add_layer(&s->layer[k], &l->sums[k], i);
    if (s->output != QNS_CMP_NONE)
        vote(s, l, i);
    if (s->o->progress)
        s->o->progress(s->o->ctx, i + 1, qns_source_count(s->s));
    return QNS_OK;
}

qns_status qns_shadow_samples(run *s, qns_err *err)
{
    const qns_lane_job job = {.ctx = s,
                              .n = qns_source_count(s->s),
                              .lanes = s->n_lanes,
                              .fetch = fetch,
                              .run = run_sample,
                              .finish = finish};
    return qns_lanes_run(&job, err);
}

/* ---- lanes ---- */

static qns_status get_sums(lane *l, qns_err *err)
{
    const run *s = l->run;
    qns_arena *a = s->c.a;
    QNS_TRY(qns_arena_new((void **)&l->sums, a, s->c.layer.n, sizeof *l->sums, err));
    for (size_t k = 0; k < s->c.layer.n; k++) {
        const layer *y = &s->layer[k];
        sums *m = &l->sums[k];
        if (!qns_has(y->ref))
            continue;
        const size_t n = y->activation.geom.channels, n_shift = y->shift.geom.channels;
        QNS_TRY(qns_arena_new((void **)&m->activation, a, n, sizeof(qns_sums), err));
        QNS_TRY(qns_arena_new((void **)&m->local, a, n, sizeof(qns_sums), err));
        QNS_TRY(qns_arena_new((void **)&m->shift, a, n_shift, sizeof(qns_sums), err));
        if (s->channels[k])
            QNS_TRY(qns_arena_new((void **)&m->channels, a, n_shift, sizeof(qns_sums), err));
    }
    return QNS_OK;
}

static size_t largest_count(const run *s)
{
    size_t most = 1;
    for (size_t k = 0; k < s->c.layer.n; k++)
        most = s->layer[k].count > most ? s->layer[k].count : most;
    return most;
}

static qns_status make_local(lane *l, qns_err *err)
{
    const run *s = l->run;
    const qns_local_opts o = {s->test.of->exec, &s->c.k, s->against, measure_local, l};
    return qns_local_create(&l->local, s->ref.g, l->test, &o, err);
}

/* Plans are there. */
static qns_status open_lane(run *s, lane *l, qns_err *err)
{
    l->ref_tap = (qns_tap){l, wants_all, see_ref};
    l->test_tap = (qns_tap){l, wants_all, note_value};
    l->ref_taps = (qns_taps){&l->ref_tap, 1};
    l->test_taps = (qns_taps){&l->test_tap, 1};
    QNS_TRY(qns_new((void **)&l->value, qns_graph_n_values(s->test.g), sizeof *l->value, err));
    QNS_TRY(qns_new((void **)&l->out, qns_graph_n_outputs(s->ref.g), sizeof *l->out, err));
    QNS_TRY(qns_inputs_create(&l->in, s->ref.g, err));
    QNS_TRY(get_sums(l, err));
    QNS_TRY(qns_pass_init(&l->pass, largest_count(s), err));
    QNS_TRY(qns_plan_bind(l->ref, &l->ref_taps, err));
    return qns_plan_bind(l->test, &l->test_taps, err);
}

static qns_status share(run *s, lane *l, qns_err *err)
{
    QNS_TRY(qns_plan_share(&l->ref, s->ref.plan, err));
    QNS_TRY(qns_plan_share(&l->test, s->test.plan, err));
    return make_local(l, err);
}

/* The plans of all lanes but the first are copies of its plans. */
static qns_status open_first(lane *l, qns_err *err)
{
    const run *s = l->run;
    qns_local_free(l->local);
    l->local = NULL;
    l->ref = s->ref.plan;
    l->test = s->test.plan;
    return make_local(l, err);
}

static size_t lane_memory(const run *s)
{
    return qns_plan_memory(s->ref.plan, NULL) + qns_plan_memory(s->test.plan, NULL) +
           qns_local_memory(s->lane[0].local) + 2 * largest_count(s) * sizeof(float);
}

qns_status qns_shadow_open_lanes(run *s, qns_err *err)
{
    const int most = qns_lanes_number(s->threads, qns_source_count(s->s), 0);
    QNS_TRY(qns_new((void **)&s->lane, (size_t)most, sizeof *s->lane, err));
    for (int i = 0; i < most; i++)
        s->lane[i].run = s;
    QNS_TRY(open_first(&s->lane[0], err));
    if (qns_local_looks_back(s->lane[0].local)) {
        s->ref.keep_all = true;
        QNS_TRY(qns_shadow_plan(&s->ref, most > 1 ? 1 : s->threads, err));
    }
    s->n_lanes = qns_lanes_number(s->threads, qns_source_count(s->s), lane_memory(s));
    if (s->n_lanes == 1 && most > 1) {
        QNS_TRY(qns_shadow_plan(&s->ref, s->threads, err));
        QNS_TRY(qns_shadow_plan(&s->test, s->threads, err));
        QNS_TRY(open_first(&s->lane[0], err));
    }
    s->lane[0].ref = s->ref.plan;
    for (int i = 0; i < s->n_lanes; i++) {
        if (i > 0)
            QNS_TRY(share(s, &s->lane[i], err));
        QNS_TRY(open_lane(s, &s->lane[i], err));
    }
    return QNS_OK;
}

static void close_lane(const run *s, lane *l, bool owns_plans)
{
    qns_local_free(l->local);
    if (owns_plans) {
        qns_plan_free(l->ref);
        qns_plan_free(l->test);
    }
    qns_inputs_free(l->in, s->ref.g);
    qns_free(l->out);
    qns_free(l->value);
    qns_pass_fini(&l->pass);
}

void qns_shadow_close_lanes(run *s)
{
    for (int i = s->lane && s->n_lanes == 0 ? 1 : s->n_lanes; i-- > 0;)
        close_lane(s, &s->lane[i], i > 0);
    qns_free(s->lane);
}
