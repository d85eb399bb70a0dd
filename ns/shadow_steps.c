/* SPDX-License-Identifier: MIT */
#include "ns/shadow_steps.h"

#include "core/base/mem.h"

/* By value of the quantized graph: the number of nodes that have run when its memory may be used
 * again: its last reader has, or, when nobody reads it, the node behind the one that made it. */
static void find_ends(uint32_t *end, const qns_graph *g)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++)
            if (qns_has(n->in[k]))
                end[n->in[k].i] = i + 1;
        for (uint32_t k = 0; k < n->n_out; k++)
            end[n->out[k].i] = i + 2;
    }
}

/* Nothing runs backwards: what was run for an earlier value stays run. */
static void wait_for_before(uint32_t *until, uint32_t *now, qns_vid v)
{
    *now = until[v.i] > *now ? until[v.i] : *now;
    until[v.i] = *now;
}

static void in_order(uint32_t *until, const qns_graph *ref)
{
    uint32_t now = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(ref); i++)
        wait_for_before(until, &now, qns_graph_input(ref, i));
    for (uint32_t i = 0; i < qns_graph_n_nodes(ref); i++) {
        const qns_node *n = qns_graph_node(ref, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_out; k++)
            wait_for_before(until, &now, n->out[k]);
    }
}

qns_status qns_steps_find(uint32_t *until, bool *stays, const qns_graph *ref, const qns_graph *test,
                          const qns_met *met, size_t n_met, qns_err *err)
{
    uint32_t *end;
    QNS_TRY(qns_new((void **)&end, qns_graph_n_values(test), sizeof *end, err));
    for (uint32_t i = 0; i < qns_graph_n_values(ref); i++)
        until[i] = 0;
    for (size_t i = 0; i < n_met; i++) {
        if (!qns_has(met[i].ref))
            continue;
        const qns_nid maker = qns_graph_value(test, met[i].test)->producer;
        uint32_t *u = &until[met[i].ref.i];
        if (maker.i != QNS_NONE && maker.i + 1 > *u)
            *u = maker.i + 1;
    }
    in_order(until, ref);
    find_ends(end, test);
    *stays = true;
    for (size_t i = 0; i < n_met; i++) {
        const bool made =
            qns_has(met[i].ref) && qns_graph_value(test, met[i].test)->producer.i != QNS_NONE;
        *stays &= !made || until[met[i].ref.i] < end[met[i].test.i];
    }
    qns_free(end);
    return QNS_OK;
}
