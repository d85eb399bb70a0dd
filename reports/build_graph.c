/* SPDX-License-Identifier: MIT */
/* The network as a picture, for Graphviz: a box for each layer, filled by its cumulative error, its
 * frame by the error it makes by itself where that was measured. */
#include "reports/build.h"
#include "reports/label.h"
#include "reports/plot.h"

#include <math.h>
#include <string.h>

enum { NAME_COLUMNS = 30 };

/* Opacity of the fill in hex, after the colour: the worse the denser. */
typedef struct tint {
    const char *colour, *alpha;
} tint;

static tint tint_of(const qns_diff *d)
{
    if (d->nonfinite_test > d->nonfinite_ref)
        return (tint){"#dc2626", "b0"};
    if (!d->present || isnan(d->sqnr_db))
        return (tint){"#64748b", "10"};
    if (d->sqnr_db < QNS_SQNR_BAD_DB)
        return (tint){"#dc2626", "70"};
    if (d->sqnr_db < QNS_SQNR_WATCH_DB)
        return (tint){"#b45309", "60"};
    if (isinf(d->sqnr_db))
        return (tint){"#15803d", "0c"};
    return (tint){"#15803d", d->sqnr_db < 30 ? "50" : d->sqnr_db < 40 ? "34" : "1e"};
}

static const char *error_text(qns_build *b, const qns_diff *d)
{
    const char *s = qns_build_db(b, d, d->sqnr_db);
    return isfinite(d->sqnr_db) ? qns_build_text(b, "%s dB", s) : s;
}

/* The name of a box: unique, and what a browser shows when the mouse rests on it. */
static const char *box_name(qns_build *b, uint32_t k)
{
    const qns_layer *l = &b->r->layer[k];
    const char *s = qns_build_text(b, "%u: %s (%s, %s), output %s", k, l->name, l->op, l->kept,
                                   error_text(b, &l->activation));
    if (l->local.present)
        s = qns_build_text(b, "%s, alone %s", s, error_text(b, &l->local));
    if (l->weight.present)
        s = qns_build_text(b, "%s, weight %s", s, error_text(b, &l->weight));
    return s;
}

static void add_box(qns_build *b, qns_str *out, uint32_t k, const char *name, uint32_t rank)
{
    const qns_layer *l = &b->r->layer[k];
    const qns_diff *d = l->activation.present ? &l->activation : &l->weight;
    const tint fill = tint_of(d);
    const tint frame = l->local.present ? tint_of(&l->local) : fill;
    const bool heavy = l->local.present && l->local.sqnr_db < QNS_SQNR_WATCH_DB;
    const char *label = qns_label_short(b->arena, l->name, NAME_COLUMNS);
    b->failed |= !label;
    qns_label_add_dot(out, name);
    qns_str_add(out, " [label=");
    qns_label_add_dot(out, qns_build_text(b, "%s", label ? label : ""));
    qns_str_add(out, "+\"\\n\"+");
    qns_label_add_dot(out, qns_build_text(b, "%s  %s", l->op, error_text(b, d)));
    qns_str_addf(out, ", fillcolor=\"%s%s\", color=\"%s\", penwidth=%s", fill.colour, fill.alpha,
                 frame.colour, heavy ? "3" : "1.2");
    if (strcmp(l->kept, "float") == 0)
        qns_str_add(out, ", style=\"rounded,filled,dashed\"");
    if (rank < b->r->n_ranking)
        qns_str_addf(out, ", id=\"n%u\"", rank);
    qns_str_add(out, "];\n");
}

static void add_boxes(qns_build *b, qns_str *out, const char **name, const uint32_t *rank)
{
    const qns_result *r = b->r;
    for (uint32_t k = 0; k < r->n_layers; k++) {
        name[k] = box_name(b, k);
        add_box(b, out, k, name[k], rank[k]);
    }
    for (uint32_t k = 0; k < r->n_layers; k++)
        for (uint32_t i = 0; i < r->layer[k].n_from; i++) {
            qns_label_add_dot(out, name[r->layer[k].from[i]]);
            qns_str_add(out, " -> ");
            qns_label_add_dot(out, name[k]);
            qns_str_add(out, ";\n");
        }
}

/* Results made before layers knew what they read have no edges: a heap of boxes tells nothing. */
static bool has_edges(const qns_result *r)
{
    for (uint32_t k = 0; k < r->n_layers; k++)
        if (r->layer[k].n_from)
            return true;
    return false;
}

void qns_build_graph(qns_build *b)
{
    const qns_result *r = b->r;
    if (!has_edges(r))
        return;
    const char **name = qns_build_get(b, r->n_layers, sizeof *name);
    uint32_t *rank = qns_build_get(b, r->n_layers, sizeof *rank);
    qns_plot *p = qns_build_get(b, 1, sizeof *p);
    qns_str t = {0};
    if (b->failed)
        return;
    memset(rank, 0xff, r->n_layers * sizeof *rank);
    for (uint32_t i = 0; i < r->n_ranking; i++)
        rank[r->ranking[i]] = i;
    qns_str_add(&t, "digraph network {\n"
                    "graph [bgcolor=\"transparent\", ranksep=0.22, nodesep=0.25, nslimit=2];\n"
                    "node [shape=box, style=\"rounded,filled\", fontname=\"Helvetica\", "
                    "fontsize=11, height=0.3, margin=\"0.16,0.05\"];\n"
                    "edge [arrowsize=0.6, color=\"#64748b\"];\n");
    add_boxes(b, &t, name, rank);
    qns_str_add(&t, "}\n");
    *p = (qns_plot){.name = "graph",
                    .title = "The network, coloured by error",
                    .caption = "Fill: cumulative error of the output; the denser, the worse. "
                               "Frame: the error the layer makes by itself, where it was "
                               "measured. Dashed: runs in float. Click a box for its numbers.",
                    .drawer = &qns_dot,
                    .script = qns_arena_strdup(b->arena, qns_str_get(&t))};
    b->failed |= t.failed || !p->script;
    b->report->graph = p;
    qns_str_fini(&t);
}
