/* SPDX-License-Identifier: MIT */
#include "ns/shadow.h"

#include "core/base/mem.h"
#include "ns/accuracy.h"
#include "ns/shadow_impl.h"
#include "ns/shadow_steps.h"

#include <omp.h>
#include <string.h>

typedef qns_shadow_half half;
typedef qns_shadow_layer layer;
typedef qns_shadow_run shadow;

/* ---- the two sides ---- */

qns_status qns_shadow_plan(half *h, int threads, qns_err *err)
{
    qns_exec_opts eo = *h->of->exec;
    eo.keep_all = h->keep_all;
    eo.threads = threads;
    qns_plan_free(h->plan);
    h->plan = NULL;
    return qns_plan_create(&h->plan, h->g, &eo, err);
}

static qns_status open_half(half *s, qns_capture **cap, const qns_shadow_side *of, int threads,
                            int64_t samples, qns_err *err)
{
    qns_cap_facts facts;
    char hex[5][QNS_HEX_LEN + 1];
    const qns_capture_opts co = {.model = of->model, .backend = of->backend, .engine = of->engine};
    const uint32_t n = qns_graph_n_values(of->graph);
    s->of = of;
    s->g = of->graph;
    QNS_TRY(qns_shadow_plan(s, threads, err));
    QNS_TRY(qns_new((void **)&s->list.column, n, sizeof *s->list.column, err));
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

/* Plans of one thread are made side by side. */
static qns_status open_both(shadow *s, const qns_shadow_side *ref, const qns_shadow_side *test,
                            qns_err *err)
{
    const int64_t n = qns_source_count(s->s);
    const bool lanes = qns_lanes_number(s->threads, n, 0) > 1;
    const qns_shadow_side *side[] = {ref, test};
    half *const of[] = {&s->ref, &s->test};
    qns_capture **const cap[] = {&s->c.ref, &s->c.test};
    qns_status st[2];
    qns_err each[2] = {{0}, {0}};
#pragma omp parallel for schedule(static, 1) num_threads(2) if (lanes)
    for (int i = 0; i < 2; i++)
        st[i] = open_half(of[i], cap[i], side[i], lanes ? 1 : s->threads, n, &each[i]);
    for (int i = 0; i < 2; i++) {
        if (st[i] == QNS_OK)
            continue;
        if (err)
            *err = each[i];
        return st[i];
    }
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
    if (qns_graph_n_inputs(a) > QNS_MAX_IN)
        QNS_FAIL(err, UNSUPPORTED, "%u graph inputs; a shadow run takes up to %d",
                 qns_graph_n_inputs(a), QNS_MAX_IN);
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

/* ---- what is measured ---- */

static qns_status watch(shadow *s, size_t k, qns_err *err)
{
    const qns_cmp_layer *l = &s->c.layer.at[k];
    layer *w = &s->layer[k];
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
    QNS_TRY(qns_new((void **)&s->layer_of, n_test, sizeof *s->layer_of, err));
    QNS_TRY(qns_new((void **)&s->against, n_test, sizeof *s->against, err));
    for (uint32_t i = 0; i < n_ref; i++)
        s->layers[i] = QNS_CMP_NONE;
    for (uint32_t i = 0; i < n_test; i++)
        s->layer_of[i] = s->against[i] = QNS_NONE;
    for (uint32_t k = (uint32_t)s->c.layer.n; k-- > 0;) {
        layer *w = &s->layer[k];
        if (!qns_has(w->ref))
            continue;
        w->next = s->layers[w->ref.i];
        s->layers[w->ref.i] = k;
        s->layer_of[w->test.i] = k;
        s->against[w->test.i] = w->ref.i;
    }
    return QNS_OK;
}

static qns_status find_steps(shadow *s, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_met *met;
    bool stays = true;
    QNS_TRY(qns_new((void **)&s->until, qns_graph_n_values(s->ref.g), sizeof *s->until, err));
    QNS_TRY(qns_new((void **)&met, s->c.layer.n, sizeof *met, err));
    for (size_t k = 0; k < s->c.layer.n; k++)
        met[k] = (qns_met){s->layer[k].ref, s->layer[k].test};
    st = qns_steps_find(s->until, &stays, s->ref.g, s->test.g, met, s->c.layer.n, err);
    qns_free(met);
    if (st != QNS_OK || stays)
        return st;
    s->test.keep_all = true;
    return qns_shadow_plan(&s->test, qns_plan_threads(s->test.plan), err);
}

static qns_status watch_all(shadow *s, qns_err *err)
{
    const size_t n = s->c.layer.n;
    QNS_TRY(qns_new((void **)&s->layer, n, sizeof *s->layer, err));
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
    return find_steps(s, err);
}

/* ---- the whole ---- */

static void keep_numbers(shadow *s)
{
    for (size_t k = 0; k < s->c.layer.n; k++) {
        if (!qns_has(s->layer[k].ref))
            continue;
        qns_track_diff(&s->c.r->layer[k].activation, &s->layer[k].activation);
        qns_track_diff(&s->c.r->layer[k].local, &s->layer[k].local);
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

static qns_status run(shadow *s, const qns_shadow_side *ref, const qns_shadow_side *test,
                      qns_err *err)
{
    qns_cmp *c = &s->c;
    const int64_t n = qns_source_count(s->s);
    QNS_TRY(check_inputs(ref, test, err));
    QNS_TRY(open_both(s, ref, test, err));
    QNS_TRY(qns_cmp_begin(c, "shadow", err));
    QNS_TRY(qns_cmp_weights(c, err));
    c->n_rows = (size_t)n;
    c->r->samples = n;
    QNS_TRY(qns_cmp_pair(c, err));
    QNS_TRY(qns_cmp_coverage(c, err));
    QNS_TRY(qns_cmp_filter(c, err));
    QNS_TRY(qns_cmp_layers(c, err));
    QNS_TRY(qns_digester_create(&s->inputs, err));
    QNS_TRY(watch_all(s, err));
    QNS_TRY(qns_cmp_measure(c, err)); /* weights */
    QNS_TRY(qns_shadow_open_lanes(s, err));
    QNS_TRY(qns_shadow_samples(s, err));
    keep_numbers(s);
    QNS_TRY(keep_inputs(s, err));
    return qns_cmp_finish(c, err);
}

static void fini_half(half *s)
{
    qns_plan_free(s->plan);
    qns_free(s->data_value);
    qns_free(s->list.column);
}

static void fini(shadow *s)
{
    qns_shadow_close_lanes(s);
    qns_free(s->layer);
    qns_free(s->layers);
    qns_free(s->layer_of);
    qns_free(s->against);
    qns_free(s->until);
    qns_free(s->channels);
    qns_free(s->shift);
    qns_free(s->n_shift);
    qns_digester_free(s->inputs);
    fini_half(&s->ref);
    fini_half(&s->test);
    qns_cmp_fini(&s->c);
}

qns_status qns_shadow(qns_result **out, const qns_shadow_side *ref, const qns_shadow_side *test,
                      qns_source *source, const qns_shadow_opts *opts, qns_err *err)
{
    static const qns_shadow_opts none = {0};
    shadow s = {.o = opts ? opts : &none, .s = source};
    const int threads = omp_get_max_threads();
    s.threads = test->exec->threads > 0 ? test->exec->threads : threads;
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
    omp_set_num_threads(threads); /* plans of one thread say so to OpenMP */
    if (st != QNS_OK)
        qns_err_note(err, "shadow run");
    return st;
}
