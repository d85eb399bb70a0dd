/* SPDX-License-Identifier: MIT */
#include "core/quant/borders.h"

#include "core/base/mem.h"
#include "core/quant/candidate.h"
#include "core/quant/qconfig_set.h"

#include <stdio.h>

static void place_of(char *out, size_t size, const qns_qconfig_set *set, const qns_qborder *b)
{
    out[0] = '\0';
    if (set->file && b->line)
        snprintf(out, size, "%s:%u: ", set->file, b->line);
}

static bool fits(const qns_qborder *b, const qns_graph *g, const qns_value *v)
{
    if (v->constant || v->dtype != QNS_F32)
        return false;
    if (qns_name_fits(b->pattern, v->name) || qns_name_fits(b->pattern, v->origin))
        return true;
    return v->producer.i != QNS_NONE &&
           qns_name_fits(b->pattern, qns_graph_node(g, v->producer)->name);
}

static qns_status unmatched(const qns_qconfig_set *set, const qns_qborder *b, const qns_graph *g,
                            qns_err *err)
{
    const char **names;
    char place[256];
    size_t n = 0;
    place_of(place, sizeof place, set, b);
    QNS_TRY(qns_new((void **)&names, qns_graph_n_values(g), sizeof *names, err));
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const qns_value *v = qns_graph_value(g, (qns_vid){i});
        if (!v->constant && v->dtype == QNS_F32)
            names[n++] = v->name;
    }
    const int64_t near = qns_nearest(b->pattern, names, n);
    const qns_status st = qns_err_set(
        err, QNS_E_NOTFOUND, __FILE__, __LINE__, "%sno activation is called '%s'%s%s%s", place,
        b->pattern, near < 0 ? "" : "; did you mean '", near < 0 ? "" : names[near],
        near < 0 ? "; 'qns inspect' lists the names" : "'?");
    qns_free(names);
    return st;
}

static qns_status find_places(qns_borders *out, const qns_graph *g, const qns_qconfig_set *set,
                              qns_err *err)
{
    char place[256];
    for (size_t i = 0; i < set->border.n; i++) {
        const qns_qborder *b = &set->border.at[i];
        bool found = false;
        place_of(place, sizeof place, set, b);
        for (uint32_t k = 0; k < qns_graph_n_values(g); k++) {
            if (!fits(b, g, qns_graph_value(g, (qns_vid){k})))
                continue;
            found = true;
            if (out->at[k] && out->at[k]->quantize != b->quantize)
                QNS_FAIL(err, CONFIG, "%s'%s' has a quantize and a dequantize border", place,
                         qns_graph_value(g, (qns_vid){k})->name);
            out->at[k] = b;
        }
        if (!found)
            return unmatched(set, b, g, err);
    }
    return QNS_OK;
}

/* inside[v]: readers of v are behind a quantize border. */
static qns_status cross(bool *inside, bool made_inside, const qns_borders *b,
                        const qns_qconfig_set *set, const qns_value *v, qns_err *err)
{
    const qns_qborder *at = b->at[v->id.i];
    char place[256];
    inside[v->id.i] = at ? at->quantize : made_inside;
    if (!at || at->quantize != made_inside)
        return QNS_OK;
    place_of(place, sizeof place, set, at);
    QNS_FAIL(err, CONFIG, "%s'%s' is %s already: no %s border can stand there", place, v->name,
             made_inside ? "behind a quantize border" : "float",
             at->quantize ? "quantize" : "dequantize");
}

static qns_status side_of(bool *inside_node, const bool *inside, bool start, const qns_graph *g,
                          const qns_node *n, qns_err *err)
{
    const qns_value *first = NULL;
    *inside_node = start;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_is_float_act(g, n, i))
            continue;
        const qns_value *v = qns_graph_value(g, n->in[i]);
        if (first && inside[v->id.i] != *inside_node)
            QNS_FAIL(
                err, CONFIG,
                "node '%s' reads '%s' from %s a quantize border and '%s' from %s it; both need "
                "one, or none",
                n->name, first->name, *inside_node ? "behind" : "outside of", v->name,
                inside[v->id.i] ? "behind" : "outside of");
        *inside_node = inside[v->id.i];
        first = v;
    }
    return QNS_OK;
}

static qns_status walk(qns_borders *out, bool *inside, const qns_graph *g,
                       const qns_qconfig_set *set, qns_err *err)
{
    bool start = true;
    for (size_t i = 0; i < set->border.n; i++)
        start &= !set->border.at[i].quantize;
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        QNS_TRY(cross(inside, start, out, set, qns_graph_value(g, qns_graph_input(g, i)), err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        bool in;
        QNS_TRY(side_of(&in, inside, start, g, n, err));
        out->outside[i] = !in;
        for (uint32_t k = 0; k < n->n_out; k++)
            QNS_TRY(cross(inside, in, out, set, qns_graph_value(g, n->out[k]), err));
    }
    return QNS_OK;
}

qns_status qns_borders_find(qns_borders *out, qns_arena *a, const qns_graph *g,
                            const qns_qconfig_set *set, qns_err *err)
{
    const uint32_t n_values = qns_graph_n_values(g), n_nodes = qns_graph_n_nodes(g);
    bool *inside;
    QNS_TRY(qns_arena_new((void **)&out->outside, a, n_nodes, sizeof *out->outside, err));
    QNS_TRY(qns_arena_new((void **)&out->at, a, n_values, sizeof *out->at, err));
    if (set->border.n == 0)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&inside, a, n_values, sizeof *inside, err));
    QNS_TRY(find_places(out, g, set, err));
    return walk(out, inside, g, set, err);
}
