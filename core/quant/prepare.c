/* SPDX-License-Identifier: MIT */
#include "core/quant/prepare.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/quant/candidate.h"
#include "core/quant/decisions.h"

#include <assert.h>

static const qns_qconfig *config_of(const qns_decisions *d, const qns_node *n)
{
    const qns_qrule *r = d->node[n->id.i].rule;
    return r ? &r->cfg : qns_qconfig_default(d->set);
}

/* ---- which nodes ---- */

static bool is_float(const qns_graph *g, qns_vid v)
{
    return qns_graph_value(g, v)->dtype == QNS_F32;
}

/* Works on float32 numbers, with a constant bias if any? Further outputs may be something else:
 * places of elements, which are the same for codes. */
static bool is_float_node(const qns_graph *g, const qns_node *n)
{
    bool any = false;
    const int8_t bias = n->op->quant.bias;
    for (uint32_t i = 0; i < n->n_in; i++)
        any |= qns_is_float_act(g, n, i);
    any &= is_float(g, n->out[0]);
    if (bias >= 0 && (uint32_t)bias < n->n_in && qns_has(n->in[bias]))
        any &= qns_graph_value(g, n->in[bias])->constant != NULL;
    return any;
}

static qns_status quantize_weight(qns_decisions *d, const qns_node *n, qns_err *err)
{
    const int8_t slot = n->op->quant.weight;
    if (slot < 0 || (uint32_t)slot >= n->n_in || !qns_is_float_weight(d->g, n, (uint32_t)slot))
        return QNS_OK;
    const qns_value *w = qns_graph_value(d->g, n->in[slot]);
    const qns_status st =
        qns_weight_quantize(&d->weight[n->id.i], d->arena, &config_of(d, n)->weight,
                            qns_qconfig_hist_version(d->set), w, n->op->quant.weight_axis, err);
    if (st != QNS_OK)
        qns_err_note(err, "weight '%s' of node '%s'", w->name, n->name);
    return st;
}

/* Qparams as good as any: acceptance depends on types and shapes first. When the real ones are
 * known it is asked again (qnnpack's add limits the ratio of scales). */
static const double any_scale = 0.0625, any_bias_scale = 0.001;
static const int32_t any_zero = 64, no_zero = 0;
static const qns_qparams any_act = {QNS_U8, -1, 1, &any_scale, &any_zero};
static const qns_qparams any_bias = {QNS_I32, -1, 1, &any_bias_scale, &no_zero};

static qns_tensor as_codes(qns_tensor t, const qns_qparams *qp)
{
    t.dtype = qp->dtype;
    t.qp = qp;
    return t;
}

/* Passes codes on, as they are or with another scale. */
static bool passes(const qns_node *n)
{
    return n->op->quant.out == QNS_OUT_AS_INPUT || n->op->quant.out == QNS_OUT_DERIVED;
}

static const qns_qparams *qparams_of(const qns_decisions *d, qns_vid v)
{
    return d->value[v.i].qp ? d->value[v.i].qp : &any_act;
}

bool qns_decisions_ask(const char **why, const char **warning, const qns_decisions *d,
                       const qns_node *n)
{
    const qns_quant_rule *q = &n->op->quant;
    double scale = q->fixed_scale;
    int32_t zero = q->fixed_zero;
    const qns_qparams own = {QNS_U8, -1, 1, &scale, &zero};
    qns_candidate c;
    qns_candidate_init(&c, d->g, n);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (qns_is_float_act(d->g, n, i))
            c.in[i] = as_codes(c.in[i], qparams_of(d, n->in[i]));
        else if (q->weight >= 0 && (uint32_t)q->weight == i && d->weight[n->id.i].codes) {
            c.in[i] = as_codes(c.in[i], d->weight[n->id.i].qp);
            c.in[i].data = (void *)(uintptr_t)d->weight[n->id.i].codes;
        } else if (q->bias >= 0 && (uint32_t)q->bias == i && qns_has(n->in[i]) &&
                   !d->be->float_bias)
            c.in[i] = as_codes(c.in[i], &any_bias); /* same size: the data may stay */
    }
    if (q->out == QNS_OUT_DERIVED && n->op->derive(&scale, &zero, n, c.in, NULL) != QNS_OK) {
        *why = "no scale holds its result";
        *warning = NULL;
        return false;
    }
    const bool has_own = q->out == QNS_OUT_FIXED || q->out == QNS_OUT_DERIVED;
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_qparams *settled = d->value[n->out[i].i].qp;
        if (is_float(d->g, n->out[i]))
            c.out[i] = as_codes(c.out[i], settled ? settled : has_own ? &own : &any_act);
    }
    const bool accepted = qns_candidate_ask(why, &c, d->be) != NULL;
    *warning = c.warning;
    return accepted;
}

static qns_status classify_dynamic(qns_decisions *d, const qns_node *n, bool half, qns_err *err)
{
    qns_decision *x = &d->node[n->id.i];
    QNS_TRY(qns_dynamic_pack(&d->dynamic[n->id.i], &x->detail, d->arena, d->g, n, d->be,
                             &config_of(d, n)->weight, qns_qconfig_hist_version(d->set), half,
                             err));
    x->why = x->detail ? QNS_WHY_NO_DYNAMIC : half ? QNS_WHY_HALF : QNS_WHY_DYNAMIC;
    x->choice = x->detail ? QNS_KEEP_FLOAT : QNS_DYNAMIC;
    return QNS_OK;
}

static qns_status classify_f16(qns_decisions *d, const qns_node *n, qns_err *err)
{
    qns_decision *x = &d->node[n->id.i];
    const bool computes =
        n->op->quant.out != QNS_OUT_FLOAT || n->op->quant.dynamic != QNS_DYNAMIC_NONE;
    x->why = !computes ? QNS_WHY_OP_FLOAT : is_float_node(d->g, n) ? QNS_WHY_F16 : QNS_WHY_DTYPE;
    if (x->why != QNS_WHY_F16)
        return QNS_OK;
    x->choice = QNS_F16_ROUND;
    return qns_dynamic_pack_half(&d->dynamic[n->id.i], d->arena, d->g, n, err);
}

/* The schemes in which no observer finds a range. *done is false for a static one. */
static qns_status classify_scheme(bool *done, qns_decisions *d, const qns_node *n, qns_err *err)
{
    qns_scheme scheme;
    const qns_status st = qns_qconfig_scheme(&scheme, config_of(d, n), err);
    if (st != QNS_OK) {
        qns_err_note(err, "node '%s'", n->name);
        return st;
    }
    *done = true;
    switch (scheme) {
    case QNS_SCHEME_DYNAMIC:
    case QNS_SCHEME_DYNAMIC_F16:
        return classify_dynamic(d, n, scheme == QNS_SCHEME_DYNAMIC_F16, err);
    case QNS_SCHEME_F16:
        return classify_f16(d, n, err);
    case QNS_SCHEME_WEIGHT_ONLY:
        d->node[n->id.i].why = QNS_WHY_WEIGHT_ONLY;
        return quantize_weight(d, n, err);
    case QNS_SCHEME_RECORD:
        d->node[n->id.i].why = QNS_WHY_RECORDED;
        return QNS_OK;
    case QNS_SCHEME_FLOAT:
        d->node[n->id.i].why = QNS_WHY_PLACEHOLDER;
        return QNS_OK;
    default:
        *done = false;
        return QNS_OK;
    }
}

static qns_status classify(qns_decisions *d, const qns_node *n, qns_err *err)
{
    qns_decision *x = &d->node[n->id.i];
    bool done;
    x->rule = qns_qconfig_match(d->set, d->g, n);
    x->choice = QNS_KEEP_FLOAT;
    if (!config_of(d, n)->quantize) {
        x->why = QNS_WHY_SKIPPED;
        return QNS_OK;
    }
    if (d->borders.outside[n->id.i]) {
        x->why = QNS_WHY_OUTSIDE;
        return QNS_OK;
    }
    QNS_TRY(classify_scheme(&done, d, n, err));
    if (done)
        return QNS_OK;
    if (n->op->quant.out == QNS_OUT_FLOAT) {
        x->why = QNS_WHY_OP_FLOAT;
        return QNS_OK;
    }
    if (!is_float_node(d->g, n)) {
        x->why = QNS_WHY_DTYPE;
        return QNS_OK;
    }
    if (config_of(d, n)->weight.observer->passes && n->op->quant.weight >= 0) {
        x->why = QNS_WHY_PLACEHOLDER;
        return QNS_OK;
    }
    QNS_TRY(quantize_weight(d, n, err));
    const char *later;
    if (!qns_decisions_ask(&x->detail, &later, d, n)) {
        x->why = QNS_WHY_NO_IMPL;
        return QNS_OK;
    }
    x->detail = NULL;
    x->why = passes(n) ? QNS_WHY_ALONE : QNS_WHY_RULE;
    x->choice = x->why == QNS_WHY_RULE ? QNS_QUANTIZE : QNS_KEEP_FLOAT;
    return QNS_OK;
}

static qns_decision passed_on(const qns_decision *x)
{
    return (qns_decision){.choice = QNS_QUANTIZE,
                          .why = QNS_WHY_PASSES_ON,
                          .rule = x->rule,
                          .observer = QNS_NONE,
                          .recorder = QNS_NONE};
}

static bool join(qns_decisions *d, const qns_node *a, const qns_node *b)
{
    qns_decision *x = &d->node[a->id.i], *y = &d->node[b->id.i];
    if (x->choice == QNS_QUANTIZE && y->why == QNS_WHY_ALONE)
        *y = passed_on(y);
    else if (y->choice == QNS_QUANTIZE && x->why == QNS_WHY_ALONE)
        *x = passed_on(x);
    else
        return false;
    return true;
}

/* Nodes that pass codes on follow an integer neighbour on either side. Forwards and backwards until
 * nothing changes: two rounds, unless a chain turns. */
static void spread(qns_decisions *d)
{
    const uint32_t n = qns_graph_n_nodes(d->g);
    for (bool changed = true; changed;) {
        changed = false;
        for (uint32_t k = 0; k < 2 * n; k++) {
            const qns_node *node = qns_graph_node(d->g, (qns_nid){k < n ? k : 2 * n - 1 - k});
            for (uint32_t i = 0; i < node->n_in; i++) {
                if (!qns_is_float_act(d->g, node, i))
                    continue;
                const qns_value *v = qns_graph_value(d->g, node->in[i]);
                if (v->producer.i != QNS_NONE)
                    changed |= join(d, qns_graph_node(d->g, v->producer), node);
            }
        }
    }
}

/* ---- who observes ---- */

static qns_status new_observer(uint32_t *out, qns_decisions *d, const qns_obs_spec *spec,
                               qns_err *err)
{
    const qns_obs_args args = qns_obs_args_of(spec, 1, qns_qconfig_hist_version(d->set));
    const qns_observing o = {.spec = spec, .range = {INFINITY, -INFINITY}};
    QNS_VEC_PUSH(&d->observing, o, err);
    *out = (uint32_t)(d->observing.n - 1);
    return spec->observer->create(&d->observing.at[*out].state, &args, err);
}

static bool reuses(const qns_decisions *d, const qns_node *n)
{
    return config_of(d, n)->act.observer == &qns_obs_reuse_input;
}

/* How a value that an integer node reads is observed. A node that reuses its input's qparams says
 * nothing about the input: the default does. */
static qns_status spec_of_reader(const qns_obs_spec **out, const qns_decisions *d,
                                 const qns_node *n, qns_vid v, qns_err *err)
{
    *out = reuses(d, n) ? &qns_qconfig_default(d->set)->act : &config_of(d, n)->act;
    if (!(*out)->observer->passes)
        return QNS_OK;
    QNS_FAIL(err, CONFIG,
             "node '%s' reuses the qparams of its input '%s', but nobody finds any: neither its "
             "maker nor the default has an observer with a range",
             n->name, qns_graph_value(d->g, v)->name);
}

static qns_status observe_inputs(qns_decisions *d, const qns_node *n, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_is_float_act(d->g, n, i))
            continue;
        qns_decision *x = &d->value[n->in[i].i];
        if (x->choice != QNS_KEEP_FLOAT)
            continue;
        x->choice = QNS_QUANTIZE;
        x->why = QNS_WHY_READER;
        x->rule = d->node[n->id.i].rule;
        const qns_obs_spec *spec;
        QNS_TRY(spec_of_reader(&spec, d, n, n->in[i], err));
        QNS_TRY(new_observer(&x->observer, d, spec, err));
    }
    return QNS_OK;
}

uint32_t qns_decisions_lead_input(const qns_decisions *d, const qns_node *n)
{
    uint32_t lead = QNS_NONE;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_is_float_act(d->g, n, i))
            continue;
        if (d->value[n->in[i].i].choice != QNS_FIXED)
            return i;
        if (lead == QNS_NONE)
            lead = i;
    }
    assert(lead != QNS_NONE);
    return lead;
}

static void follow(const qns_decisions *d, const qns_node *n, qns_decision *x,
                   const qns_decision *first, qns_why why)
{
    x->choice = first->choice == QNS_FIXED ? QNS_FIXED : QNS_SHARE;
    x->why = why;
    x->rule = d->node[n->id.i].rule;
    x->observer = first->observer;
}

/* All inputs and outputs of a node that passes codes on get the observer of the leading input. */
static void share(qns_decisions *d, const qns_node *n)
{
    const qns_vid lead = n->in[qns_decisions_lead_input(d, n)];
    const qns_decision *first = &d->value[lead.i];
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_is_float_act(d->g, n, i) || n->in[i].i == lead.i)
            continue;
        qns_decision *x = &d->value[n->in[i].i];
        if (x->choice != QNS_FIXED) {
            x->choice = QNS_SHARE;
            x->observer = first->observer;
        }
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        if (is_float(d->g, n->out[i]))
            follow(d, n, &d->value[n->out[i].i], first, QNS_WHY_PASSES_ON);
}

/* Reuse-input: only the outputs follow; the inputs keep what they have. */
static qns_status reuse(qns_decisions *d, const qns_node *n, qns_err *err)
{
    if (n->op->quant.out == QNS_OUT_FIXED)
        QNS_FAIL(err, CONFIG,
                 "node '%s' (%s) has a known range of its own; it cannot reuse its input's qparams",
                 n->name, n->op->name);
    const qns_vid lead = n->in[qns_decisions_lead_input(d, n)];
    for (uint32_t i = 0; i < n->n_out; i++)
        if (is_float(d->g, n->out[i]))
            follow(d, n, &d->value[n->out[i].i], &d->value[lead.i], QNS_WHY_REUSED);
    return QNS_OK;
}

static qns_status observe_outputs(qns_decisions *d, const qns_node *n, qns_err *err)
{
    const qns_quant_rule *q = &n->op->quant;
    if (passes(n)) {
        share(d, n);
        return QNS_OK;
    }
    if (reuses(d, n))
        return reuse(d, n, err);
    for (uint32_t i = 0; i < n->n_out; i++) {
        qns_decision *x = &d->value[n->out[i].i];
        if (!is_float(d->g, n->out[i]))
            continue;
        x->rule = d->node[n->id.i].rule;
        if (q->out == QNS_OUT_FIXED) {
            x->choice = QNS_FIXED;
            x->why = QNS_WHY_FIXED_RANGE;
            QNS_TRY(qns_qparams_new(&x->qp, d->arena, QNS_U8, -1, 1, &q->fixed_scale,
                                    &q->fixed_zero, err));
        } else {
            x->choice = QNS_QUANTIZE;
            x->why = QNS_WHY_MAKER;
            QNS_TRY(new_observer(&x->observer, d, &config_of(d, n)->act, err));
        }
    }
    return QNS_OK;
}

static void mark_constants(qns_decisions *d, const qns_node *n)
{
    const qns_quant_rule *q = &n->op->quant;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_has(n->in[i]) || !qns_graph_value(d->g, n->in[i])->constant)
            continue;
        qns_decision *x = &d->value[n->in[i].i];
        if (q->weight >= 0 && (uint32_t)q->weight == i && d->weight[n->id.i].codes) {
            x->choice = QNS_WEIGHT;
            x->qp = d->weight[n->id.i].qp;
        } else if (q->bias >= 0 && (uint32_t)q->bias == i)
            x->choice = QNS_BIAS;
        x->why = d->node[n->id.i].why;
        x->rule = d->node[n->id.i].rule;
    }
}

static qns_status assign(qns_decisions *d, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(d->g); i++) {
        const qns_node *n = qns_graph_node(d->g, (qns_nid){i});
        if (d->node[i].choice == QNS_QUANTIZE) {
            d->n_int8++;
            mark_constants(d, n);
            QNS_TRY(observe_inputs(d, n, err));
            QNS_TRY(observe_outputs(d, n, err));
            continue;
        }
        if (d->node[i].why == QNS_WHY_WEIGHT_ONLY && d->weight[i].codes)
            mark_constants(d, n);
        else
            d->weight[i] = (qns_weight){NULL, NULL};
        for (uint32_t k = 0; k < n->n_out; k++) {
            qns_decision *x = &d->value[n->out[k].i];
            x->why = d->node[i].why;
            x->rule = d->node[i].rule;
            x->detail = d->node[i].detail;
            if (x->why == QNS_WHY_RECORDED)
                QNS_TRY(new_observer(&x->recorder, d, &config_of(d, n)->act, err));
        }
    }
    return QNS_OK;
}

/* A border that was asked for is there, or the reason is told: an integer node reads what is
 * quantized, and makes what is dequantized. */
static qns_status check_borders(const qns_decisions *d, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_values(d->g); i++) {
        const qns_qborder *b = d->borders.at[i];
        const qns_value *v = qns_graph_value(d->g, (qns_vid){i});
        if (!b)
            continue;
        if (b->quantize && d->value[i].choice == QNS_KEEP_FLOAT)
            QNS_FAIL(err, CONFIG, "'%s' has a quantize border, but no integer node reads it",
                     v->name);
        if (!b->quantize && v->producer.i != QNS_NONE && !qns_decisions_int8(d, v->producer)) {
            const qns_decision *maker = &d->node[v->producer.i];
            QNS_FAIL(err, CONFIG, "'%s' has a dequantize border, but is float: %s%s%s", v->name,
                     qns_why_text(maker->why), maker->detail ? ": " : "",
                     maker->detail ? maker->detail : "");
        }
    }
    return QNS_OK;
}

qns_status qns_prepare(qns_decisions **out, const qns_graph *fused, const qns_qconfig_set *set,
                       qns_err *err)
{
    qns_status st = QNS_OK;
    qns_decisions *d = NULL;
    const uint32_t n_nodes = qns_graph_n_nodes(fused), n_values = qns_graph_n_values(fused);
    QNS_TRY(qns_qconfig_check(set, fused, err));
    QNS_TRY(qns_new((void **)&d, 1, sizeof *d, err));
    d->g = fused;
    d->set = set;
    d->be = qns_qconfig_backend(set);
    QNS_TRY_DONE(qns_arena_create(&d->arena, err));
    QNS_TRY_DONE(qns_arena_new((void **)&d->node, d->arena, n_nodes, sizeof *d->node, err));
    QNS_TRY_DONE(qns_arena_new((void **)&d->value, d->arena, n_values, sizeof *d->value, err));
    QNS_TRY_DONE(qns_arena_new((void **)&d->weight, d->arena, n_nodes, sizeof *d->weight, err));
    QNS_TRY_DONE(qns_arena_new((void **)&d->dynamic, d->arena, n_nodes, sizeof *d->dynamic, err));
    QNS_TRY_DONE(qns_borders_find(&d->borders, d->arena, fused, set, err));
    for (uint32_t i = 0; i < n_values; i++)
        d->value[i] =
            (qns_decision){.observer = QNS_NONE, .recorder = QNS_NONE, .why = QNS_WHY_READER};
    for (uint32_t i = 0; i < n_nodes; i++) {
        d->node[i].observer = d->node[i].recorder = QNS_NONE;
        QNS_TRY_DONE(classify(d, qns_graph_node(fused, (qns_nid){i}), err));
    }
    spread(d);
    QNS_TRY_DONE(assign(d, err));
    QNS_TRY_DONE(check_borders(d, err));
    *out = d;
    d = NULL;
done:
    qns_decisions_free(d);
    return st;
}
