/* SPDX-License-Identifier: MIT */
/* While a graph is built, values and nodes lie in growing arrays in the order they came; finish()
 * marks what the outputs need, copies that into the arena with new ids and hands it to verify.c. */
#include "core/graph/builder.h"

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/graph_internal.h"
#include "core/graph/op.h"
#include "core/graph/verify.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

struct qns_gb {
    qns_graph *g; /* the graph to be: owns the arena from the start */
    const qns_graph *source;
    struct {
        qns_value *at;
        size_t n, cap;
    } value;
    struct {
        qns_node *at;
        size_t n, cap;
    } node;
    struct {
        qns_vid *at;
        size_t n, cap;
    } input, output;
    struct {
        qns_meta *at;
        size_t n, cap;
    } meta;
    qns_vid *map; /* of source values; QNS_NONE: not mapped */
    qns_map value_names, node_names;
};

qns_status qns_gb_create(qns_gb **out, const char *name, const qns_graph *source, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_gb *gb = NULL;
    QNS_TRY(qns_new((void **)&gb, 1, sizeof *gb, err));
    gb->source = source;
    QNS_TRY_DONE(qns_new((void **)&gb->g, 1, sizeof *gb->g, err));
    QNS_TRY_DONE(qns_arena_create(&gb->g->arena, err));
    gb->g->name = qns_arena_strdup(gb->g->arena, name ? name : source ? source->name : "graph");
    if (!gb->g->name)
        QNS_FAIL_DONE(err, NOMEM, "cannot start a graph");
    if (source) {
        QNS_TRY_DONE(qns_new((void **)&gb->map, source->n_values, sizeof *gb->map, err));
        memset(gb->map, 0xff, source->n_values * sizeof *gb->map);
        for (uint32_t i = 0; i < source->n_meta; i++)
            QNS_TRY_DONE(qns_gb_meta(gb, source->meta[i].key, source->meta[i].value, err));
    }
    *out = gb;
    gb = NULL;
done:
    qns_gb_free(gb);
    return st;
}

void qns_gb_free(qns_gb *gb)
{
    if (!gb)
        return;
    qns_graph_free(gb->g);
    qns_free(gb->value.at);
    qns_free(gb->node.at);
    qns_free(gb->input.at);
    qns_free(gb->output.at);
    qns_free(gb->meta.at);
    qns_free(gb->map);
    qns_map_fini(&gb->value_names);
    qns_map_fini(&gb->node_names);
    qns_free(gb);
}

qns_arena *qns_gb_arena(qns_gb *gb)
{
    return gb->g->arena;
}

const qns_value *qns_gb_value(const qns_gb *gb, qns_vid v)
{
    assert(v.i < gb->value.n);
    return &gb->value.at[v.i];
}

const qns_node *qns_gb_maker(const qns_gb *gb, qns_vid v)
{
    const qns_nid n = qns_gb_value(gb, v)->producer;
    return n.i == QNS_NONE ? NULL : &gb->node.at[n.i];
}

static qns_status copy_text(const char **out, qns_gb *gb, const char *s, qns_err *err)
{
    *out = qns_arena_strdup(gb->g->arena, s);
    if (!*out)
        QNS_FAIL(err, NOMEM, "cannot copy a name");
    return QNS_OK;
}

/* The name itself, or name_1, name_2 ... when it is taken. */
static qns_status unique(const char **out, qns_gb *gb, qns_map *names, const char *name,
                         uint32_t id, qns_err *err)
{
    char text[1024];
    const char *use = name;
    for (unsigned i = 1; qns_map_get(names, use) != QNS_MAP_NONE; i++) {
        snprintf(text, sizeof text, "%.1000s_%u", name, i);
        use = text;
    }
    QNS_TRY(copy_text(out, gb, use, err));
    return qns_map_put(names, *out, id, err);
}

qns_status qns_gb_meta(qns_gb *gb, const char *key, const char *value, qns_err *err)
{
    qns_meta m;
    QNS_TRY(copy_text(&m.value, gb, value, err));
    for (size_t i = 0; i < gb->meta.n; i++)
        if (strcmp(gb->meta.at[i].key, key) == 0) {
            gb->meta.at[i].value = m.value;
            return QNS_OK;
        }
    QNS_TRY(copy_text(&m.key, gb, key, err));
    QNS_VEC_PUSH(&gb->meta, m, err);
    return QNS_OK;
}

static qns_status add_value(qns_vid *out, qns_gb *gb, qns_value v, qns_err *err)
{
    const char *origin = v.origin;
    if (gb->value.n >= QNS_NONE - 1)
        QNS_FAIL(err, UNSUPPORTED, "too many values");
    v.id.i = (uint32_t)gb->value.n;
    if (qns_shape_check(&v.shape, err) != QNS_OK) {
        qns_err_note(err, "value '%s'", v.name);
        return err ? err->code : QNS_E_SHAPE;
    }
    QNS_TRY(unique(&v.name, gb, &gb->value_names, v.name, v.id.i, err));
    QNS_TRY(copy_text(&v.origin, gb, origin ? origin : v.name, err));
    QNS_VEC_PUSH(&gb->value, v, err);
    *out = v.id;
    return QNS_OK;
}

qns_status qns_gb_input(qns_vid *out, qns_gb *gb, const char *name, qns_dtype dtype,
                        const qns_shape *shape, qns_err *err)
{
    const qns_value v = {.name = name, .dtype = dtype, .shape = *shape, .producer = {QNS_NONE}};
    QNS_TRY(add_value(out, gb, v, err));
    QNS_VEC_PUSH(&gb->input, *out, err);
    return QNS_OK;
}

qns_status qns_gb_input_like(qns_vid *out, qns_gb *gb, const char *name, const qns_value *like,
                             qns_err *err)
{
    qns_value v = {.name = name,
                   .dtype = like->dtype,
                   .shape = like->shape,
                   .layout = like->layout,
                   .producer = {QNS_NONE}};
    if (like->qp)
        QNS_TRY(qns_qparams_new(&v.qp, gb->g->arena, like->qp->dtype, like->qp->axis, like->qp->n,
                                like->qp->scale, like->qp->zero, err));
    QNS_TRY(add_value(out, gb, v, err));
    QNS_VEC_PUSH(&gb->input, *out, err);
    return QNS_OK;
}

qns_status qns_gb_constant(qns_vid *out, qns_gb *gb, const qns_const_spec *s, qns_err *err)
{
    assert(s->data);
    const qns_value v = {.name = s->name,
                         .origin = s->origin,
                         .dtype = s->dtype,
                         .shape = s->shape,
                         .constant = s->data,
                         .qp = s->qp,
                         .producer = {QNS_NONE}};
    return add_value(out, gb, v, err);
}

static qns_tensor tensor_of(const qns_gb *gb, qns_vid v)
{
    if (!qns_has(v))
        return (qns_tensor){.dtype = QNS_DTYPE_COUNT};
    const qns_value *x = qns_gb_value(gb, v);
    return (qns_tensor){x->dtype, QNS_ROW, x->shape, (void *)(uintptr_t)x->constant, x->qp};
}

static qns_status infer(qns_tensor *out, const qns_gb *gb, const qns_node *n, qns_err *err)
{
    qns_tensor in[QNS_MAX_IN];
    for (uint32_t i = 0; i < n->n_in; i++)
        in[i] = tensor_of(gb, n->in[i]);
    for (uint32_t i = 0; i < n->n_in && i < n->op->min_in; i++)
        if (!qns_has(n->in[i]))
            QNS_FAIL(err, FORMAT, "input %u is missing", i);
    if (n->n_in < n->op->min_in || n->n_in > n->op->max_in)
        QNS_FAIL(err, FORMAT, "has %u inputs; %s takes %u to %u", n->n_in, n->op->name,
                 n->op->min_in, n->op->max_in);
    if (n->n_out < 1 || n->n_out > n->op->n_out)
        QNS_FAIL(err, FORMAT, "has %u outputs; %s gives %u", n->n_out, n->op->name, n->op->n_out);
    memset(out, 0, QNS_MAX_OUT * sizeof *out);
    return n->op->infer(out, n, in, err);
}

static qns_status copy_origins(qns_node *n, qns_gb *gb, const qns_node_spec *s, qns_err *err)
{
    const char *const *from = s->n_origin ? s->origin : &n->name;
    const char **to;
    n->n_origin = s->n_origin ? s->n_origin : 1;
    QNS_TRY(qns_arena_new((void **)&to, gb->g->arena, n->n_origin, sizeof *to, err));
    for (uint32_t i = 0; i < n->n_origin; i++)
        QNS_TRY(copy_text(&to[i], gb, from[i], err));
    n->origin = to;
    return QNS_OK;
}

static qns_status add_outputs(qns_vid *out, qns_gb *gb, const qns_node *n, const qns_node_spec *s,
                              qns_err *err)
{
    qns_tensor t[QNS_MAX_OUT];
    QNS_TRY(infer(t, gb, n, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_qparams *qp = s->out_qp ? s->out_qp[i] : NULL;
        qns_value v = {.name = s->out_name[i],
                       .origin = s->out_origin ? s->out_origin[i] : NULL,
                       .dtype = qp ? qp->dtype : t[i].dtype,
                       .shape = t[i].shape,
                       .qp = qp ? qp : t[i].qp,
                       .producer = n->id};
        QNS_TRY(add_value(&out[i], gb, v, err));
    }
    return QNS_OK;
}

qns_status qns_gb_node(qns_vid *out, qns_gb *gb, const qns_node_spec *s, qns_err *err)
{
    qns_arena *a = gb->g->arena;
    qns_node n = {.id = {(uint32_t)gb->node.n},
                  .op = s->op,
                  .clamp = s->clamp,
                  .folded = s->folded,
                  .n_in = s->n_in,
                  .n_out = s->n_out,
                  .name = s->name};
    qns_vid *ids;
    assert(s->n_in <= QNS_MAX_IN && s->n_out <= QNS_MAX_OUT);
    QNS_TRY(qns_arena_new((void **)&ids, a, (size_t)s->n_in + s->n_out, sizeof *ids, err));
    if (s->n_in)
        memcpy(ids, s->in, s->n_in * sizeof *ids);
    n.in = ids;
    n.out = ids + s->n_in;
    n.attr = qns_arena_dup(a, s->attr, s->op->attr_size);
    if (!n.attr)
        QNS_FAIL(err, NOMEM, "cannot copy attributes");
    const qns_status st = add_outputs(ids + s->n_in, gb, &n, s, err);
    if (st != QNS_OK) {
        qns_err_note(err, "node '%s' (%s)", s->name, s->op->name);
        return st;
    }
    QNS_TRY(unique(&n.name, gb, &gb->node_names, s->name, n.id.i, err));
    QNS_TRY(copy_origins(&n, gb, s, err));
    QNS_VEC_PUSH(&gb->node, n, err);
    if (out)
        memcpy(out, n.out, n.n_out * sizeof *out);
    return QNS_OK;
}

qns_status qns_gb_map(qns_gb *gb, qns_vid old, qns_vid now, qns_err *err)
{
    assert(gb->source && old.i < gb->source->n_values);
    (void)err;
    gb->map[old.i] = now;
    return QNS_OK;
}

qns_status qns_gb_mapped(qns_vid *out, qns_gb *gb, qns_vid old, qns_err *err)
{
    *out = QNS_NO_VALUE;
    if (!qns_has(old))
        return QNS_OK;
    assert(gb->source && old.i < gb->source->n_values);
    const qns_value *v = &gb->source->value[old.i];
    if (!qns_has(gb->map[old.i]) && v->constant) {
        const qns_const_spec s = {v->name, v->origin, v->dtype, v->shape, v->constant, v->qp};
        QNS_TRY(qns_gb_constant(&gb->map[old.i], gb, &s, err));
    }
    *out = gb->map[old.i];
    return QNS_OK;
}

qns_status qns_gb_copy_inputs(qns_gb *gb, qns_err *err)
{
    for (uint32_t i = 0; i < gb->source->n_inputs; i++) {
        const qns_value *v = qns_graph_value(gb->source, gb->source->input[i]);
        qns_vid now;
        QNS_TRY(qns_gb_input(&now, gb, v->name, v->dtype, &v->shape, err));
        gb->map[v->id.i] = now;
    }
    return QNS_OK;
}

qns_node_spec qns_node_spec_like(const qns_node *n, const qns_vid *in)
{
    return (qns_node_spec){.op = n->op,
                           .name = n->name,
                           .attr = n->attr,
                           .clamp = n->clamp,
                           .folded = n->folded,
                           .in = in,
                           .n_in = n->n_in,
                           .origin = n->origin,
                           .n_origin = n->n_origin,
                           .n_out = n->n_out};
}

qns_status qns_gb_copy_node(qns_gb *gb, const qns_node *old, qns_err *err)
{
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    const qns_qparams *qp[QNS_MAX_OUT];
    for (uint32_t i = 0; i < old->n_in; i++)
        QNS_TRY(qns_gb_mapped(&in[i], gb, old->in[i], err));
    for (uint32_t i = 0; i < old->n_out; i++) {
        const qns_value *v = qns_graph_value(gb->source, old->out[i]);
        name[i] = v->name;
        origin[i] = v->origin;
        qp[i] = v->qp;
    }
    qns_node_spec s = qns_node_spec_like(old, in);
    s.out_name = name;
    s.out_origin = origin;
    s.out_qp = qp;
    QNS_TRY(qns_gb_node(out, gb, &s, err));
    for (uint32_t i = 0; i < old->n_out; i++)
        gb->map[old->out[i].i] = out[i];
    return QNS_OK;
}

qns_status qns_gb_copy_outputs(qns_gb *gb, qns_err *err)
{
    for (uint32_t i = 0; i < gb->source->n_outputs; i++) {
        qns_vid v;
        QNS_TRY(qns_gb_mapped(&v, gb, gb->source->output[i], err));
        QNS_TRY(qns_gb_output(gb, v, err));
    }
    return QNS_OK;
}

qns_status qns_gb_output(qns_gb *gb, qns_vid v, qns_err *err)
{
    assert(v.i < gb->value.n);
    QNS_VEC_PUSH(&gb->output, v, err);
    return QNS_OK;
}

/* Which values and nodes do the outputs need? Inputs stay in any case. */
static void mark(const qns_gb *gb, bool *need_value, bool *need_node)
{
    for (size_t i = 0; i < gb->input.n; i++)
        need_value[gb->input.at[i].i] = true;
    for (size_t i = 0; i < gb->output.n; i++)
        need_value[gb->output.at[i].i] = true;
    for (size_t i = gb->node.n; i-- > 0;) {
        const qns_node *n = &gb->node.at[i];
        for (uint32_t k = 0; k < n->n_out; k++)
            need_node[i] |= need_value[n->out[k].i];
        if (!need_node[i])
            continue;
        for (uint32_t k = 0; k < n->n_in; k++)
            if (qns_has(n->in[k]))
                need_value[n->in[k].i] = true;
        for (uint32_t k = 0; k < n->n_out; k++)
            need_value[n->out[k].i] = true;
    }
}

/* Ids in the finished graph, for the values and nodes that stay; the ids inside nodes lie in the
 * arena, which is ours until the graph is handed out. */
static qns_status compact(qns_graph *g, qns_gb *gb, const bool *need_value, const bool *need_node,
                          qns_vid *new_id, qns_err *err)
{
    uint32_t n_values = 0, n_nodes = 0;
    for (size_t i = 0; i < gb->value.n; i++)
        new_id[i].i = need_value[i] ? n_values++ : QNS_NONE;
    for (size_t i = 0; i < gb->node.n; i++)
        n_nodes += need_node[i];
    QNS_TRY(qns_arena_new((void **)&g->value, g->arena, n_values, sizeof *g->value, err));
    QNS_TRY(qns_arena_new((void **)&g->node, g->arena, n_nodes, sizeof *g->node, err));
    g->n_values = n_values;
    for (size_t i = 0; i < gb->value.n; i++)
        if (need_value[i]) {
            qns_value *v = &g->value[new_id[i].i];
            *v = gb->value.at[i];
            v->id = new_id[i];
        }
    for (size_t i = 0; i < gb->node.n; i++) {
        if (!need_node[i])
            continue;
        qns_node *n = &g->node[g->n_nodes];
        *n = gb->node.at[i];
        n->id.i = g->n_nodes++;
        qns_vid *ids = (qns_vid *)(uintptr_t)n->in;
        for (uint32_t k = 0; k < n->n_in + n->n_out; k++)
            if (qns_has(ids[k]))
                ids[k] = new_id[ids[k].i];
        for (uint32_t k = 0; k < n->n_out; k++)
            g->value[n->out[k].i].producer = n->id;
    }
    return QNS_OK;
}

static bool has_layout(const qns_value *v)
{
    return !v->constant && v->shape.rank >= 3 && v->shape.rank <= 5;
}

/* The layout of a node and of what it makes: see qns_layout_rule. */
static void assign_layout(qns_graph *g, qns_node *n)
{
    int32_t rank = 0;
    bool one_rank = true, chlast = false;
    for (uint32_t k = 0; k < n->n_in + n->n_out; k++) {
        if (!qns_has(n->in[k]))
            continue;
        const qns_value *v = &g->value[n->in[k].i];
        if (v->constant || v->shape.rank == 0)
            continue;
        one_rank &= rank == 0 || rank == v->shape.rank;
        rank = v->shape.rank;
        chlast |= k < n->n_in && v->layout == QNS_CHLAST;
    }
    n->layout = n->op->layout == QNS_LAYOUT_CHLAST                      ? QNS_CHLAST
                : n->op->layout == QNS_LAYOUT_ANY && one_rank && chlast ? QNS_CHLAST
                                                                        : QNS_ROW;
    for (uint32_t k = 0; k < n->n_out; k++) {
        qns_value *v = &g->value[n->out[k].i];
        v->layout = has_layout(v) ? n->layout : QNS_ROW;
    }
}

static qns_status fill_tables(qns_graph *g, qns_gb *gb, const qns_vid *new_id, qns_err *err)
{
    QNS_TRY(qns_arena_new((void **)&g->input, g->arena, gb->input.n, sizeof *g->input, err));
    QNS_TRY(qns_arena_new((void **)&g->output, g->arena, gb->output.n, sizeof *g->output, err));
    QNS_TRY(qns_arena_new((void **)&g->meta, g->arena, gb->meta.n, sizeof *g->meta, err));
    for (size_t i = 0; i < gb->input.n; i++)
        g->input[g->n_inputs++] = new_id[gb->input.at[i].i];
    for (size_t i = 0; i < gb->output.n; i++) {
        g->output[g->n_outputs++] = new_id[gb->output.at[i].i];
        g->value[new_id[gb->output.at[i].i].i].n_uses++;
    }
    for (size_t i = 0; i < gb->meta.n; i++)
        g->meta[g->n_meta++] = gb->meta.at[i];
    for (uint32_t i = 0; i < g->n_values; i++)
        QNS_TRY(qns_map_put(&g->value_by_name, g->value[i].name, i, err));
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        QNS_TRY(qns_map_put(&g->node_by_name, g->node[i].name, i, err));
        for (uint32_t k = 0; k < g->node[i].n_in; k++)
            if (qns_has(g->node[i].in[k]))
                g->value[g->node[i].in[k].i].n_uses++;
        assign_layout(g, &g->node[i]);
    }
    return QNS_OK;
}

qns_status qns_gb_finish(qns_graph **out, qns_gb *gb, qns_err *err)
{
    qns_status st = QNS_OK;
    bool *need_value = NULL, *need_node = NULL;
    qns_vid *new_id = NULL;
    if (gb->output.n == 0)
        QNS_FAIL_DONE(err, FORMAT, "the graph has no outputs");
    QNS_TRY_DONE(qns_new((void **)&need_value, gb->value.n, sizeof *need_value, err));
    QNS_TRY_DONE(qns_new((void **)&need_node, gb->node.n, sizeof *need_node, err));
    QNS_TRY_DONE(qns_new((void **)&new_id, gb->value.n, sizeof *new_id, err));
    mark(gb, need_value, need_node);
    QNS_TRY_DONE(compact(gb->g, gb, need_value, need_node, new_id, err));
    QNS_TRY_DONE(fill_tables(gb->g, gb, new_id, err));
    QNS_TRY_DONE(qns_graph_verify(gb->g, err));
    *out = gb->g;
    gb->g = NULL;
done:
    qns_free(need_value);
    qns_free(need_node);
    qns_free(new_id);
    qns_gb_free(gb);
    return st;
}
