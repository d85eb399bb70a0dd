/* SPDX-License-Identifier: MIT */
/* First the layers are chosen, then every layer gets its names in all spaces. With a model a layer
 * is a node of its fused graph; without one it is what the result says. */
#include "ns/skiplist.h"

#include "core/base/mem.h"
#include "core/graph/op.h"
#include "core/model/onnx_node_names.h"
#include "ns/skip_names.h"
#include "ns/skip_quote.h"

#include <string.h>

typedef struct maker {
    qns_skiplist *list;
    qns_skip_world world;
    const qns_graph *fused; /* NULL without a model */
    qns_skip_layer *layer;
    bool *chosen; /* of the fused nodes, or of the result's layers */
} maker;

static qns_status start(maker *mk, const qns_model *m, const qns_result *r, qns_err *err)
{
    if (m && qns_model_is_quantized(m))
        QNS_FAIL(err, CONFIG, "'%s' is quantized; skip lists take their names from the float model",
                 qns_model_path(m));
    QNS_TRY(qns_new((void **)&mk->list, 1, sizeof *mk->list, err));
    QNS_TRY(qns_arena_create(&mk->list->arena, err));
    mk->world.arena = mk->list->arena;
    mk->fused = m ? qns_model_graph(m) : NULL;
    mk->list->checked = m != NULL;
    mk->list->model = qns_arena_strdup(mk->list->arena, m ? qns_model_path(m) : r->ref.model);
    if (!mk->list->model)
        QNS_FAIL(err, NOMEM, "out of memory for a name");
    const size_t n = m ? qns_graph_n_nodes(mk->fused) : r->n_layers;
    QNS_TRY(qns_new((void **)&mk->chosen, n, sizeof *mk->chosen, err));
    QNS_TRY(qns_arena_new((void **)&mk->layer, mk->list->arena, n, sizeof *mk->layer, err));
    mk->list->layer = mk->layer;
    return qns_skip_world_init(&mk->world, m ? qns_model_source(m) : NULL, r, err);
}

static void finish(maker *mk)
{
    qns_skip_world_fini(&mk->world);
    qns_free(mk->chosen);
    qns_skiplist_free(mk->list);
}

/* ---- names ---- */

/* Appends a copy, unless it is there. The array has room. */
static qns_status add_name(const char **at, uint32_t *n, const maker *mk, const char *name,
                           qns_err *err)
{
    for (uint32_t i = 0; i < *n; i++)
        if (strcmp(at[i], name) == 0)
            return QNS_OK;
    if (!qns_is_utf8(name))
        QNS_FAIL(err, DATA, "the name '%s' is not UTF-8: no format can hold it", name);
    at[*n] = qns_arena_strdup(mk->list->arena, name);
    if (!at[(*n)++])
        QNS_FAIL(err, NOMEM, "out of memory for a name");
    return QNS_OK;
}

static uint32_t count_outputs(const maker *mk, const char *const *node, uint32_t n)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < n && mk->world.source; i++) {
        const qns_nid id = qns_graph_find_node(mk->world.source, node[i]);
        sum += id.i == QNS_NONE ? 0 : qns_graph_node(mk->world.source, id)->n_out;
    }
    return sum;
}

static qns_status add_outputs(const char **at, uint32_t *n, const maker *mk, const char *node,
                              qns_err *err)
{
    const qns_nid id =
        mk->world.source ? qns_graph_find_node(mk->world.source, node) : (qns_nid){QNS_NONE};
    if (id.i == QNS_NONE)
        return QNS_OK;
    const qns_node *x = qns_graph_node(mk->world.source, id);
    for (uint32_t i = 0; i < x->n_out; i++) {
        const qns_value *v = qns_graph_value(mk->world.source, x->out[i]);
        if (v->n_uses > 0) /* one that the file leaves out has a name of ours */
            QNS_TRY(add_name(at, n, mk, v->name, err));
    }
    return QNS_OK;
}

/* node: what the layer stands for; at least one. */
static qns_status add_layer(maker *mk, const char *name, const char *op, const char *const *node,
                            uint32_t n, qns_err *err)
{
    qns_skip_layer *l = &mk->layer[mk->list->n_layers++];
    const uint32_t room[QNS_SKIP_SPACES] = {1, n, n, count_outputs(mk, node, n)};
    const char **at[QNS_SKIP_SPACES];
    qns_skip_call *call;
    l->op = qns_arena_strdup(mk->list->arena, op);
    for (int s = 0; s < QNS_SKIP_SPACES; s++) {
        QNS_TRY(qns_arena_new((void **)&at[s], mk->list->arena, room[s], sizeof *at[s], err));
        l->names[s] = at[s];
    }
    QNS_TRY(qns_arena_new((void **)&call, mk->list->arena, n, sizeof *call, err));
    l->call = call;
    QNS_TRY(add_name(at[QNS_SKIP_LAYERS], &l->n_names[QNS_SKIP_LAYERS], mk, name, err));
    l->name = at[QNS_SKIP_LAYERS][0];
    for (uint32_t i = 0; i < n; i++) {
        const char *module = qns_skip_module(&mk->world, node[i]);
        QNS_TRY(add_name(at[QNS_SKIP_NODES], &l->n_names[QNS_SKIP_NODES], mk, node[i], err));
        QNS_TRY(add_outputs(at[QNS_SKIP_TENSORS], &l->n_names[QNS_SKIP_TENSORS], mk, node[i], err));
        if (module)
            QNS_TRY(add_name(at[QNS_SKIP_MODULES], &l->n_names[QNS_SKIP_MODULES], mk, module, err));
        else if (qns_skip_call_of(&call[l->n_calls], &mk->world, node[i]))
            l->n_calls++;
    }
    return QNS_OK;
}

static qns_status add_chosen(maker *mk, const qns_result *r, qns_err *err)
{
    for (uint32_t i = 0; mk->fused && i < qns_graph_n_nodes(mk->fused); i++) {
        const qns_node *n = qns_graph_node(mk->fused, (qns_nid){i});
        if (mk->chosen[i])
            QNS_TRY(add_layer(mk, n->name, n->op->name, n->n_origin ? n->origin : &n->name,
                              n->n_origin ? n->n_origin : 1, err));
    }
    for (uint32_t i = 0; !mk->fused && i < r->n_layers; i++) {
        const qns_layer *l = &r->layer[i];
        if (mk->chosen[i])
            QNS_TRY(add_layer(mk, l->name, l->op, l->n_origin ? l->origin : &l->name,
                              l->n_origin ? l->n_origin : 1, err));
    }
    return QNS_OK;
}

/* A node without a name in the file has one here that other tools do not know. */
static qns_status find_unnamed(maker *mk, const qns_model *m, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_names in_file = {0};
    qns_map known = {0};
    QNS_TRY_DONE(qns_onnx_node_names(&in_file, qns_model_path(m), err));
    for (size_t i = 0; i < in_file.n; i++)
        QNS_TRY_DONE(qns_map_put(&known, in_file.at[i], 1, err));
    for (uint32_t i = 0; i < mk->list->n_layers; i++)
        for (uint32_t k = 0; k < mk->layer[i].n_names[QNS_SKIP_NODES]; k++) {
            const char *name = mk->layer[i].names[QNS_SKIP_NODES][k];
            if (!mk->list->unnamed && qns_map_get(&known, name) == QNS_MAP_NONE)
                mk->list->unnamed = name;
        }
done:
    qns_map_fini(&known);
    qns_names_fini(&in_file);
    return st;
}

/* ---- a result's layers ---- */

static bool fits(const qns_layer *l, const char *pattern)
{
    if (strcmp(l->name, pattern) == 0 || qns_glob(pattern, l->name))
        return true;
    for (uint32_t i = 0; i < l->n_origin; i++)
        if (strcmp(l->origin[i], pattern) == 0 || qns_glob(pattern, l->origin[i]))
            return true;
    return false;
}

static qns_status unknown_name(const char *name, const char *const *names, size_t n,
                               const char *where, qns_err *err)
{
    const int64_t near = qns_nearest(name, names, n);
    if (near < 0)
        QNS_FAIL(err, NOTFOUND, "no layer of %s is called '%s'", where, name);
    QNS_FAIL(err, NOTFOUND, "no layer of %s is called '%s'; did you mean '%s'?", where, name,
             names[near]);
}

static qns_status select_names(bool *yes, const qns_result *r, const qns_skip_select *which,
                               qns_err *err)
{
    for (size_t g = 0; g < which->n_glob; g++) {
        bool found = false;
        for (uint32_t i = 0; i < r->n_layers; i++)
            if (fits(&r->layer[i], which->glob[g]))
                yes[i] = found = true;
        if (found)
            continue;
        const char **names;
        QNS_TRY(qns_new((void **)&names, r->n_layers, sizeof *names, err));
        for (uint32_t i = 0; i < r->n_layers; i++)
            names[i] = r->layer[i].name;
        const qns_status st = unknown_name(which->glob[g], names, r->n_layers, "the result", err);
        qns_free(names);
        return st;
    }
    return QNS_OK;
}

/* yes[i] for each layer of the result. */
static qns_status select_layers(bool *yes, uint32_t *n_float, const qns_result *r,
                                const qns_skip_select *which, qns_err *err)
{
    bool any_int8 = false;
    uint32_t taken = 0;
    if (r->n_layers == 0)
        QNS_FAIL(err, CONFIG,
                 "the result has no layers; skip lists come from 'qns compare --json'");
    for (uint32_t i = 0; i < r->n_layers; i++)
        any_int8 |= strcmp(r->layer[i].kept, "int8") == 0;
    if (which->n_glob)
        return select_names(yes, r, which, err);
    const uint32_t n = which->worst ? r->n_ranking : r->n_layers;
    for (uint32_t i = 0; i < n && (!which->worst || taken < which->worst); i++) {
        const uint32_t at = which->worst ? r->ranking[i] : i;
        const bool runs_float = any_int8 && strcmp(r->layer[at].kept, "float") == 0;
        if (yes[at] || (!which->worst && r->layer[at].verdict < which->verdict))
            continue;
        yes[at] = !runs_float;
        taken += !runs_float;
        *n_float += runs_float;
    }
    return QNS_OK;
}

/* The nodes of the model that stand for a layer of the result: by any name either side has. */
static qns_status choose_nodes(maker *mk, const qns_map *names, const qns_layer *l, qns_err *err)
{
    bool found = false;
    for (uint32_t i = 0; i <= l->n_origin; i++) {
        const uint32_t at = qns_map_get(names, i < l->n_origin ? l->origin[i] : l->name);
        if (at != QNS_MAP_NONE)
            mk->chosen[at] = found = true;
    }
    if (found)
        return QNS_OK;
    const size_t n = qns_graph_n_nodes(mk->fused);
    const char **known;
    QNS_TRY(qns_new((void **)&known, n, sizeof *known, err));
    for (uint32_t i = 0; i < n; i++)
        known[i] = qns_graph_node(mk->fused, (qns_nid){i})->name;
    const qns_status st = unknown_name(l->name, known, n, mk->list->model, err);
    qns_free(known);
    return st;
}

/* Nodes, folded nodes, outputs, and the modules that PyTorch's captures name. A node's own name
 * comes last, so that it wins. */
static qns_status index_names(qns_map *names, const maker *mk, qns_err *err)
{
    const uint32_t n_nodes = qns_graph_n_nodes(mk->fused);
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(mk->fused, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_origin; k++) {
            const char *module = qns_skip_module(&mk->world, n->origin[k]);
            if (module)
                QNS_TRY(qns_map_put(names, module, i, err));
        }
        for (uint32_t k = 0; k < n->n_out; k++)
            QNS_TRY(qns_map_put(names, qns_graph_value(mk->fused, n->out[k])->name, i, err));
    }
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(mk->fused, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_origin; k++)
            QNS_TRY(qns_map_put(names, n->origin[k], i, err));
        QNS_TRY(qns_map_put(names, n->name, i, err));
    }
    return QNS_OK;
}

static qns_status choose_in_model(maker *mk, const qns_result *r, const bool *yes, qns_err *err)
{
    qns_map names = {0};
    qns_status st = QNS_OK;
    QNS_TRY_DONE(index_names(&names, mk, err));
    for (uint32_t i = 0; i < r->n_layers; i++)
        if (yes[i])
            QNS_TRY_DONE(choose_nodes(mk, &names, &r->layer[i], err));
done:
    qns_map_fini(&names);
    return st;
}

qns_status qns_skiplist_from_result(qns_skiplist **out, const qns_result *r,
                                    const qns_skip_select *which, const qns_model *float_model,
                                    qns_err *err)
{
    qns_status st = QNS_OK;
    maker mk = {0};
    bool *yes = NULL;
    uint32_t n_float = 0;
    QNS_TRY_DONE(qns_new((void **)&yes, r->n_layers, sizeof *yes, err));
    QNS_TRY_DONE(select_layers(yes, &n_float, r, which, err));
    QNS_TRY_DONE(start(&mk, float_model, r, err));
    mk.list->n_float = n_float;
    if (mk.fused)
        QNS_TRY_DONE(choose_in_model(&mk, r, yes, err));
    else
        memcpy(mk.chosen, yes, r->n_layers * sizeof *yes);
    QNS_TRY_DONE(add_chosen(&mk, r, err));
    if (float_model)
        QNS_TRY_DONE(find_unnamed(&mk, float_model, err));
    *out = mk.list;
    mk.list = NULL;
done:
    qns_free(yes);
    finish(&mk);
    return st;
}

qns_status qns_skiplist_from_qconfig(qns_skiplist **out, const qns_qconfig_set *set,
                                     const qns_model *float_model, qns_err *err)
{
    qns_status st = QNS_OK;
    maker mk = {0};
    QNS_TRY_DONE(start(&mk, float_model, NULL, err));
    QNS_TRY_DONE(qns_qconfig_check(set, mk.fused, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(mk.fused); i++) {
        const qns_qrule *rule =
            qns_qconfig_match(set, mk.fused, qns_graph_node(mk.fused, (qns_nid){i}));
        mk.chosen[i] = !(rule ? &rule->cfg : qns_qconfig_default(set))->quantize;
    }
    QNS_TRY_DONE(add_chosen(&mk, NULL, err));
    QNS_TRY_DONE(find_unnamed(&mk, float_model, err));
    *out = mk.list;
    mk.list = NULL;
done:
    finish(&mk);
    return st;
}

void qns_skiplist_free(qns_skiplist *l)
{
    if (!l)
        return;
    qns_arena_free(l->arena);
    qns_free(l);
}
