/* SPDX-License-Identifier: MIT */
#include "core/quant/candidate.h"

#include <string.h>

void qns_candidate_init(qns_candidate *c, const qns_graph *g, const qns_node *n)
{
    c->node = *n;
    c->on_refuse = NULL;
    c->warning = NULL;
    for (uint32_t i = 0; i < n->n_in; i++)
        c->in[i] = qns_has(n->in[i]) ? qns_graph_tensor(g, n->in[i])
                                     : (qns_tensor){.dtype = QNS_DTYPE_COUNT};
    for (uint32_t i = 0; i < n->n_out; i++)
        c->out[i] = qns_graph_tensor(g, n->out[i]);
    qk_table_init(&c->k, 0); /* whether a node is accepted never depends on the machine */
}

/* The reason that helps: of the first implementation that the backend does not rule out. */
typedef struct reasons {
    const qns_candidate *c;
    const char *best;
} reasons;

static void collect(void *ctx, const qns_impl *i, const char *why)
{
    static const char other[] = "the backend ";
    reasons *r = ctx;
    if (!r->best && strncmp(why, other, sizeof other - 1) != 0)
        r->best = why;
    if (r->c->on_refuse)
        r->c->on_refuse(r->c->refuse_ctx, i, why);
}

const qns_impl *qns_candidate_ask(const char **why, qns_candidate *c, const qns_backend *be)
{
    qns_tensor in[QNS_MAX_IN], out[QNS_MAX_OUT];
    for (uint32_t i = 0; i < c->node.n_out; i++)
        out[i] = c->out[i];
    /* A plan hands over activations in the node's layout, whatever it has to do for that. */
    for (uint32_t i = 0; i < c->node.n_in; i++) {
        in[i] = c->in[i];
        if (!in[i].data && in[i].shape.rank >= 3 && in[i].shape.rank <= 5)
            in[i].layout = c->node.layout;
    }
    const qns_call call = {.node = &c->node,
                           .be = be,
                           .k = &c->k,
                           .engine = QNS_ENGINE_REFERENCE,
                           .in = in,
                           .out = out};
    *why = NULL;
    reasons r = {.c = c};
    const qns_impl *impl = qns_impl_select(why, &call, collect, &r);
    if (!impl && r.best)
        *why = r.best;
    c->warning = impl && impl->warn ? impl->warn(&call) : NULL;
    return impl;
}

static bool is_slot(int8_t slot, uint32_t i)
{
    return slot >= 0 && (uint32_t)slot == i;
}

bool qns_is_float_act(const qns_graph *g, const qns_node *n, uint32_t i)
{
    if (!qns_has(n->in[i]) || is_slot(n->op->quant.bias, i))
        return false;
    const qns_value *v = qns_graph_value(g, n->in[i]);
    return !v->constant && v->dtype == QNS_F32;
}

bool qns_is_float_weight(const qns_graph *g, const qns_node *n, uint32_t i)
{
    if (!qns_has(n->in[i]) || !is_slot(n->op->quant.weight, i))
        return false;
    const qns_value *v = qns_graph_value(g, n->in[i]);
    return v->constant && v->dtype == QNS_F32;
}
