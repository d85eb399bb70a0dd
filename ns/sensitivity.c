/* SPDX-License-Identifier: MIT */
#include "ns/sensitivity.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "ns/accuracy.h"
#include "qns_version.h"

#include <math.h>
#include <string.h>

/* ---- the sets ---- */

/* Set 0: all in int8. Then for each unit that was asked for: only it in int8, only it in float. */
typedef struct sets {
    uint32_t n, n_chosen;
    uint32_t *chosen; /* units */
    bool *memory;
    const bool **in_float;
    qns_trial_score *score;
} sets;

static void free_sets(sets *s)
{
    qns_free(s->chosen);
    qns_free(s->memory);
    qns_free(s->in_float);
    qns_free(s->score);
}

static bool is_asked(bool *used, const qns_trial_unit *u, const qns_sens_opts *o)
{
    bool any = o->n_layers == 0;
    for (size_t i = 0; i < o->n_layers; i++)
        for (size_t k = 0; k < u->n_names; k++)
            if (strcmp(o->layers[i], u->names[k]) == 0 || qns_glob(o->layers[i], u->names[k]))
                any = used[i] = true;
    return any;
}

static qns_status no_match(const char *glob, const qns_trials *t, qns_err *err)
{
    const char **names;
    const uint32_t n = qns_trials_n(t);
    QNS_TRY(qns_new((void **)&names, n, sizeof *names, err));
    for (uint32_t i = 0; i < n; i++)
        names[i] = qns_trials_unit(t, i)->name;
    const int64_t near = qns_nearest(glob, names, n);
    const qns_status st =
        near < 0 ? qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__,
                               "'%s' matches no layer that is in int8", glob)
                 : qns_err_set(err, QNS_E_NOTFOUND, __FILE__, __LINE__,
                               "'%s' matches no layer that is in int8; the nearest name is '%s'",
                               glob, names[near]);
    qns_free(names);
    return st;
}

static qns_status choose(sets *s, const qns_trials *t, const qns_sens_opts *o, qns_err *err)
{
    qns_status st = QNS_OK;
    bool *used = NULL;
    QNS_TRY_DONE(qns_new((void **)&s->chosen, qns_trials_n(t), sizeof *s->chosen, err));
    QNS_TRY_DONE(qns_new((void **)&used, o->n_layers, sizeof *used, err));
    for (uint32_t i = 0; i < qns_trials_n(t); i++)
        if (is_asked(used, qns_trials_unit(t, i), o))
            s->chosen[s->n_chosen++] = i;
    for (size_t i = 0; i < o->n_layers && st == QNS_OK; i++)
        if (!used[i])
            st = no_match(o->layers[i], t, err);
done:
    qns_free(used);
    return st;
}

static qns_status make_sets(sets *s, const qns_trials *t, const qns_sens_opts *o, qns_err *err)
{
    const uint32_t n = qns_trials_n(t);
    QNS_TRY(choose(s, t, o, err));
    s->n = 1 + 2 * s->n_chosen;
    QNS_TRY(qns_new((void **)&s->memory, (size_t)s->n * n, sizeof *s->memory, err));
    QNS_TRY(qns_new((void **)&s->in_float, s->n, sizeof *s->in_float, err));
    QNS_TRY(qns_new((void **)&s->score, s->n, sizeof *s->score, err));
    for (uint32_t k = 0; k < s->n; k++) {
        bool *f = s->memory + (size_t)k * n;
        const bool in = k > 0 && k <= s->n_chosen;
        s->in_float[k] = f;
        for (uint32_t i = 0; i < n; i++)
            f[i] = in;
        if (k > 0)
            f[s->chosen[(k - 1) % s->n_chosen]] = !in;
    }
    return QNS_OK;
}

/* ---- the result ---- */

static qns_effect no_effect(void)
{
    return (qns_effect){NAN, NAN, NAN, NAN, NAN, 0};
}

static void set_top1(qns_effect *e, int64_t hits, int64_t n)
{
    if (hits < 0)
        return;
    e->top1 = (double)hits / (double)n;
    qns_wilson(&e->top1_lo, &e->top1_hi, hits, n);
}

static qns_effect effect_of(const qns_trial_score *s)
{
    qns_effect e = no_effect();
    e.output_sqnr_db = s->output_sqnr_db;
    e.nonfinite = s->nonfinite;
    if (s->agree >= 0)
        e.top1_agreement = (double)s->agree / (double)s->n;
    set_top1(&e, s->hit, s->n);
    return e;
}

static const char *keep(qns_sensitivity *s, const char *text)
{
    return qns_arena_strdup(s->arena, text ? text : "");
}

/* inf - inf: both are exact. */
static double difference(double a, double b)
{
    return a == b ? 0 : a - b;
}

static qns_status keep_names(const char *const **out, qns_sensitivity *s, const char *const *name,
                             size_t n, qns_err *err)
{
    const char **names;
    QNS_TRY(qns_arena_new((void **)&names, s->arena, n, sizeof *names, err));
    for (size_t i = 0; i < n; i++)
        if (!(names[i] = keep(s, name[i])))
            QNS_FAIL(err, NOMEM, "cannot keep a name");
    *out = names;
    return QNS_OK;
}

static qns_status fill_unit(qns_sensitivity *s, qns_sens_unit *x, const qns_graph *g,
                            const qns_trial_unit *u, const qns_trial_score *in,
                            const qns_trial_score *out, qns_err *err)
{
    const char *const *names, *const *origin;
    const qns_node *n = qns_graph_node(g, (qns_nid){u->index});
    QNS_TRY(keep_names(&names, s, u->names, u->n_names, err));
    QNS_TRY(keep_names(&origin, s, n->origin, n->n_origin, err));
    *x = (qns_sens_unit){.name = names[0],
                         .names = names,
                         .n_names = (uint32_t)u->n_names,
                         .origin = origin,
                         .n_origin = n->n_origin,
                         .op = keep(s, u->op),
                         .index = u->index,
                         .macs = u->macs,
                         .alone = u->company,
                         .in = effect_of(in),
                         .out = effect_of(out)};
    x->gain_db = difference(x->out.output_sqnr_db, s->int8.output_sqnr_db);
    x->gain_agreement = x->out.top1_agreement - s->int8.top1_agreement;
    x->gain_top1 = x->out.top1 - s->int8.top1;
    return QNS_OK;
}

static qns_status fill_facts(qns_sensitivity *s, const qns_trials *t, const qns_sens_opts *o,
                             qns_err *err)
{
    qns_trials_id id;
    const qns_trials_spec *spec = qns_trials_spec_of(t);
    QNS_TRY(qns_trials_identify(&id, t, err));
    s->qns = QNS_VERSION;
    s->model = keep(s, o->model);
    s->backend = qns_qconfig_backend(spec->set)->name;
    s->engine = spec->exec.engine == QNS_ENGINE_REFERENCE ? "reference" : "onednn";
    s->preset = keep(s, qns_qconfig_preset_name(spec->set));
    s->graph_id = keep(s, id.graph);
    s->weights_id = keep(s, id.weights);
    s->qconfig_id = keep(s, id.qconfig);
    s->calib = keep(s, o->calib);
    s->eval = keep(s, o->eval);
    s->calib_id = keep(s, id.calib);
    s->eval_id = keep(s, id.eval);
    s->calib_samples = spec->calib.n;
    s->samples = spec->eval.n;
    s->classifier = qns_trials_classifier(t);
    s->labels = s->classifier && spec->labels;
    if (!s->model || !s->preset || !s->graph_id || !s->weights_id || !s->qconfig_id || !s->calib ||
        !s->eval || !s->calib_id || !s->eval_id)
        QNS_FAIL(err, NOMEM, "cannot keep the result");
    return QNS_OK;
}

static void spend(qns_sensitivity *s, int what, const qns_trial_score *x)
{
    s->spent.seconds[what] += x->seconds;
    s->spent.worked[what] += x->worked;
    s->spent.cached = x->cached > s->spent.cached ? x->cached : s->spent.cached;
}

static void fill_cost(qns_sensitivity *s, const sets *x, const qns_trials *t)
{
    const qns_trials_float_cost f = qns_trials_float(t);
    double in = qns_trials_macs(t), out = x->score[0].macs;
    s->cost.macs = qns_trials_macs(t);
    s->spent.samples = f.samples;
    s->spent.seconds[0] = f.seconds;
    s->spent.worked[0] = f.worked;
    spend(s, 1, &x->score[0]);
    for (uint32_t k = 0; k < x->n_chosen; k++) {
        const qns_trial_score *a = &x->score[1 + k], *b = &x->score[1 + x->n_chosen + k];
        in += a->macs;
        out += b->macs;
        spend(s, 2, a);
        spend(s, 3, b);
    }
    s->cost.in_runs = s->cost.macs > 0 ? in / s->cost.macs : NAN;
    s->cost.out_runs = s->cost.macs > 0 ? out / s->cost.macs : NAN;
}

static qns_status fill(qns_sensitivity *s, const sets *x, const qns_trials *t,
                       const qns_sens_opts *o, qns_err *err)
{
    QNS_TRY(fill_facts(s, t, o, err));
    s->n_units = x->n_chosen;
    s->n_all = qns_trials_n(t);
    s->ref = no_effect();
    s->ref.nonfinite = x->score[0].nonfinite_ref;
    set_top1(&s->ref, x->score[0].ref_hit, s->samples);
    s->int8 = effect_of(&x->score[0]);
    QNS_TRY(qns_arena_new((void **)&s->unit, s->arena, s->n_units, sizeof *s->unit, err));
    for (uint32_t i = 0; i < s->n_units; i++)
        QNS_TRY(fill_unit(s, &s->unit[i], qns_trials_spec_of(t)->fused,
                          qns_trials_unit(t, x->chosen[i]), &x->score[1 + i],
                          &x->score[1 + x->n_chosen + i], err));
    fill_cost(s, x, t);
    return qns_sensitivity_judge(s, o->order, err);
}

qns_status qns_sensitivity_run(qns_sensitivity **out, qns_trials *t, const qns_sens_opts *o,
                               qns_err *err)
{
    qns_status st = QNS_OK;
    qns_sensitivity *s = NULL;
    sets x = {0};
    const qns_scan_opts so = {
        .n = qns_trials_spec_of(t)->eval.n, .progress = o->progress, .ctx = o->ctx};
    QNS_TRY_DONE(make_sets(&x, t, o, err));
    QNS_TRY_DONE(qns_trials_scan(x.score, t, x.in_float, x.n, &so, err));
    QNS_TRY_DONE(qns_new((void **)&s, 1, sizeof *s, err));
    QNS_TRY_DONE(qns_arena_create(&s->arena, err));
    QNS_TRY_DONE(fill(s, &x, t, o, err));
    *out = s;
    s = NULL;
done:
    qns_sensitivity_free(s);
    free_sets(&x);
    return st;
}

void qns_sensitivity_free(qns_sensitivity *s)
{
    if (!s)
        return;
    qns_arena_free(s->arena);
    qns_free(s);
}
