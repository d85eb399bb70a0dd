/* SPDX-License-Identifier: MIT */
/* Building a graph with one layer changed. */
#include "core/base/mem.h"
#include "core/quant/qdq.h"
#include "ns/fault_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- the layer ---- */

static const qns_value *constant_of(const qns_graph *g, const qns_node *n, int slot)
{
    if (slot < 0 || (uint32_t)slot >= n->n_in || !qns_has(n->in[slot]))
        return NULL;
    const qns_value *v = qns_graph_value(g, n->in[slot]);
    return v->constant ? v : NULL;
}

static void look_at(qns_fault_site *s, const qns_graph *g, const qns_node *n)
{
    *s = (qns_fault_site){.g = g, .n = n};
    const qns_value *out = qns_graph_value(g, n->out[0]);
    const qns_value *w = constant_of(g, n, n->op->quant.weight);
    if (n->n_out == 1 && out->qp && out->qp->n == 1 && qns_is_code(out->dtype))
        s->out = out;
    if (!w || w->dtype != QNS_I8 || !w->qp || w->shape.rank < 1)
        return;
    const int32_t axis = w->qp->axis >= 0                ? w->qp->axis
                         : n->op->quant.weight_axis >= 0 ? n->op->quant.weight_axis
                                                         : 0;
    s->weight = w;
    s->outer = qns_shape_span(&w->shape, 0, axis);
    s->rows = (size_t)w->shape.dim[axis];
    s->inner = qns_shape_span(&w->shape, axis + 1, w->shape.rank);
    const qns_value *b = constant_of(g, n, n->op->quant.bias);
    if (b && (b->dtype == QNS_F32 || (b->dtype == QNS_I32 && b->qp)) &&
        qns_shape_count(&b->shape) == s->rows)
        s->bias = b;
}

const char *qns_fault_reject(const qns_fault *f, const qns_graph *g, const qns_node *n)
{
    qns_fault_site s;
    if (n->n_out == 0)
        return "it has no output";
    look_at(&s, g, n);
    return f->reject(&s);
}

/* ---- what faults are made of ---- */

qns_status qns_fault_codes(int8_t **codes, const qns_fault_site *s, qns_err *err)
{
    const size_t n = qns_shape_count(&s->weight->shape);
    QNS_TRY(qns_arena_new((void **)codes, qns_gb_arena(s->gb), n, 1, err));
    memcpy(*codes, s->weight->constant, n);
    return QNS_OK;
}

qns_status qns_fault_qparams(const qns_qparams **out, const qns_fault_site *s, double scale,
                             int32_t zero, qns_err *err)
{
    return qns_qparams_new(out, qns_gb_arena(s->gb), s->out->qp->dtype, -1, 1, &scale, &zero, err);
}

void qns_fault_add_bias(void *out, const qns_fault_site *s, size_t row, double add)
{
    if (s->bias->dtype == QNS_F32) {
        ((float *)out)[row] = (float)((double)((const float *)s->bias->constant)[row] + add);
        return;
    }
    const double step = qns_qparams_scale(s->bias->qp, (int32_t)row);
    const double v = ((const int32_t *)s->bias->constant)[row] + add / step;
    ((int32_t *)out)[row] = (int32_t)rint(fmax(fmin(v, INT32_MAX), INT32_MIN));
}

/* From now on the new constant stands for the old one. */
static qns_status replace(qns_fault_site *s, const qns_value *old, const void *data,
                          const qns_qparams *qp, qns_err *err)
{
    qns_vid now;
    const qns_const_spec c = {.name = old->name,
                              .origin = old->origin,
                              .dtype = old->dtype,
                              .shape = old->shape,
                              .data = data,
                              .qp = qp};
    QNS_TRY(qns_gb_constant(&now, s->gb, &c, err));
    return qns_gb_map(s->gb, old->id, now, err);
}

/* Layers behind that share the constant get what it was. */
static qns_status put_back(qns_fault_site *s, const qns_value *old, qns_err *err)
{
    return old->n_uses > 1 ? replace(s, old, old->constant, old->qp, err) : QNS_OK;
}

qns_status qns_fault_constants(qns_fault_site *s, const int8_t *codes, const qns_qparams *qp,
                               const void *bias, qns_err *err)
{
    if (codes || qp)
        QNS_TRY(replace(s, s->weight, codes ? (const void *)codes : s->weight->constant,
                        qp ? qp : s->weight->qp, err));
    if (bias)
        QNS_TRY(replace(s, s->bias, bias, s->bias->qp, err));
    QNS_TRY(qns_gb_copy_node(s->gb, s->n, err));
    if (codes || qp)
        QNS_TRY(put_back(s, s->weight, err));
    return bias ? put_back(s, s->bias, err) : QNS_OK;
}

/* The layer itself, its output under another name: what is behind it will have the name. */
static qns_status copy_renamed(qns_vid *out, qns_fault_site *s, const char *name, qns_err *err)
{
    qns_vid in[QNS_MAX_IN];
    const qns_node *n = s->n;
    for (uint32_t i = 0; i < n->n_in; i++)
        QNS_TRY(qns_gb_mapped(&in[i], s->gb, n->in[i], err));
    qns_node_spec spec = qns_node_spec_like(n, in);
    spec.n_out = 1;
    spec.out_name = &name;
    spec.out_qp = &s->out->qp;
    return qns_gb_node(out, s->gb, &spec, err);
}

qns_status qns_fault_values(qns_fault_site *s, const qns_qparams *const *read,
                            const qns_qparams *const *written, size_t n, qns_err *err)
{
    char name[600];
    const qns_qdq_ops ops = qns_qdq_find();
    qns_vid v;
    snprintf(name, sizeof name, "%.500s_right", s->out->name);
    QNS_TRY(copy_renamed(&v, s, name, err));
    for (size_t i = 0; i < n; i++) {
        const bool last = i + 1 == n;
        snprintf(name, sizeof name, "%.500s_read%zu", s->out->name, i);
        QNS_TRY(qns_qdq_add(&v, s->gb, ops.dq, v, name, name, read[i], err));
        snprintf(name, sizeof name, "%.500s_written%zu", s->out->name, i);
        QNS_TRY(qns_qdq_add(&v, s->gb, ops.q, v, last ? s->out->name : name,
                            last ? s->out->origin : name, written[i], err));
    }
    return qns_gb_map(s->gb, s->out->id, v, err);
}

/* ---- the graph ---- */

qns_status qns_fault_apply(qns_graph **out, const qns_fault *f, const qns_graph *g, qns_nid at,
                           qns_err *err)
{
    qns_gb *gb = NULL;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(qns_gb_create(&gb, qns_graph_name(g), g, err));
    QNS_TRY_DONE(qns_gb_copy_inputs(gb, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        if (i != at.i) {
            QNS_TRY_DONE(qns_gb_copy_node(gb, n, err));
            continue;
        }
        qns_fault_site s;
        look_at(&s, g, n);
        s.gb = gb;
        QNS_TRY_DONE(f->make(&s, err));
    }
    QNS_TRY_DONE(qns_gb_copy_outputs(gb, err));
    st = qns_gb_finish(out, gb, err);
    gb = NULL;
done:
    qns_gb_free(gb);
    if (st != QNS_OK)
        qns_err_note(err, "fault '%s'", f->name);
    return st;
}
