/* SPDX-License-Identifier: MIT */
/* One walk in run order, building the integer graph. A quantize node whose work a lowered node does
 * is left out; dequantize nodes are copied in any case, and those nobody reads are dropped at the
 * end. */
#include "core/quant/lower.h"

#include "core/base/mem.h"
#include "core/quant/convert_dynamic.h"
#include "core/quant/lower_dynamic.h"

typedef struct lowerer {
    qns_lower_view v;
    const qns_backend *be; /* NULL: literal */
    qns_gb *gb;
    bool *done; /* nodes that became part of an earlier one, or a constant */
    qns_dyn_marks *marks;
} lowerer;

/* Codes behind a dequantize or float16 behind a cast, that are constant. */
static bool can_fold(const lowerer *l, const qns_node *n)
{
    const qns_value *v = n->n_in ? qns_graph_value(l->v.g, n->in[0]) : NULL;
    return v && v->constant &&
           (n->op == l->v.op.dq || (v->dtype == QNS_F16 && n->op == qns_op_find("cast")));
}

/* Such a constant, as float. */
static qns_status fold(lowerer *l, const qns_node *n, qns_err *err)
{
    const qns_value *v = qns_graph_value(l->v.g, n->out[0]);
    qns_tensor t = qns_graph_tensor(l->v.g, n->in[0]);
    if (n->op == l->v.op.dq)
        t.qp = qns_qdq_qparams(n);
    float *x;
    qns_vid now;
    QNS_TRY(qns_arena_new((void **)&x, qns_gb_arena(l->gb), qns_tensor_count(&t), sizeof *x, err));
    qns_tensor_to_float(x, &t);
    const qns_const_spec s = {v->name, v->origin, QNS_F32, v->shape, x, NULL};
    QNS_TRY(qns_gb_constant(&now, l->gb, &s, err));
    return qns_gb_map(l->gb, v->id, now, err);
}

/* Before somebody reads a value as it is: most constants are weights that are taken as codes, and
 * nobody asks for the floats. */
static qns_status need(lowerer *l, qns_vid v, qns_err *err)
{
    const qns_nid maker = qns_has(v) ? qns_graph_value(l->v.g, v)->producer : (qns_nid){QNS_NONE};
    if (maker.i == QNS_NONE || l->done[maker.i] || !can_fold(l, qns_graph_node(l->v.g, maker)))
        return QNS_OK;
    l->done[maker.i] = true;
    return fold(l, qns_graph_node(l->v.g, maker), err);
}

static qns_status need_inputs(lowerer *l, const qns_node *n, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_in; i++)
        QNS_TRY(need(l, n->in[i], err));
    return QNS_OK;
}

static qns_status need_outputs(lowerer *l, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(l->v.g); i++)
        QNS_TRY(need(l, qns_graph_output(l->v.g, i), err));
    return QNS_OK;
}

/* The constant of codes with the qparams that its dequantize node states. */
static qns_status code_constant(qns_vid *out, lowerer *l, qns_vid codes, const qns_qparams *qp,
                                qns_err *err)
{
    const qns_value *v = qns_graph_value(l->v.g, codes);
    QNS_TRY(qns_gb_mapped(out, l->gb, codes, err));
    if (qns_qparams_equal(qns_gb_value(l->gb, *out)->qp, qp))
        return QNS_OK;
    const qns_const_spec s = {v->name, v->origin, v->dtype, v->shape, v->constant, qp};
    QNS_TRY(qns_gb_constant(out, l->gb, &s, err));
    return qns_gb_map(l->gb, codes, *out, err);
}

static qns_status add_inputs(qns_vid *in, lowerer *l, const qns_lower_match *m, qns_err *err)
{
    for (uint32_t i = 0; i < m->n_in; i++) {
        const qns_lower_input *x = &m->in[i];
        if (x->kind == QNS_LOWER_CODES)
            QNS_TRY(qns_gb_mapped(&in[i], l->gb, x->codes, err));
        else if (x->kind == QNS_LOWER_CONSTANT)
            QNS_TRY(code_constant(&in[i], l, x->codes, x->qp, err));
        else if (x->kind == QNS_LOWER_NEW) {
            const qns_value *b = qns_graph_value(l->v.g, x->shifted ? x->codes : m->from[i]);
            const qns_const_spec s = {b->name,  b->origin,      x->tensor.dtype,
                                      b->shape, x->tensor.data, x->tensor.qp};
            QNS_TRY(qns_gb_constant(&in[i], l->gb, &s, err));
        } else {
            QNS_TRY(need(l, m->from[i], err));
            QNS_TRY(qns_gb_mapped(&in[i], l->gb, m->from[i], err));
        }
    }
    return QNS_OK;
}

static qns_status add_match(lowerer *l, const qns_lower_match *m, qns_err *err)
{
    const qns_node *n = m->node;
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    QNS_TRY(add_inputs(in, l, m, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        name[i] = m->out[i]->name;
        origin[i] = m->out[i]->origin;
    }
    const qns_node_spec s = {.op = n->op,
                             .name = n->name,
                             .attr = n->attr,
                             .clamp = m->clamp,
                             .in = in,
                             .n_in = m->n_in,
                             .origin = m->origin,
                             .n_origin = m->n_origin,
                             .n_out = n->n_out,
                             .out_name = name,
                             .out_origin = origin,
                             .out_qp = m->qp};
    QNS_TRY(qns_gb_node(out, l->gb, &s, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (!m->qp[i])
            QNS_TRY(qns_gb_map(l->gb, m->out[i]->id, out[i], err));
        if (!m->q[i])
            continue;
        QNS_TRY(qns_gb_map(l->gb, m->q[i]->out[0], out[i], err));
        l->done[m->q[i]->id.i] = true;
    }
    for (uint32_t i = 0; i < m->n_folded; i++)
        l->done[m->folded[i]->id.i] = true;
    return QNS_OK;
}

static qns_status lower_node(lowerer *l, const qns_node *n, qns_err *err)
{
    qns_lower_match m;
    bool matched = false;
    if (l->done[n->id.i] || can_fold(l, n))
        return QNS_OK;
    if (n->op == l->v.op.q && l->v.moved[n->out[0].i])
        return qns_qdq_copy(l->gb, l->v.g, n, l->v.moved[n->out[0].i], err);
    if (n->op == l->v.op.dq && l->v.moved[n->in[0].i])
        return qns_qdq_copy(l->gb, l->v.g, n, l->v.moved[n->in[0].i], err);
    if (l->marks)
        QNS_TRY(need_inputs(l, n, err));
    if (l->be)
        QNS_TRY(qns_lower_dynamic(&matched, l->gb, l->done, &l->v, l->marks, n, l->be, err));
    if (matched)
        return QNS_OK;
    if (l->be && n->op != l->v.op.dq && n->op != l->v.op.q)
        QNS_TRY(qns_lower_find(&matched, &m, &l->v, n, l->be, qns_gb_arena(l->gb), err));
    if (matched)
        return add_match(l, &m, err);
    QNS_TRY(need_inputs(l, n, err));
    return qns_gb_copy_node(l->gb, n, err);
}

static qns_status lower(qns_graph **out, const qns_graph *qdq, const qns_backend *be, qns_err *err)
{
    qns_status st = QNS_OK;
    const uint32_t n_nodes = qns_graph_n_nodes(qdq);
    const uint32_t n_values = qns_graph_n_values(qdq);
    lowerer l = {.v = {.g = qdq, .op = qns_qdq_find()}, .be = be};
    QNS_TRY_DONE(qns_new((void **)&l.v.user, n_values, sizeof *l.v.user, err));
    QNS_TRY_DONE(qns_new((void **)&l.v.moved, n_values, sizeof *l.v.moved, err));
    QNS_TRY_DONE(qns_new((void **)&l.done, n_nodes, sizeof *l.done, err));
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(qdq, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++)
            if (qns_has(n->in[k]))
                l.v.user[n->in[k].i] = i;
    }
    QNS_TRY_DONE(qns_dyn_marks_read(&l.marks, qdq, err));
    QNS_TRY_DONE(qns_gb_create(&l.gb, NULL, qdq, err));
    QNS_TRY_DONE(qns_gb_copy_inputs(l.gb, err));
    if (be)
        QNS_TRY_DONE(qns_lower_move(&l.v, qns_gb_arena(l.gb), err));
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(qdq, (qns_nid){i});
        st = lower_node(&l, n, err);
        if (st != QNS_OK) {
            qns_err_note(err, "lowering node '%s'", n->name);
            goto done;
        }
    }
    QNS_TRY_DONE(need_outputs(&l, err));
    QNS_TRY_DONE(qns_gb_copy_outputs(l.gb, err));
    st = qns_gb_finish(out, l.gb, err);
    l.gb = NULL;
done:
    qns_gb_free(l.gb);
    qns_free(l.v.user);
    qns_free(l.v.moved);
    qns_free(l.done);
    qns_dyn_marks_free(l.marks);
    return st;
}

qns_status qns_lower(qns_graph **out, const qns_graph *qdq, const qns_backend *be, qns_err *err)
{
    return lower(out, qdq, be, err);
}

qns_status qns_lower_literal(qns_graph **out, const qns_graph *qdq, qns_err *err)
{
    return lower(out, qdq, NULL, err);
}

bool qns_is_qdq(const qns_graph *g)
{
    const qns_qdq_ops op = qns_qdq_find();
    const qns_op *dynamic = qns_op_find("dynamic_quantize");
    if (qns_graph_meta(g, QNS_META_DYNAMIC))
        return true;
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        if (n->op == op.q || n->op == op.dq || n->op == dynamic)
            return true;
    }
    return false;
}
