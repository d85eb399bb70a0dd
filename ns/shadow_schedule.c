/* SPDX-License-Identifier: MIT */
#include "core/base/map.h"
#include "core/base/mem.h"
#include "ns/shadow_local_impl.h"

#include <stdlib.h>

/* ---- which values are anchored ---- */

static bool same_value(const qns_value *r, const qns_value *t)
{
    if (!qns_shape_equal(&r->shape, &t->shape))
        return false;
    if (t->qp)
        return r->dtype == QNS_F32 && qns_is_code(t->dtype) && t->qp->axis < 0;
    return r->dtype == t->dtype && !r->qp;
}

static qns_status find_anchors(qns_local *l, qns_err *err)
{
    enum { TWICE = UINT32_MAX - 1 };
    qns_status st = QNS_OK;
    qns_map by_origin = {0};
    for (uint32_t i = 0; i < qns_graph_n_values(l->ref); i++) {
        const qns_value *v = qns_graph_value(l->ref, (qns_vid){i});
        const bool seen = qns_map_get(&by_origin, v->origin) != QNS_MAP_NONE;
        if (!v->constant)
            QNS_TRY_DONE(qns_map_put(&by_origin, v->origin, seen ? TWICE : i, err));
    }
    for (uint32_t i = 0; i < qns_graph_n_values(l->test); i++) {
        const qns_value *v = qns_graph_value(l->test, (qns_vid){i});
        const uint32_t r = qns_map_get(&by_origin, v->origin);
        l->at[i].anchor = QNS_NONE;
        if (!v->constant && v->producer.i != QNS_NONE && r != QNS_MAP_NONE && r != TWICE &&
            same_value(qns_graph_value(l->ref, (qns_vid){r}), v))
            l->at[i].anchor = r;
    }
done:
    qns_map_fini(&by_origin);
    return st;
}

/* ---- what is run, and when ---- */

/* Codes that a graph input becomes in one step are the same in both runs. */
static bool is_input_as_codes(const qns_local *l, const qns_value *v)
{
    const qns_node *n = qns_graph_node(l->test, v->producer);
    if (n->op != qns_op_find("quantize"))
        return false;
    for (uint32_t i = 0; i < qns_graph_n_inputs(l->test); i++)
        if (qns_graph_input(l->test, i).i == n->in[0].i)
            return qns_graph_input(l->ref, i).i == l->at[v->id.i].anchor;
    return false;
}

/* Readers of v get here what they get in the run on the quantized graph's own values. */
static bool reads_same(const qns_local *l, qns_vid v)
{
    const qns_value *x = qns_graph_value(l->test, v);
    if (x->constant || x->producer.i == QNS_NONE)
        return true;
    return l->at[v.i].anchor == QNS_NONE ? l->at[v.i].same : is_input_as_codes(l, x);
}

static void find_same(qns_local *l)
{
    for (uint32_t i = 0; i < qns_graph_n_nodes(l->test); i++) {
        const qns_node *n = qns_graph_node(l->test, (qns_nid){i});
        bool same = true;
        for (uint32_t k = 0; k < n->n_in; k++)
            same &= !qns_has(n->in[k]) || reads_same(l, n->in[k]);
        for (uint32_t k = 0; k < n->n_out; k++)
            l->at[n->out[k].i].same = same;
    }
}

/* Backwards from what is measured. A reader of an anchored value needs nothing before it. */
static void find_needed(bool *run, qns_local *l)
{
    for (uint32_t i = qns_graph_n_nodes(l->test); i-- > 0;) {
        const qns_node *n = qns_graph_node(l->test, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_out; k++) {
            const qns_local_place *p = &l->at[n->out[k].i];
            run[i] |= (qns_local_measures(l, n->out[k]) && !p->same) ||
                      (p->read && p->anchor == QNS_NONE);
        }
        for (uint32_t k = 0; k < n->n_in && run[i]; k++)
            if (qns_has(n->in[k]))
                l->at[n->in[k].i].read = true;
    }
}

/* order[v]: the number of value v in the order of the float graph's run. */
static void find_order(uint32_t *order, const qns_graph *g)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        order[qns_graph_input(g, i).i] = n++;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *node = qns_graph_node(g, (qns_nid){i});
        for (uint32_t k = 0; k < node->n_out; k++)
            order[node->out[k].i] = n++;
    }
}

static void wait_for(uint32_t *when, uint32_t other)
{
    *when = other > *when ? other : *when;
}

/* Not before its inputs are there, and as late as what it makes is compared. */
static uint32_t time_of(const qns_local *l, const qns_node *n, const uint32_t *order,
                        const uint32_t *ready)
{
    uint32_t when = 0;
    for (uint32_t k = 0; k < n->n_in; k++)
        if (qns_has(n->in[k]))
            wait_for(&when, ready[n->in[k].i]);
    for (uint32_t k = 0; k < n->n_out; k++)
        if (qns_local_measures(l, n->out[k]))
            wait_for(&when, order[l->o.against[n->out[k].i]]);
    return when;
}

static int by_time(const void *x, const void *y)
{
    const qns_local_todo *a = x, *b = y;
    if (a->when != b->when)
        return a->when < b->when ? -1 : 1;
    if (a->late != b->late)
        return a->late - b->late;
    return (a->node > b->node) - (a->node < b->node);
}

/* order and ready: by value of the float and of the quantized graph. */
static void add_todo(qns_local *l, const qns_node *n, const uint32_t *order, uint32_t *ready)
{
    const uint32_t when = time_of(l, n, order, ready);
    qns_local_todo t = {.when = when, .node = n->id.i};
    for (uint32_t k = 0; k < n->n_in; k++)
        t.late |= qns_has(n->in[k]) && ready[n->in[k].i] == when;
    for (uint32_t k = 0; k < n->n_out; k++) {
        qns_local_place *p = &l->at[n->out[k].i];
        const uint32_t against = l->o.against[n->out[k].i];
        if (p->anchor == QNS_NONE)
            ready[n->out[k].i] = when;
        if (against == QNS_NONE || p->same)
            continue;
        l->looks_back |= order[against] < when;
        p->prompt = !t.late && order[against] == when;
    }
    l->todo[l->n_todo++] = t;
}

static qns_status make_schedule(qns_local *l, const bool *run, qns_err *err)
{
    qns_status st = QNS_OK;
    uint32_t *order = NULL, *ready = NULL;
    const uint32_t n_test = qns_graph_n_values(l->test), n_nodes = qns_graph_n_nodes(l->test);
    const uint32_t n_ref = qns_graph_n_values(l->ref);
    QNS_TRY_DONE(qns_new((void **)&order, n_ref, sizeof *order, err));
    QNS_TRY_DONE(qns_new((void **)&ready, n_test, sizeof *ready, err));
    QNS_TRY_DONE(qns_new((void **)&l->first, n_ref, sizeof *l->first, err));
    QNS_TRY_DONE(qns_new((void **)&l->todo, n_nodes, sizeof *l->todo, err));
    find_order(order, l->ref);
    for (uint32_t i = 0; i < n_ref; i++)
        l->first[i] = QNS_NONE;
    for (uint32_t i = 0; i < n_test; i++) {
        qns_local_place *p = &l->at[i];
        if (p->anchor == QNS_NONE || !p->read)
            continue;
        p->when = ready[i] = order[p->anchor];
        p->next = l->first[p->anchor];
        l->first[p->anchor] = i;
    }
    for (uint32_t i = 0; i < n_nodes; i++)
        if (run[i])
            add_todo(l, qns_graph_node(l->test, (qns_nid){i}), order, ready);
    qsort(l->todo, l->n_todo, sizeof *l->todo, by_time);
done:
    qns_free(order);
    qns_free(ready);
    return st;
}

qns_status qns_local_schedule(qns_local *l, qns_err *err)
{
    bool *needed;
    QNS_TRY(find_anchors(l, err));
    QNS_TRY(qns_new((void **)&needed, qns_graph_n_nodes(l->test), sizeof *needed, err));
    find_same(l);
    find_needed(needed, l);
    const qns_status st = make_schedule(l, needed, err);
    qns_free(needed);
    return st;
}
