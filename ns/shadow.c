/* SPDX-License-Identifier: MIT */
#include "ns/shadow.h"

#include "core/base/mem.h"
#include "core/graph/qparams.h"
#include "ns/accuracy.h"
#include "ns/compare/channels.h"
#include "ns/compare/metric.h"
#include "ns/h5_memory.h"
#include "ns/shadow_local.h"
#include "ns/shadow_pass.h"
#include "ns/shadow_steps.h"
#include "ns/shadow_track.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* A constant of each channel shows in a few samples already. It is told of layers below
 * QNS_SQNR_WATCH_DB only (diagnose.c), and a layer all of whose samples are above is above, too:
 * only samples below are looked at by channel, which means turning them row-major first. */
enum { SHIFT_SAMPLES = 32 };

typedef struct side {
    const qns_shadow_side *of;
    const qns_graph *g;
    qns_plan *plan;
    qns_tensor *value;     /* by value: where it lies in the run of this sample */
    uint32_t *data_value;  /* by data of the capture: the value */
    qns_capture_list list; /* by value: data of the capture */
    qns_tensor *out;       /* data NULL: not wanted */
} side;

typedef struct watched { /* a layer */
    qns_vid ref, test;   /* QNS_NONE: weights only */
    qns_track activation, local, channels;
    qns_track shift; /* the local error of the first samples that are bad, by channel */
    size_t count;
    uint32_t next; /* layer with the same ref; QNS_CMP_NONE */
} watched;

typedef struct shadow {
    qns_cmp c;
    qns_compare_opts cmp_opts;
    qns_cmp_live live;
    const qns_shadow_opts *o;
    qns_source *s;
    side ref, test;
    qns_local *local;
    watched *watched;
    qns_sums **channels, **shift;
    size_t *n_shift;
    uint32_t output;   /* the layer whose arg-max is compared; QNS_CMP_NONE */
    uint32_t *layers;  /* by value of the float graph: the first layer that is measured there */
    uint32_t *layer;   /* by value of the quantized graph */
    uint32_t *against; /* the same: the value of the float graph */
    uint32_t *until;   /* by value of the float graph: nodes of the quantized one that run then */
    qns_tensor *in;
    qns_digester *inputs;
    qns_pass pass;
    int threads;
} shadow;

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
    side *s = ctx;
    (void)sample;
    (void)err;
    s->value[v->id.i] = *t;
    return QNS_OK;
}

/* ---- the two sides ---- */

static qns_status open_side(side *s, qns_capture **cap, const qns_shadow_side *of, int64_t samples,
                            qns_err *err)
{
    qns_cap_facts facts;
    char hex[5][QNS_HEX_LEN + 1];
    qns_exec_opts eo = *of->exec;
    const qns_capture_opts co = {.model = of->model, .backend = of->backend, .engine = of->engine};
    const uint32_t n = qns_graph_n_values(of->graph);
    s->of = of;
    s->g = of->graph;
    eo.keep_all = false;
    QNS_TRY(qns_plan_create(&s->plan, s->g, &eo, err));
    QNS_TRY(qns_new((void **)&s->value, n, sizeof *s->value, err));
    QNS_TRY(qns_new((void **)&s->list.column, n, sizeof *s->list.column, err));
    QNS_TRY(qns_new((void **)&s->out, qns_graph_n_outputs(s->g), sizeof *s->out, err));
    QNS_TRY(qns_capture_facts(&facts, hex, s->g, &co, err));
    facts.samples = samples;
    QNS_TRY(qns_capture_memory(cap, of->file ? of->file : "", &facts, err));
    const qns_cap_sink sink = qns_capture_memory_sink(*cap);
    QNS_TRY(qns_capture_declare(&s->list, &sink, s->plan, &co, err));
    QNS_TRY(qns_new((void **)&s->data_value, qns_capture_n(*cap), sizeof(uint32_t), err));
    for (uint32_t i = 0; i < n; i++)
        if (s->list.column[i] != QNS_NONE)
            s->data_value[s->list.column[i]] = i;
    return QNS_OK;
}

static bool has_codes(const qns_graph *g)
{
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        if (qns_graph_value(g, (qns_vid){i})->qp)
            return true;
    return false;
}

static const char *file_of(const qns_shadow_side *s)
{
    return s->file ? s->file : qns_graph_name(s->graph);
}

/* One reading of the source serves both. */
static qns_status check_inputs(const qns_shadow_side *r, const qns_shadow_side *t, qns_err *err)
{
    const qns_graph *a = r->graph, *b = t->graph;
    if (has_codes(a))
        QNS_FAIL(err, MISMATCH, "'%s' is quantized; the first model is the float one", file_of(r));
    if (qns_graph_n_inputs(a) != qns_graph_n_inputs(b))
        QNS_FAIL(err, MISMATCH, "'%s' has %u inputs, '%s' has %u; quantize and shadow one model",
                 file_of(r), qns_graph_n_inputs(a), file_of(t), qns_graph_n_inputs(b));
    for (uint32_t i = 0; i < qns_graph_n_inputs(a); i++) {
        const qns_value *x = qns_graph_value(a, qns_graph_input(a, i));
        const qns_value *y = qns_graph_value(b, qns_graph_input(b, i));
        if (strcmp(x->name, y->name) != 0 || x->dtype != y->dtype ||
            !qns_shape_equal(&x->shape, &y->shape))
            QNS_FAIL(err, MISMATCH,
                     "input %u is '%s' %s %s in '%s', but '%s' %s %s in '%s'; quantize and shadow "
                     "one model",
                     i, x->name, qns_dtype_name(x->dtype), qns_shape_str(&x->shape).s, file_of(r),
                     y->name, qns_dtype_name(y->dtype), qns_shape_str(&y->shape).s, file_of(t));
    }
    return QNS_OK;
}

static qns_status get_inputs(shadow *s, qns_err *err)
{
    const qns_graph *g = s->ref.g;
    const uint32_t n = qns_graph_n_inputs(g);
    if (n > QNS_MAX_IN)
        QNS_FAIL(err, UNSUPPORTED, "%u graph inputs; a shadow run takes up to %d", n, QNS_MAX_IN);
    QNS_TRY(qns_new((void **)&s->in, n, sizeof *s->in, err));
    for (uint32_t i = 0; i < n; i++) {
        s->in[i] = qns_graph_tensor(g, qns_graph_input(g, i));
        s->in[i].layout = QNS_ROW;
        s->in[i].data = qns_malloc64(qns_tensor_bytes(&s->in[i]));
        if (!s->in[i].data)
            QNS_FAIL(err, NOMEM, "cannot get memory for the inputs");
    }
    return qns_digester_create(&s->inputs, err);
}

/* ---- what is measured ---- */

static qns_status watch(shadow *s, size_t k, qns_err *err)
{
    const qns_cmp_layer *l = &s->c.layer.at[k];
    watched *w = &s->watched[k];
    qns_grid *grid = NULL;
    w->ref = w->test = QNS_NO_VALUE;
    if (l->ref == QNS_CMP_NONE)
        return QNS_OK;
    const qns_cap_data *t = qns_cmp_data(s->c.test, l->test);
    const qns_geom geom = qns_geom_of(&t->shape, t->n_scale > 1 ? t->axis : -1);
    w->ref.i = s->ref.data_value[l->ref];
    w->test.i = s->test.data_value[l->test];
    w->count = t->count;
    QNS_TRY(qns_cmp_grids(&grid, &s->c, t, err));
    QNS_TRY(qns_track_init(&w->activation, s->c.a, &s->c.k, geom, grid, t->n_scale, err));
    QNS_TRY(qns_track_init(&w->local, s->c.a, &s->c.k, geom, grid, t->n_scale, err));
    const qns_geom by_channel = qns_geom_of(&t->shape, qns_cmp_activation_axis(t));
    QNS_TRY(qns_track_init(&w->shift, s->c.a, &s->c.k, by_channel, grid, t->n_scale, err));
    s->shift[k] = w->shift.all;
    s->n_shift[k] = by_channel.channels;
    if (!s->o->per_channel)
        return QNS_OK;
    QNS_TRY(qns_track_init(&w->channels, s->c.a, &s->c.k, by_channel, grid, t->n_scale, err));
    s->channels[k] = w->channels.all;
    return QNS_OK;
}

/* Which layers are measured when a value was made. */
static qns_status index_layers(shadow *s, qns_err *err)
{
    const uint32_t n_ref = qns_graph_n_values(s->ref.g), n_test = qns_graph_n_values(s->test.g);
    QNS_TRY(qns_new((void **)&s->layers, n_ref, sizeof *s->layers, err));
    QNS_TRY(qns_new((void **)&s->layer, n_test, sizeof *s->layer, err));
    QNS_TRY(qns_new((void **)&s->against, n_test, sizeof *s->against, err));
    for (uint32_t i = 0; i < n_ref; i++)
        s->layers[i] = QNS_CMP_NONE;
    for (uint32_t i = 0; i < n_test; i++)
        s->layer[i] = s->against[i] = QNS_NONE;
    for (uint32_t k = (uint32_t)s->c.layer.n; k-- > 0;) {
        watched *w = &s->watched[k];
        if (!qns_has(w->ref))
            continue;
        w->next = s->layers[w->ref.i];
        s->layers[w->ref.i] = k;
        s->layer[w->test.i] = k;
        s->against[w->test.i] = w->ref.i;
    }
    return QNS_OK;
}

static qns_status remake_plan(side *s, bool keep_all, qns_err *err)
{
    qns_exec_opts eo = *s->of->exec;
    eo.keep_all = keep_all;
    qns_plan_free(s->plan);
    s->plan = NULL;
    return qns_plan_create(&s->plan, s->g, &eo, err);
}

static qns_status find_steps(shadow *s, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_met *met;
    bool stays = true;
    QNS_TRY(qns_new((void **)&s->until, qns_graph_n_values(s->ref.g), sizeof *s->until, err));
    QNS_TRY(qns_new((void **)&met, s->c.layer.n, sizeof *met, err));
    for (size_t k = 0; k < s->c.layer.n; k++)
        met[k] = (qns_met){s->watched[k].ref, s->watched[k].test};
    st = qns_steps_find(s->until, &stays, s->ref.g, s->test.g, met, s->c.layer.n, err);
    qns_free(met);
    return st == QNS_OK && !stays ? remake_plan(&s->test, true, err) : st;
}

static qns_status get_room(shadow *s, qns_err *err)
{
    size_t most = 1;
    for (size_t k = 0; k < s->c.layer.n; k++)
        most = s->watched[k].count > most ? s->watched[k].count : most;
    return qns_pass_init(&s->pass, most, err);
}

static qns_status watch_all(shadow *s, qns_err *err)
{
    const size_t n = s->c.layer.n;
    QNS_TRY(qns_new((void **)&s->watched, n, sizeof *s->watched, err));
    QNS_TRY(qns_new((void **)&s->channels, n, sizeof(qns_sums *), err));
    QNS_TRY(qns_new((void **)&s->shift, n, sizeof(qns_sums *), err));
    QNS_TRY(qns_new((void **)&s->n_shift, n, sizeof *s->n_shift, err));
    for (size_t k = 0; k < n; k++)
        QNS_TRY(watch(s, k, err));
    s->live.channels = s->channels;
    s->live.local = s->shift;
    s->live.n_local = s->n_shift;
    s->live.has_labels = qns_source_labels(s->s) != NULL;
    s->c.live = &s->live;
    s->output = qns_cmp_output_layer(&s->c);
    if (s->output != QNS_CMP_NONE &&
        !qns_is_class_scores(&qns_cmp_data(s->c.ref, s->c.layer.at[s->output].ref)->shape))
        s->output = QNS_CMP_NONE;
    QNS_TRY(index_layers(s, err));
    QNS_TRY(find_steps(s, err));
    return get_room(s, err);
}

/* ---- one sample ---- */

static void vote(shadow *s, const float *ref, const float *test, size_t n, int64_t id)
{
    const int64_t *labels = qns_source_labels(s->s);
    const size_t x = qns_argmax(ref, n), y = qns_argmax(test, n);
    s->live.same += x == y;
    if (labels) {
        s->live.ref_hit += (int64_t)x == labels[id];
        s->live.test_hit += (int64_t)y == labels[id];
    }
}

static void add_shift(shadow *s, watched *w, const qns_tensor *ref, const qns_tensor *made,
                      int64_t id)
{
    if (w->shift.n < SHIFT_SAMPLES && !(w->local.last_db >= QNS_SQNR_WATCH_DB))
        qns_track_add(&w->shift, qns_pass_floats(s->pass.ref_row, ref),
                      qns_pass_floats(s->pass.test_row, made), id);
}

/* Both errors of a layer. */
static void measure_layer(shadow *s, uint32_t k, qns_vid v, const qns_tensor *ref, bool give,
                          int64_t id)
{
    watched *w = &s->watched[k];
    const qns_tensor *test = &s->test.value[w->test.i];
    const qns_tensor local = qns_local_prompt(s->local, w->test);
    const qns_pass_pair pair[] = {{&w->activation, test}, {&w->local, &local}};
    qns_pass_over(&s->pass, ref, pair, local.data ? 2 : 1, give ? s->local : NULL, v, id);
    if (local.data)
        add_shift(s, w, ref, &local, id);
    if (!s->channels[k] && k != s->output)
        return;
    const float *x = qns_pass_floats(s->pass.ref_row, ref);
    const float *y = qns_pass_floats(s->pass.test_row, test);
    if (s->channels[k])
        qns_track_add(&w->channels, x, y, id);
    if (k == s->output)
        vote(s, x, y, w->count, id);
}

static void measure_local(void *ctx, qns_vid test, const qns_tensor *made, const qns_tensor *ref,
                          int64_t sample)
{
    shadow *s = ctx;
    watched *w = &s->watched[s->layer[test.i]];
    const qns_pass_pair pair = {&w->local, made};
    qns_pass_over(&s->pass, ref, &pair, 1, NULL, QNS_NO_VALUE, sample);
    add_shift(s, w, ref, made, sample);
}

/* All that is to be done with a float value, while it is in the cache. */
static qns_status see_ref(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                          qns_err *err)
{
    shadow *s = ctx;
    bool give = true;
    QNS_TRY(qns_plan_run_until(s->test.plan, s->until[v->id.i], sample, err));
    qns_local_see(s->local, v->id, t, sample);
    for (uint32_t k = s->layers[v->id.i]; k != QNS_CMP_NONE; k = s->watched[k].next) {
        measure_layer(s, k, v->id, t, give, sample);
        give = false;
    }
    if (give)
        qns_pass_over(&s->pass, t, NULL, 0, s->local, v->id, sample);
    qns_local_done(s->local, v->id, sample);
    return QNS_OK;
}

static void add_digest(shadow *s)
{
    qns_digest each[QNS_MAX_IN];
    const uint32_t n = qns_graph_n_inputs(s->ref.g);
    for (uint32_t i = 0; i < n; i++)
        each[i] = qns_digest_of(s->in[i].data, qns_tensor_bytes(&s->in[i]));
    const qns_digest all = n == 1 ? each[0] : qns_digest_of(each, n * sizeof each[0]);
    qns_digester_add(s->inputs, all.byte, sizeof all.byte);
}

static qns_status one_sample(shadow *s, int64_t id, qns_err *err)
{
    QNS_TRY(qns_source_get(s->in, s->s, id, err));
    add_digest(s);
    QNS_TRY(qns_plan_begin(s->test.plan, s->in, id, err));
    qns_local_begin(s->local, s->in);
    return qns_plan_run(s->ref.out, s->ref.plan, s->in, id, err);
}

static qns_status all_samples(shadow *s, qns_err *err)
{
    const int64_t n = qns_source_count(s->s);
    const qns_tap ref_tap = {s, wants_all, see_ref};
    const qns_tap test_tap = {&s->test, wants_all, note_value};
    const qns_taps ref_taps = {&ref_tap, 1}, test_taps = {&test_tap, 1};
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_plan_bind(s->ref.plan, &ref_taps, err));
    QNS_TRY_DONE(qns_plan_bind(s->test.plan, &test_taps, err));
    for (int64_t i = 0; i < n; i++) {
        if (s->o->cancelled && s->o->cancelled(s->o->ctx))
            QNS_FAIL_DONE(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, i, n);
        QNS_TRY_DONE(one_sample(s, i, err));
        if (s->o->progress)
            s->o->progress(s->o->ctx, i + 1, n);
    }
done:
    qns_plan_bind(s->ref.plan, NULL, NULL);
    qns_plan_bind(s->test.plan, NULL, NULL);
    return st;
}

/* ---- the whole ---- */

static void keep_numbers(shadow *s)
{
    for (size_t k = 0; k < s->c.layer.n; k++) {
        if (!qns_has(s->watched[k].ref))
            continue;
        qns_track_diff(&s->c.r->layer[k].activation, &s->watched[k].activation);
        qns_track_diff(&s->c.r->layer[k].local, &s->watched[k].local);
    }
}

static qns_status keep_inputs(shadow *s, qns_err *err)
{
    char hex[QNS_HEX_LEN + 1];
    const qns_digest d = qns_digester_result(s->inputs);
    qns_digest_hex(hex, &d);
    const char *kept = qns_arena_strdup(s->c.a, hex);
    if (!kept)
        QNS_FAIL(err, NOMEM, "cannot keep the result");
    s->c.r->ref.inputs_id = s->c.r->test.inputs_id = kept;
    return QNS_OK;
}

static qns_status make_local(shadow *s, const qns_exec_opts *exec, qns_err *err)
{
    const qns_local_opts o = {exec, &s->c.k, s->against, measure_local, s};
    QNS_TRY(qns_local_create(&s->local, s->ref.g, s->test.plan, &o, err));
    return qns_local_looks_back(s->local) ? remake_plan(&s->ref, true, err) : QNS_OK;
}

static qns_status run(shadow *s, const qns_shadow_side *ref, const qns_shadow_side *test,
                      qns_err *err)
{
    qns_cmp *c = &s->c;
    const int64_t n = qns_source_count(s->s);
    QNS_TRY(check_inputs(ref, test, err));
    QNS_TRY(open_side(&s->ref, &c->ref, ref, n, err));
    QNS_TRY(open_side(&s->test, &c->test, test, n, err));
    QNS_TRY(qns_cmp_begin(c, "shadow", err));
    QNS_TRY(qns_cmp_weights(c, err));
    c->n_rows = (size_t)n;
    c->r->samples = n;
    QNS_TRY(qns_cmp_pair(c, err));
    QNS_TRY(qns_cmp_coverage(c, err));
    QNS_TRY(qns_cmp_filter(c, err));
    QNS_TRY(qns_cmp_layers(c, err));
    QNS_TRY(get_inputs(s, err));
    QNS_TRY(watch_all(s, err));
    QNS_TRY(qns_cmp_measure(c, err)); /* weights */
    QNS_TRY(make_local(s, test->exec, err));
    QNS_TRY(all_samples(s, err));
    keep_numbers(s);
    QNS_TRY(keep_inputs(s, err));
    return qns_cmp_finish(c, err);
}

static void fini_side(side *s)
{
    qns_plan_free(s->plan);
    qns_free(s->value);
    qns_free(s->data_value);
    qns_free(s->list.column);
    qns_free(s->out);
}

static void fini(shadow *s)
{
    qns_local_free(s->local);
    for (uint32_t i = 0; s->in && i < qns_graph_n_inputs(s->ref.g); i++)
        qns_free(s->in[i].data);
    qns_free(s->in);
    qns_free(s->watched);
    qns_free(s->layers);
    qns_free(s->layer);
    qns_free(s->against);
    qns_free(s->until);
    qns_pass_fini(&s->pass);
    qns_free(s->channels);
    qns_free(s->shift);
    qns_free(s->n_shift);
    qns_digester_free(s->inputs);
    fini_side(&s->ref);
    fini_side(&s->test);
    qns_cmp_fini(&s->c);
}

qns_status qns_shadow(qns_result **out, const qns_shadow_side *ref, const qns_shadow_side *test,
                      qns_source *source, const qns_shadow_opts *opts, qns_err *err)
{
    static const qns_shadow_opts none = {0};
    shadow s = {.o = opts ? opts : &none, .s = source};
    s.threads = test->exec->threads > 0 ? test->exec->threads : omp_get_max_threads();
    s.cmp_opts = (qns_compare_opts){.layers = s.o->layers,
                                    .n_layers = s.o->n_layers,
                                    .n_detail = s.o->n_detail,
                                    .threads = s.threads,
                                    .force = s.o->force};
    s.c.o = &s.cmp_opts;
    const qns_status st = run(&s, ref, test, err);
    if (st == QNS_OK)
        *out = s.c.r;
    else
        qns_result_free(s.c.r);
    fini(&s);
    if (st != QNS_OK)
        qns_err_note(err, "shadow run");
    return st;
}
