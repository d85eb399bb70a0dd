/* SPDX-License-Identifier: MIT */
#include "ns/trial_pool.h"

#include "core/base/map.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/ops/op_quantize.h"

#include <stdio.h>

typedef struct pieces { /* nodes that were copied */
    qns_graph *g;
    qns_plan *plan;
} pieces;

struct qns_pool {
    qns_exec_opts opts;
    qns_arena *arena;
    qns_map by_kind;
    struct {
        qns_pooled *at;
        size_t n, cap;
    } node;
    struct {
        pieces *at;
        size_t n, cap;
    } more;
    size_t copied;
};

qns_status qns_pool_create(qns_pool **out, const qns_exec_opts *o, qns_err *err)
{
    qns_pool *p = NULL;
    QNS_TRY(qns_new((void **)&p, 1, sizeof *p, err));
    p->opts = *o;
    p->opts.nodes_only = true;
    const qns_status st = qns_arena_create(&p->arena, err);
    if (st == QNS_OK)
        *out = p;
    else
        qns_pool_free(p);
    return st;
}

void qns_pool_free(qns_pool *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->more.n; i++) {
        qns_plan_free(p->more.at[i].plan);
        qns_graph_free(p->more.at[i].g);
    }
    qns_free(p->more.at);
    qns_free(p->node.at);
    qns_map_fini(&p->by_kind);
    qns_arena_free(p->arena);
    qns_free(p);
}

qns_pooled qns_pool_at(const qns_pool *p, uint32_t id)
{
    return p->node.at[id];
}

uint32_t qns_pool_n(const qns_pool *p)
{
    return (uint32_t)p->node.n;
}

size_t qns_pool_copied(const qns_pool *p)
{
    return p->copied;
}

/* ---- what makes two nodes the same ---- */

static bool is_qdq(const qns_node *n)
{
    return n->op == qns_op_find("quantize") || n->op == qns_op_find("dequantize");
}

static void add_qparams(qns_digester *d, const qns_qparams *qp)
{
    const int32_t head[] = {qp ? (int32_t)qp->dtype : -1, qp ? qp->axis : 0, qp ? qp->n : 0};
    qns_digester_add(d, head, sizeof head);
    if (!qp)
        return;
    qns_digester_add(d, qp->scale, (size_t)qp->n * sizeof *qp->scale);
    qns_digester_add(d, qp->zero, (size_t)qp->n * sizeof *qp->zero);
}

static void add_value(qns_digester *d, const qns_graph *g, qns_vid id)
{
    const int32_t none = -1;
    if (!qns_has(id)) {
        qns_digester_add(d, &none, sizeof none);
        return;
    }
    const qns_value *v = qns_graph_value(g, id);
    const int32_t head[] = {(int32_t)v->dtype, (int32_t)v->layout, v->shape.rank,
                            v->constant != NULL};
    qns_digester_add(d, head, sizeof head);
    qns_digester_add(d, v->shape.dim, (size_t)v->shape.rank * sizeof v->shape.dim[0]);
    add_qparams(d, v->qp);
    if (!v->constant)
        return;
    const qns_tensor t = qns_graph_tensor(g, id);
    const qns_digest content = qns_digest_of(t.data, qns_tensor_bytes(&t));
    qns_digester_add(d, content.byte, sizeof content.byte);
}

static qns_status kind_of(char hex[33], const qns_graph *g, const qns_node *n, qns_err *err)
{
    qns_digester *d = NULL;
    char attrs[512] = "";
    QNS_TRY(qns_digester_create(&d, err));
    qns_digester_add_text(d, n->op->name);
    /* A quantizer of equal numbers is the same wherever it stands. */
    qns_digester_add_text(d, is_qdq(n) ? "" : n->name);
    if (n->op->describe)
        n->op->describe(attrs, sizeof attrs, n);
    qns_digester_add_text(d, attrs);
    add_qparams(d, is_qdq(n) ? ((const qns_quantize_attr *)n->attr)->qp : NULL);
    const uint32_t head[] = {n->n_in, n->n_out, (uint32_t)n->layout};
    qns_digester_add(d, head, sizeof head);
    qns_digester_add(d, &n->clamp, sizeof n->clamp);
    for (uint32_t i = 0; i < n->n_in; i++)
        add_value(d, g, n->in[i]);
    for (uint32_t i = 0; i < n->n_out; i++)
        add_value(d, g, n->out[i]);
    const qns_digest all = qns_digester_result(d);
    qns_digest_hex(hex, &all);
    qns_digester_free(d);
    return QNS_OK;
}

static qns_status add(uint32_t *id, qns_pool *p, const char *kind, qns_pooled node, qns_err *err)
{
    const char *key = qns_arena_strdup(p->arena, kind);
    if (!key)
        QNS_FAIL(err, NOMEM, "cannot keep a node");
    *id = (uint32_t)p->node.n;
    QNS_VEC_PUSH(&p->node, node, err);
    return qns_map_put(&p->by_kind, key, *id, err);
}

/* The plan is the pool's in every case. */
static qns_status take_graph(qns_pool *p, qns_graph *own, const qns_graph *g, qns_err *err)
{
    pieces m = {own, NULL};
    const qns_status st = qns_plan_create(&m.plan, g, &p->opts, err);
    if (st == QNS_OK && qns_vec_grow((void **)&p->more.at, &p->more.cap, p->more.n,
                                     sizeof *p->more.at, err) == QNS_OK) {
        p->more.at[p->more.n++] = m;
        return QNS_OK;
    }
    qns_plan_free(m.plan);
    qns_graph_free(own);
    return st == QNS_OK ? QNS_E_NOMEM : st;
}

qns_status qns_pool_keep(qns_pool *p, const qns_graph *g, qns_err *err)
{
    char kind[33];
    uint32_t id;
    QNS_TRY(take_graph(p, NULL, g, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        QNS_TRY(kind_of(kind, g, qns_graph_node(g, (qns_nid){i}), err));
        if (qns_map_get(&p->by_kind, kind) == QNS_MAP_NONE)
            QNS_TRY(add(&id, p, kind, (qns_pooled){p->more.at[p->more.n - 1].plan, {i}}, err));
    }
    return QNS_OK;
}

/* ---- nodes of a graph that goes away ---- */

static qns_status copy_qparams(const qns_qparams **out, qns_gb *gb, const qns_qparams *qp,
                               qns_err *err)
{
    *out = NULL;
    return !qp ? QNS_OK
               : qns_qparams_new(out, qns_gb_arena(gb), qp->dtype, qp->axis, qp->n, qp->scale,
                                 qp->zero, err);
}

static qns_status copy_input(qns_vid *out, qns_pool *p, qns_gb *gb, const qns_graph *g, qns_vid id,
                             qns_err *err)
{
    *out = QNS_NO_VALUE;
    if (!qns_has(id))
        return QNS_OK;
    const qns_value *v = qns_graph_value(g, id);
    if (!v->constant)
        return qns_gb_input_like(out, gb, v->name, v, err);
    const qns_tensor t = qns_graph_tensor(g, id);
    qns_const_spec s = {v->name, NULL, v->dtype, v->shape, NULL, NULL};
    QNS_TRY(copy_qparams(&s.qp, gb, v->qp, err));
    if (!(s.data = qns_arena_dup(qns_gb_arena(gb), t.data, qns_tensor_bytes(&t))))
        QNS_FAIL(err, NOMEM, "cannot copy '%s'", v->name);
    p->copied += qns_tensor_bytes(&t);
    return qns_gb_constant(out, gb, &s, err);
}

static qns_status copy_node(qns_pool *p, qns_gb *gb, const qns_graph *g, const qns_node *n,
                            qns_err *err)
{
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    const char *out_name[QNS_MAX_OUT];
    const qns_qparams *out_qp[QNS_MAX_OUT];
    char name[32];
    qns_quantize_attr attr;
    for (uint32_t i = 0; i < n->n_in; i++)
        QNS_TRY(copy_input(&in[i], p, gb, g, n->in[i], err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        out_name[i] = qns_graph_value(g, n->out[i])->name;
        QNS_TRY(copy_qparams(&out_qp[i], gb, qns_graph_value(g, n->out[i])->qp, err));
    }
    if (is_qdq(n)) /* the others' attributes are the float graph's */
        QNS_TRY(copy_qparams(&attr.qp, gb, ((const qns_quantize_attr *)n->attr)->qp, err));
    snprintf(name, sizeof name, "%u", n->id.i);
    const qns_node_spec s = {.op = n->op,
                             .name = name,
                             .attr = is_qdq(n) ? (const void *)&attr : n->attr,
                             .clamp = n->clamp,
                             .in = in,
                             .n_in = n->n_in,
                             .n_out = n->n_out,
                             .out_name = out_name,
                             .out_qp = out_qp};
    QNS_TRY(qns_gb_node(out, gb, &s, err));
    for (uint32_t i = 0; i < n->n_out; i++)
        QNS_TRY(qns_gb_output(gb, out[i], err));
    return QNS_OK;
}

static qns_status copy_new(qns_pool *p, uint32_t *id, const qns_graph *g, qns_err *err)
{
    char kind[33], name[32];
    qns_status st = QNS_OK;
    qns_gb *gb = NULL;
    qns_graph *own = NULL;
    QNS_TRY(qns_gb_create(&gb, "pieces", NULL, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        if (id[i] == QNS_NONE)
            QNS_TRY_DONE(copy_node(p, gb, g, qns_graph_node(g, (qns_nid){i}), err));
    st = qns_gb_finish(&own, gb, err);
    gb = NULL;
    if (st != QNS_OK)
        goto done;
    QNS_TRY_DONE(take_graph(p, own, own, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        if (id[i] != QNS_NONE)
            continue;
        snprintf(name, sizeof name, "%u", i);
        QNS_TRY_DONE(kind_of(kind, g, qns_graph_node(g, (qns_nid){i}), err));
        id[i] = qns_map_get(&p->by_kind, kind); /* a twin in the same graph */
        if (id[i] == QNS_MAP_NONE)
            QNS_TRY_DONE(add(
                &id[i], p, kind,
                (qns_pooled){p->more.at[p->more.n - 1].plan, qns_graph_find_node(own, name)}, err));
    }
done:
    qns_gb_free(gb);
    return st;
}

qns_status qns_pool_find(uint32_t *id, qns_pool *p, const qns_graph *g, qns_err *err)
{
    char kind[33];
    bool any = false;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        QNS_TRY(kind_of(kind, g, qns_graph_node(g, (qns_nid){i}), err));
        id[i] = qns_map_get(&p->by_kind, kind);
        any |= id[i] == QNS_MAP_NONE;
    }
    return any ? copy_new(p, id, g, err) : QNS_OK;
}
