/* SPDX-License-Identifier: MIT */
#include "ns/skip_names.h"

#include "core/base/mem.h"
#include "core/graph/module_name.h"

#include <stdlib.h>
#include <string.h>

/* NULL when out of memory. */
static const char *scope_of(qns_arena *arena, const char *node)
{
    const size_t size = strlen(node) + 1;
    char *out = qns_arena_get(arena, size, 1);
    if (out)
        qns_module_name(out, size, node);
    return out;
}

/* The length without "_12" at the end. */
static size_t stem_length(const char *s)
{
    const size_t n = strlen(s);
    size_t k = n;
    while (k && s[k - 1] >= '0' && s[k - 1] <= '9')
        k--;
    return k < n && k > 1 && s[k - 1] == '_' ? k - 1 : n;
}

static qns_status add_node(qns_skip_world *w, const char *name, qns_err *err)
{
    if (qns_map_get(&w->by_name, name) != QNS_MAP_NONE)
        return QNS_OK;
    QNS_TRY(qns_map_put(&w->by_name, name, (uint32_t)w->n, err));
    const char *scope = scope_of(w->arena, name);
    char *stem = scope ? qns_arena_strdup(w->arena, scope) : NULL;
    if (!stem)
        QNS_FAIL(err, NOMEM, "out of memory for the names of the model");
    stem[stem_length(stem)] = 0;
    w->node[w->n] = name;
    w->scope[w->n] = scope;
    w->stem[w->n++] = stem;
    return QNS_OK;
}

qns_status qns_skip_world_init(qns_skip_world *w, const qns_graph *source, const qns_result *r,
                               qns_err *err)
{
    size_t cap = source ? qns_graph_n_nodes(source) : 0;
    w->source = source;
    for (uint32_t i = 0; !source && i < r->n_layers; i++)
        cap += 1 + (size_t)r->layer[i].n_origin;
    QNS_TRY(qns_arena_new((void **)&w->node, w->arena, cap, sizeof *w->node, err));
    QNS_TRY(qns_arena_new((void **)&w->scope, w->arena, cap, sizeof *w->scope, err));
    QNS_TRY(qns_arena_new((void **)&w->stem, w->arena, cap, sizeof *w->stem, err));
    for (uint32_t i = 0; source && i < cap; i++)
        QNS_TRY(add_node(w, qns_graph_node(source, (qns_nid){i})->name, err));
    for (uint32_t i = 0; !source && i < r->n_layers; i++) {
        QNS_TRY(add_node(w, r->layer[i].name, err));
        for (uint32_t k = 0; k < r->layer[i].n_origin; k++)
            QNS_TRY(add_node(w, r->layer[i].origin[k], err));
    }
    return QNS_OK;
}

void qns_skip_world_fini(qns_skip_world *w)
{
    qns_map_fini(&w->by_name);
}

/* "layer1.conv1" of a constant "layer1.conv1.weight" that no other node reads. */
static const char *module_of_weight(const qns_skip_world *w, const char *node)
{
    static const char tail[] = ".weight";
    const qns_nid id = w->source ? qns_graph_find_node(w->source, node) : (qns_nid){QNS_NONE};
    if (id.i == QNS_NONE)
        return NULL;
    const qns_node *n = qns_graph_node(w->source, id);
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_has(n->in[i]))
            continue;
        const qns_value *v = qns_graph_value(w->source, n->in[i]);
        const size_t len = strlen(v->name);
        if (!v->constant || v->n_uses != 1 || len < sizeof tail ||
            strcmp(v->name + len - (sizeof tail - 1), tail) != 0)
            continue;
        char *out = qns_arena_strdup(w->arena, v->name);
        if (out)
            out[len - (sizeof tail - 1)] = 0;
        return out;
    }
    return NULL;
}

/* A module that encloses no other. One that the exporter saw twice gets a number ("relu_1"), which
 * looks like a module of that name: not a module, then, because nobody can tell. */
static bool is_leaf(const qns_skip_world *w, size_t at)
{
    const char *s = w->scope[at];
    const size_t n = strlen(s);
    for (size_t i = 0; i < w->n; i++) {
        if (strncmp(w->scope[i], s, n) == 0 && w->scope[i][n] == '.')
            return false;
        if (strcmp(w->scope[i], s) != 0 && strcmp(w->stem[i], w->stem[at]) == 0)
            return false;
    }
    return true;
}

const char *qns_skip_module(const qns_skip_world *w, const char *node)
{
    const char *m = module_of_weight(w, node);
    const uint32_t at = qns_map_get(&w->by_name, node);
    if (m || at == QNS_MAP_NONE)
        return m;
    if (!strchr(node, '/')) /* captures of PyTorch call layers by their modules */
        return w->source ? NULL : node;
    return w->scope[at][0] && is_leaf(w, at) ? w->scope[at] : NULL;
}

bool qns_skip_call_of(qns_skip_call *out, const qns_skip_world *w, const char *node)
{
    static const struct {
        const char *type, *function;
    } known[] = {{"Add", "add"}, {"Mul", "mul"}, {"Concat", "cat"}, {"MatMul", "matmul"}};
    const uint32_t at = qns_map_get(&w->by_name, node);
    const char *last = strrchr(node, '/');
    if (!last || at == QNS_MAP_NONE)
        return false;
    const size_t n = stem_length(++last);
    for (size_t i = 0; i < QNS_ARRAY_LEN(known); i++) {
        if (strlen(known[i].type) != n || strncmp(known[i].type, last, n) != 0)
            continue;
        *out = (qns_skip_call){w->scope[at], known[i].function,
                               last[n] ? (uint32_t)strtoul(last + n + 1, NULL, 10) : 0};
        return true;
    }
    return false;
}
