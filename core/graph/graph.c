/* SPDX-License-Identifier: MIT */
#include "core/graph/graph.h"

#include "core/base/mem.h"
#include "core/graph/graph_internal.h"
#include "core/graph/op.h"

#include <assert.h>
#include <string.h>

const qns_value *qns_graph_value(const qns_graph *g, qns_vid v)
{
    assert(v.i < g->n_values);
    return &g->value[v.i];
}

const qns_node *qns_graph_node(const qns_graph *g, qns_nid n)
{
    assert(n.i < g->n_nodes);
    return &g->node[n.i];
}

uint32_t qns_graph_n_values(const qns_graph *g)
{
    return g->n_values;
}

uint32_t qns_graph_n_nodes(const qns_graph *g)
{
    return g->n_nodes;
}

uint32_t qns_graph_n_inputs(const qns_graph *g)
{
    return g->n_inputs;
}

uint32_t qns_graph_n_outputs(const qns_graph *g)
{
    return g->n_outputs;
}

qns_vid qns_graph_input(const qns_graph *g, uint32_t i)
{
    assert(i < g->n_inputs);
    return g->input[i];
}

qns_vid qns_graph_output(const qns_graph *g, uint32_t i)
{
    assert(i < g->n_outputs);
    return g->output[i];
}

bool qns_graph_is_output(const qns_graph *g, qns_vid v)
{
    for (uint32_t i = 0; i < g->n_outputs; i++)
        if (g->output[i].i == v.i)
            return true;
    return false;
}

const char *qns_graph_name(const qns_graph *g)
{
    return g->name;
}

qns_vid qns_graph_find_value(const qns_graph *g, const char *name)
{
    return (qns_vid){qns_map_get(&g->value_by_name, name)};
}

qns_nid qns_graph_find_node(const qns_graph *g, const char *name)
{
    return (qns_nid){qns_map_get(&g->node_by_name, name)};
}

const char *qns_graph_meta(const qns_graph *g, const char *key)
{
    for (uint32_t i = 0; i < g->n_meta; i++)
        if (strcmp(g->meta[i].key, key) == 0)
            return g->meta[i].value;
    return NULL;
}

uint32_t qns_graph_n_meta(const qns_graph *g)
{
    return g->n_meta;
}

void qns_graph_meta_at(const char **key, const char **value, const qns_graph *g, uint32_t i)
{
    assert(i < g->n_meta);
    *key = g->meta[i].key;
    *value = g->meta[i].value;
}

qns_tensor qns_graph_tensor(const qns_graph *g, qns_vid v)
{
    const qns_value *x = qns_graph_value(g, v);
    /* Constants are never written through a tensor; the view has one type for both. */
    return (qns_tensor){x->dtype, x->layout, x->shape, (void *)(uintptr_t)x->constant, x->qp};
}

void qns_graph_free(qns_graph *g)
{
    if (!g)
        return;
    qns_map_fini(&g->value_by_name);
    qns_map_fini(&g->node_by_name);
    qns_arena_free(g->arena);
    qns_free(g);
}

static void add_shape(qns_digester *d, const qns_value *v)
{
    qns_digester_add_text(d, qns_dtype_name(v->dtype));
    qns_digester_add_text(d, qns_shape_str(&v->shape).s);
}

static void add_node(qns_digester *d, const qns_graph *g, const qns_node *n)
{
    char text[256] = "";
    if (n->op->describe)
        n->op->describe(text, sizeof text, n);
    qns_digester_add_text(d, n->op->name);
    qns_digester_add_text(d, n->name);
    qns_digester_add_text(d, text);
    qns_digester_add(d, &n->clamp, sizeof n->clamp);
    for (uint32_t i = 0; i < n->n_in; i++)
        qns_digester_add_text(d, qns_has(n->in[i]) ? qns_graph_value(g, n->in[i])->name : "");
    for (uint32_t i = 0; i < n->n_out; i++) {
        qns_digester_add_text(d, qns_graph_value(g, n->out[i])->name);
        add_shape(d, qns_graph_value(g, n->out[i]));
    }
}

qns_status qns_graph_digest(qns_digest *topology, qns_digest *constants, const qns_graph *g,
                            qns_err *err)
{
    qns_digester *t = NULL, *c = NULL;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_digester_create(&t, err));
    QNS_TRY_DONE(qns_digester_create(&c, err));
    for (uint32_t i = 0; i < g->n_inputs; i++) {
        qns_digester_add_text(t, qns_graph_value(g, g->input[i])->name);
        add_shape(t, qns_graph_value(g, g->input[i]));
    }
    for (uint32_t i = 0; i < g->n_nodes; i++)
        add_node(t, g, &g->node[i]);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        qns_digester_add_text(t, qns_graph_value(g, g->output[i])->name);
    for (uint32_t i = 0; i < g->n_values; i++) {
        const qns_value *v = &g->value[i];
        if (!v->constant)
            continue;
        const qns_tensor view = qns_graph_tensor(g, v->id);
        qns_digester_add_text(c, v->origin);
        add_shape(c, v);
        qns_digester_add(c, v->constant, qns_tensor_bytes(&view));
    }
    *topology = qns_digester_result(t);
    *constants = qns_digester_result(c);
done:
    qns_digester_free(t);
    qns_digester_free(c);
    return st;
}

qns_status qns_graph_digest_qparams(qns_digest *out, const qns_graph *g, qns_err *err)
{
    qns_digester *d;
    QNS_TRY(qns_digester_create(&d, err));
    for (uint32_t i = 0; i < g->n_values; i++) {
        const qns_qparams *qp = g->value[i].qp;
        if (!qp)
            continue;
        qns_digester_add_text(d, g->value[i].name);
        qns_digester_add_text(d, qns_dtype_name(qp->dtype));
        qns_digester_add(d, &qp->axis, sizeof qp->axis);
        qns_digester_add(d, qp->scale, (size_t)qp->n * sizeof *qp->scale);
        qns_digester_add(d, qp->zero, (size_t)qp->n * sizeof *qp->zero);
    }
    *out = qns_digester_result(d);
    qns_digester_free(d);
    return QNS_OK;
}
