/* SPDX-License-Identifier: MIT */
/* Decisions as rows for people, and the words in them. */
#include "core/graph/op.h"
#include "core/quant/decisions.h"

#include <stdio.h>
#include <string.h>

const char *qns_choice_text(qns_choice c)
{
    static const char *const text[] = {"float",  "int8", "shared",  "fixed",
                                       "weight", "bias", "dynamic", "float16"};
    return text[c];
}

const char *qns_why_text(qns_why w)
{
    static const char *const text[QNS_WHY_COUNT] = {
        [QNS_WHY_RULE] = "quantized by rule",
        [QNS_WHY_SKIPPED] = "kept float by rule",
        [QNS_WHY_OP_FLOAT] = "the operator has no integer form",
        [QNS_WHY_NO_IMPL] = "no integer implementation accepts it",
        [QNS_WHY_DTYPE] = "it does not work on float32 numbers with a constant bias",
        [QNS_WHY_ALONE] = "only passes numbers on, between float neighbours",
        [QNS_WHY_PASSES_ON] = "passes codes on, next to an integer node",
        [QNS_WHY_READER] = "an integer node reads it",
        [QNS_WHY_MAKER] = "an integer node makes it",
        [QNS_WHY_FIXED_RANGE] = "the operator's range is known",
        [QNS_WHY_DYNAMIC] = "dynamic by rule: int8 weights, scales of activations in every run",
        [QNS_WHY_HALF] = "dynamic by rule: float16 weights, float32 activations",
        [QNS_WHY_F16] = "rounded to float16 by rule",
        [QNS_WHY_NO_DYNAMIC] = "stays float, not dynamic",
        [QNS_WHY_WEIGHT_ONLY] = "activations stay float by rule",
        [QNS_WHY_PLACEHOLDER] = "a placeholder for float32 stands in its rule",
        [QNS_WHY_RECORDED] = "observer 'recording' only records: it stays float",
        [QNS_WHY_OUTSIDE] = "outside of the quantize and dequantize borders",
        [QNS_WHY_REUSED] = "has the qparams of its node's first input, by rule (reuse_input)",
    };
    return text[w];
}

typedef qns_status row_fn(void *ctx, const qns_explain_row *r, qns_err *err);

static qns_status tell(const qns_decisions *d, const qns_value *v, const qns_node *n, row_fn *row,
                       void *ctx, qns_err *err)
{
    const qns_decision *x = &d->value[v->id.i];
    char why[512];
    const bool unread = x->choice == QNS_KEEP_FLOAT && x->why == QNS_WHY_READER;
    snprintf(why, sizeof why, "%s%s%s", unread ? "no integer node reads it" : qns_why_text(x->why),
             x->detail ? ": " : "", x->detail ? x->detail : "");
    /* A float node whose output is quantized for others: why it is float is the first question. */
    const qns_decision *maker = n ? &d->node[n->id.i] : NULL;
    const qns_qrule *rule = x->rule;
    if (maker && maker->choice == QNS_KEEP_FLOAT && x->choice == QNS_QUANTIZE) {
        snprintf(why, sizeof why, "%s%s%s; an integer node reads it", qns_why_text(maker->why),
                 maker->detail ? ": " : "", maker->detail ? maker->detail : "");
        rule = maker->rule;
    }
    if (maker && maker->choice == QNS_QUANTIZE && maker->warning) {
        const size_t len = strlen(why);
        snprintf(why + len, sizeof why - len, "; %s", maker->warning);
    }
    /* What a dynamic node makes is float, but not as if nothing had happened. */
    const bool float_by_maker = maker && x->choice == QNS_KEEP_FLOAT &&
                                (maker->choice == QNS_DYNAMIC || maker->choice == QNS_F16_ROUND);
    const qns_qborder *border = d->borders.at[v->id.i];
    if (border) {
        const size_t len = strlen(why);
        snprintf(why + len, sizeof why - len, "; %s border",
                 border->quantize ? "quantize" : "dequantize");
        if (border->line)
            snprintf(why + strlen(why), sizeof why - strlen(why), " of line %u", border->line);
    }
    qns_explain_row r = {.value = v->name,
                         .node = n ? n->name : NULL,
                         .op = n ? n->op->name : "input",
                         .choice = float_by_maker ? maker->choice : x->choice,
                         .why = why,
                         .line = rule ? rule->line : 0,
                         .range = qns_decisions_range(d, v->id)};
    if (x->observer != QNS_NONE)
        r.observer = d->observing.at[x->observer].spec->observer->name;
    const qns_qparams *qp = x->qp;
    if (x->choice == QNS_WEIGHT) {
        qp = d->weight[n->id.i].qp;
        r.observer = (x->rule ? &x->rule->cfg : qns_qconfig_default(d->set))->weight.observer->name;
    }
    if (qp) {
        r.scale = qp->scale[0];
        r.zero = qp->zero[0];
        r.channels = qp->n;
    }
    return row(ctx, &r, err);
}

/* The packed weights of a dynamic or float16 node. */
static qns_status tell_packed(const qns_decisions *d, const qns_node *n, row_fn *row, void *ctx,
                              qns_err *err)
{
    const qns_dynamic *packed = d->dynamic[n->id.i];
    const qns_decision *x = &d->node[n->id.i];
    for (uint32_t i = 0; packed && i < QNS_DYNAMIC_SLOTS; i++) {
        const qns_tensor *t = &packed->weight[i];
        if (t->dtype == QNS_DTYPE_COUNT)
            continue;
        qns_explain_row r = {.value = qns_graph_value(d->g, n->in[i])->name,
                             .node = n->name,
                             .op = n->op->name,
                             .choice = t->dtype == QNS_F16 ? QNS_F16_ROUND : QNS_WEIGHT,
                             .why = qns_why_text(x->why),
                             .line = x->rule ? x->rule->line : 0,
                             .range = {INFINITY, -INFINITY}};
        if (t->qp) {
            r.scale = t->qp->scale[0];
            r.zero = t->qp->zero[0];
            r.channels = t->qp->n;
        }
        QNS_TRY(row(ctx, &r, err));
    }
    return QNS_OK;
}

qns_status qns_decisions_explain(const qns_decisions *d, row_fn *row, void *ctx, qns_err *err)
{
    const qns_graph *g = d->g;
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++) {
        const qns_value *v = qns_graph_value(g, qns_graph_input(g, i));
        if (v->dtype == QNS_F32)
            QNS_TRY(tell(d, v, NULL, row, ctx, err));
    }
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        const int8_t slot = n->op->quant.weight;
        if (slot >= 0 && d->weight[i].codes)
            QNS_TRY(tell(d, qns_graph_value(g, n->in[slot]), n, row, ctx, err));
        QNS_TRY(tell_packed(d, n, row, ctx, err));
        for (uint32_t k = 0; k < n->n_out; k++)
            if (qns_graph_value(g, n->out[k])->dtype == QNS_F32)
                QNS_TRY(tell(d, qns_graph_value(g, n->out[k]), n, row, ctx, err));
    }
    return QNS_OK;
}
