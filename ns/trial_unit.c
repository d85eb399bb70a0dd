/* SPDX-License-Identifier: MIT */
/* Units of trials, and the graph of a set of them. */
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/quant/candidate.h"
#include "core/quant/quantize_model.h"
#include "ns/trial_internal.h"

#include <string.h>

/* ---- names ---- */

static bool names_only(const qns_graph *g, const qns_node *n, const char *name)
{
    const qns_qrule r = {.by = QNS_BY_SKIP, .pattern = name};
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++)
        if (qns_qrule_matches(&r, g, qns_graph_node(g, (qns_nid){i})) != (i == n->id.i))
            return false;
    return true;
}

/* A name by which a skip list can mean this node and no other: a name of one node may be that of
 * another one's output. Its own name when there is none. */
static const char *skip_name(const qns_graph *g, const qns_node *n)
{
    if (names_only(g, n, n->name))
        return n->name;
    for (uint32_t i = 0; i < n->n_origin; i++)
        if (names_only(g, n, n->origin[i]))
            return n->origin[i];
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(g, n->out[i]);
        if (names_only(g, n, v->name))
            return v->name;
        if (names_only(g, n, v->origin))
            return v->origin;
    }
    return n->name;
}

/* ---- which nodes ---- */

static bool is_unit(const qns_decisions *d, const qns_node *n)
{
    uint32_t activations = 0;
    if (!qns_decisions_int8(d, n->id))
        return false;
    for (uint32_t i = 0; i < n->n_in; i++)
        activations += qns_is_float_act(qns_decisions_graph(d), n, i);
    /* A concat brings its inputs to one range. */
    return n->op->quant.out != QNS_OUT_AS_INPUT || activations > 1;
}

typedef struct grouping {
    const qns_graph *g;
    uint32_t *leader; /* of each node: the first node of its unit; QNS_NONE: in none */
    const char **name;
} grouping;

static void merge(grouping *x, uint32_t a, uint32_t b)
{
    const uint32_t from = x->leader[a] > x->leader[b] ? x->leader[a] : x->leader[b];
    const uint32_t to = x->leader[a] > x->leader[b] ? x->leader[b] : x->leader[a];
    for (uint32_t i = 0; from != to && i < qns_graph_n_nodes(x->g); i++)
        if (x->leader[i] == from)
            x->leader[i] = to;
}

/* All units that the rule names become one; *first is one of their nodes, or QNS_NONE. */
static bool merge_matches(grouping *x, uint32_t *first, const qns_qrule *r)
{
    bool any = false;
    for (uint32_t i = 0; i < qns_graph_n_nodes(x->g); i++) {
        if (x->leader[i] == QNS_NONE ||
            !qns_qrule_matches(r, x->g, qns_graph_node(x->g, (qns_nid){i})))
            continue;
        any = true;
        if (*first == QNS_NONE)
            *first = i;
        merge(x, *first, i);
    }
    return any;
}

static qns_status no_match(const grouping *x, const char *glob, qns_err *err)
{
    const char *names[512];
    size_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(x->g) && n < QNS_ARRAY_LEN(names); i++)
        if (x->leader[i] != QNS_NONE)
            names[n++] = x->name[i];
    const int64_t near = qns_nearest(glob, names, n);
    QNS_FAIL(err, NOTFOUND, "'%s' matches no int8 layer%s%s%s", glob,
             near >= 0 ? "; did you mean '" : "", near >= 0 ? names[near] : "",
             near >= 0 ? "'?" : "");
}

static qns_status merge_groups(grouping *x, const qns_trials_spec *s, qns_err *err)
{
    for (size_t k = 0; k < s->n_groups; k++) {
        uint32_t first = QNS_NONE;
        for (size_t i = 0; i < s->group[k].n_globs; i++) {
            const qns_qrule r = {.by = QNS_BY_NAME, .pattern = s->group[k].globs[i]};
            if (!merge_matches(x, &first, &r))
                return no_match(x, r.pattern, err);
        }
    }
    return QNS_OK;
}

static double count_of(const qns_graph *g, qns_vid v)
{
    return (double)qns_shape_count(&qns_graph_value(g, v)->shape);
}

static void add_costs(qns_trial_unit *u, const qns_graph *g, const qns_node *n)
{
    const int8_t weight = n->op->quant.weight;
    u->macs += (double)qns_node_macs(g, n);
    for (uint32_t i = 0; i < n->n_out; i++)
        u->activation_bytes += count_of(g, n->out[i]);
    if (weight >= 0 && (uint32_t)weight < n->n_in && qns_is_float_weight(g, n, (uint32_t)weight))
        u->weight_bytes += count_of(g, n->in[weight]);
}

static qns_status make_unit(qns_trials *t, const grouping *x, uint32_t first, qns_err *err)
{
    const uint32_t number = t->n_units++;
    qns_trial_unit *u = &t->unit[number];
    const uint32_t n_nodes = qns_graph_n_nodes(x->g);
    const char **names;
    for (uint32_t i = first; i < n_nodes; i++)
        u->n_names += x->leader[i] == first;
    QNS_TRY(qns_arena_new((void **)&names, t->arena, u->n_names, sizeof *names, err));
    u->n_names = 0;
    for (uint32_t i = first; i < n_nodes; i++) {
        if (x->leader[i] != first)
            continue;
        names[u->n_names++] = x->name[i];
        t->unit_of[i] = number;
        add_costs(u, x->g, qns_graph_node(x->g, (qns_nid){i}));
    }
    u->names = names;
    u->name = names[0];
    u->op = qns_graph_node(x->g, (qns_nid){first})->op->name;
    u->index = first;
    return QNS_OK;
}

qns_status qns_trials_find_units(qns_trials *t, const qns_decisions *all, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_graph *g = t->spec.fused;
    const uint32_t n = qns_graph_n_nodes(g);
    grouping x = {.g = g};
    uint32_t n_units = 0;
    QNS_TRY_DONE(qns_new((void **)&x.leader, n, sizeof *x.leader, err));
    QNS_TRY_DONE(qns_new((void **)&x.name, n, sizeof *x.name, err));
    for (uint32_t i = 0; i < n; i++) {
        const qns_node *node = qns_graph_node(g, (qns_nid){i});
        x.leader[i] = is_unit(all, node) ? i : QNS_NONE;
        x.name[i] = x.leader[i] == QNS_NONE ? NULL : skip_name(g, node);
    }
    for (uint32_t i = 0; i < n; i++) {
        /* No name of its own: whoever it skips comes along. */
        const qns_qrule r = {.by = QNS_BY_SKIP, .pattern = x.name[i]};
        if (x.leader[i] != QNS_NONE && !names_only(g, qns_graph_node(g, (qns_nid){i}), r.pattern))
            merge_matches(&x, &(uint32_t){i}, &r);
    }
    QNS_TRY_DONE(merge_groups(&x, &t->spec, err));
    for (uint32_t i = 0; i < n; i++)
        n_units += x.leader[i] == i;
    QNS_TRY_DONE(qns_arena_new((void **)&t->unit_of, t->arena, n, sizeof *t->unit_of, err));
    for (uint32_t i = 0; i < n; i++)
        t->unit_of[i] = QNS_NONE;
    QNS_TRY_DONE(qns_arena_new((void **)&t->unit, t->arena, n_units, sizeof *t->unit, err));
    for (uint32_t i = 0; i < n; i++)
        if (x.leader[i] == i)
            QNS_TRY_DONE(make_unit(t, &x, i, err));
done:
    qns_free(x.leader);
    qns_free(x.name);
    return st;
}

/* ---- the graph of a set ---- */

qns_status qns_mixed_prepare(qns_mixed *m, qns_trials *t, const bool *in_float, uint32_t *missing,
                             qns_err *err)
{
    *m = (qns_mixed){0};
    QNS_TRY(qns_qconfig_copy(&m->set, t->spec.set, err));
    for (uint32_t i = 0; in_float && i < t->n_units; i++)
        for (size_t k = 0; in_float[i] && k < t->unit[i].n_names; k++)
            QNS_TRY(qns_qconfig_skip(m->set, t->unit[i].names[k], err));
    QNS_TRY(qns_prepare(&m->decisions, t->spec.fused, m->set, err));
    return qns_ranges_want(missing, t->ranges, m->decisions, err);
}

qns_status qns_mixed_make(qns_mixed *m, qns_trials *t, const bool *in_float, bool run, qns_err *err)
{
    uint32_t missing;
    QNS_TRY(qns_mixed_prepare(m, t, in_float, &missing, err));
    if (missing)
        QNS_TRY(qns_trials_calibrate(t, err));
    QNS_TRY(qns_ranges_settle(t->ranges, m->decisions, err));
    /* Which layers no integer operator takes was told when all were tried. */
    const bool was = qns_log_mute(true);
    const qns_status st = qns_mixed_finish(m, run, err);
    qns_log_mute(was);
    return st;
}

qns_status qns_mixed_finish(qns_mixed *m, bool run, qns_err *err)
{
    QNS_TRY(qns_convert(&m->qdq, m->decisions, err));
    if (!run)
        return QNS_OK;
    QNS_TRY(qns_lower(&m->lowered, m->qdq, qns_qconfig_backend(m->set), err));
    return qns_fuse(&m->graph, m->lowered, err);
}

void qns_mixed_fini(qns_mixed *m)
{
    qns_graph_free(m->graph);
    qns_graph_free(m->lowered);
    qns_graph_free(m->qdq);
    qns_decisions_free(m->decisions);
    qns_qconfig_free(m->set);
    *m = (qns_mixed){0};
}
