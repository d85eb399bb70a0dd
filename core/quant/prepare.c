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

/* Works on float32 numbers, with a constant bias if any? */
static bool is_float_node(const qns_graph *g, const qns_node *n)
{
    bool any = false;
    const int8_t bias = n->op->quant.bias;
    for (uint32_t i = 0; i < n->n_in; i++)
        any |= qns_is_float_act(g, n, i);
    for (uint32_t i = 0; i < n->n_out; i++)
        any &= qns_graph_value(g, n->out[i])->dtype == QNS_F32;
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

/* Qparams as good as any: acceptance depends on types and shapes. The scale of a real activation
 * may still be refused later (qnnpack's add limits the ratio); lower() then leaves the node float.
 */
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

static const qns_impl *ask(const char **why, const qns_decisions *d, const qns_node *n)
{
    const qns_quant_rule *q = &n->op->quant;
    const qns_qparams fixed = {QNS_U8, -1, 1, &q->fixed_scale, &q->fixed_zero};
    qns_candidate c;
    qns_candidate_init(&c, d->g, n);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (qns_is_float_act(d->g, n, i))
            c.in[i] = as_codes(c.in[i], &any_act);
        else if (q->weight >= 0 && (uint32_t)q->weight == i && d->weight[n->id.i].codes) {
            c.in[i] = as_codes(c.in[i], d->weight[n->id.i].qp);
            c.in[i].data = (void *)(uintptr_t)d->weight[n->id.i].codes;
        } else if (q->bias >= 0 && (uint32_t)q->bias == i && qns_has(n->in[i]) &&
                   !d->be->float_bias)
            c.in[i] = as_codes(c.in[i], &any_bias); /* same size: the data may stay */
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        c.out[i] = as_codes(c.out[i], q->out == QNS_OUT_FIXED ? &fixed : &any_act);
    return qns_candidate_ask(why, &c, d->be);
}

static qns_status classify(qns_decisions *d, const qns_node *n, qns_err *err)
{
    qns_decision *x = &d->node[n->id.i];
    x->rule = qns_qconfig_match(d->set, d->g, n);
    x->choice = QNS_KEEP_FLOAT;
    if (!config_of(d, n)->quantize) {
        x->why = QNS_WHY_SKIPPED;
        return QNS_OK;
    }
    if (n->op->quant.out == QNS_OUT_FLOAT) {
        x->why = QNS_WHY_OP_FLOAT;
        return QNS_OK;
    }
    if (!is_float_node(d->g, n)) {
        x->why = QNS_WHY_DTYPE;
        return QNS_OK;
    }
    QNS_TRY(quantize_weight(d, n, err));
    if (!ask(&x->detail, d, n)) {
        x->why = QNS_WHY_NO_IMPL;
        return QNS_OK;
    }
    x->detail = NULL;
    x->why = n->op->quant.out == QNS_OUT_AS_INPUT ? QNS_WHY_ALONE : QNS_WHY_RULE;
    x->choice = x->why == QNS_WHY_RULE ? QNS_QUANTIZE : QNS_KEEP_FLOAT;
    return QNS_OK;
}

static bool join(qns_decisions *d, const qns_node *a, const qns_node *b)
{
    qns_decision *x = &d->node[a->id.i], *y = &d->node[b->id.i];
    if (x->choice == QNS_QUANTIZE && y->why == QNS_WHY_ALONE)
        *y = (qns_decision){QNS_QUANTIZE, QNS_WHY_PASSES_ON, y->rule, NULL, QNS_NONE, NULL};
    else if (y->choice == QNS_QUANTIZE && x->why == QNS_WHY_ALONE)
        *x = (qns_decision){QNS_QUANTIZE, QNS_WHY_PASSES_ON, x->rule, NULL, QNS_NONE, NULL};
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

static qns_status new_observer(uint32_t *out, qns_decisions *d, const qns_node *n, qns_err *err)
{
    const qns_obs_spec *spec = &config_of(d, n)->act;
    const qns_obs_args args = {
        1,          spec->bins, spec->momentum, qns_qconfig_hist_version(d->set), spec->percentile,
        spec->range};
    const qns_observing o = {.spec = spec, .range = {INFINITY, -INFINITY}};
    QNS_VEC_PUSH(&d->observing, o, err);
    *out = (uint32_t)(d->observing.n - 1);
    return spec->observer->create(&d->observing.at[*out].state, &args, err);
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
        QNS_TRY(new_observer(&x->observer, d, n, err));
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
    for (uint32_t i = 0; i < n->n_out; i++) {
        qns_decision *x = &d->value[n->out[i].i];
        x->choice = first->choice == QNS_FIXED ? QNS_FIXED : QNS_SHARE;
        x->why = QNS_WHY_PASSES_ON;
        x->rule = d->node[n->id.i].rule;
        x->observer = first->observer;
    }
}

static qns_status observe_outputs(qns_decisions *d, const qns_node *n, qns_err *err)
{
    const qns_quant_rule *q = &n->op->quant;
    if (q->out == QNS_OUT_AS_INPUT) {
        share(d, n);
        return QNS_OK;
    }
    for (uint32_t i = 0; i < n->n_out; i++) {
        qns_decision *x = &d->value[n->out[i].i];
        x->rule = d->node[n->id.i].rule;
        if (q->out == QNS_OUT_FIXED) {
            x->choice = QNS_FIXED;
            x->why = QNS_WHY_FIXED_RANGE;
            QNS_TRY(qns_qparams_new(&x->qp, d->arena, QNS_U8, -1, 1, &q->fixed_scale,
                                    &q->fixed_zero, err));
        } else {
            x->choice = QNS_QUANTIZE;
            x->why = QNS_WHY_MAKER;
            QNS_TRY(new_observer(&x->observer, d, n, err));
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
        d->weight[i] = (qns_weight){NULL, NULL};
        for (uint32_t k = 0; k < n->n_out; k++) {
            d->value[n->out[k].i].why = d->node[i].why;
            d->value[n->out[k].i].rule = d->node[i].rule;
            d->value[n->out[k].i].detail = d->node[i].detail;
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
    for (uint32_t i = 0; i < n_values; i++)
        d->value[i] = (qns_decision){.observer = QNS_NONE, .why = QNS_WHY_READER};
    for (uint32_t i = 0; i < n_nodes; i++) {
        d->node[i].observer = QNS_NONE;
        QNS_TRY_DONE(classify(d, qns_graph_node(fused, (qns_nid){i}), err));
    }
    spread(d);
    QNS_TRY_DONE(assign(d, err));
    *out = d;
    d = NULL;
done:
    qns_decisions_free(d);
    return st;
}
