/* SPDX-License-Identifier: MIT */
#include "core/quant/lower_match.h"

#include "core/base/log.h"
#include "core/quant/candidate.h"
#include "core/quant/weight.h"

#include <stdio.h>
#include <string.h>

/* ---- int8 activations ---- */

static bool can_move(const qns_lower_view *v, const qns_node *q)
{
    const qns_qparams *qp = qns_qdq_qparams(q);
    return qp->dtype == QNS_I8 && qp->n == 1 && !qns_graph_is_output(v->g, q->out[0]);
}

qns_status qns_lower_move(const qns_lower_view *v, qns_arena *a, qns_err *err)
{
    const uint32_t n_nodes = qns_graph_n_nodes(v->g);
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(v->g, (qns_nid){i});
        if (n->op != v->op.q || !can_move(v, n))
            continue;
        const int32_t zero = qns_qdq_qparams(n)->zero[0] + 128;
        QNS_TRY(qns_qparams_new(&v->moved[n->out[0].i], a, QNS_U8, -1, 1, qns_qdq_qparams(n)->scale,
                                &zero, err));
    }
    for (uint32_t i = 0; i < n_nodes; i++) {
        const qns_node *n = qns_graph_node(v->g, (qns_nid){i});
        for (uint32_t k = 0; k < n->n_in; k++) {
            if (!qns_has(n->in[k]) || !v->moved[n->in[k].i])
                continue;
            const qns_node *q = qns_qdq_maker(v->g, n->in[k], v->op.q);
            if (n->op != v->op.dq || !qns_qparams_equal(qns_qdq_qparams(n), qns_qdq_qparams(q)))
                v->moved[n->in[k].i] = NULL;
        }
    }
    return QNS_OK;
}

/* The qparams that a value of codes will have. */
static const qns_qparams *qparams_of(const qns_lower_view *v, qns_vid codes, const qns_node *qdq)
{
    return v->moved[codes.i] ? v->moved[codes.i] : qns_qdq_qparams(qdq);
}

/* ---- outputs ---- */

/* The only reader of v, when nobody else would miss it. */
static const qns_node *only_reader(const qns_lower_view *v, const qns_value *x)
{
    if (x->n_uses != 1 || qns_graph_is_output(v->g, x->id))
        return NULL;
    return qns_graph_node(v->g, (qns_nid){v->user[x->id.i]});
}

static const qns_node *quantizer(const qns_lower_view *v, const qns_value *x)
{
    const qns_node *r = only_reader(v, x);
    return r && r->op == v->op.q && qns_is_code(qns_qdq_qparams(r)->dtype) ? r : NULL;
}

static bool is_float(const qns_value *v)
{
    return v->dtype == QNS_F32;
}

/* One number for each of n outputs, along the last axis. */
static bool is_row(const qns_graph *g, const qns_qdq_ops *op, qns_vid id, int64_t n)
{
    const qns_node *dq = qns_qdq_maker(g, id, op->dq);
    const qns_value *x = qns_graph_value(g, dq ? dq->in[0] : id);
    return x->constant && x->dtype == (dq ? QNS_I32 : QNS_F32) && x->shape.rank == 1 &&
           x->shape.dim[0] == n;
}

const qns_node *qns_lower_bias(qns_vid *bias, const qns_lower_view *v, const qns_node *n)
{
    const int8_t weight = n->op->quant.weight, slot = n->op->quant.bias;
    if (weight < 0 || slot < 0 || n->n_out != 1 || qns_has_clamp(n) ||
        ((uint32_t)slot < n->n_in && qns_has(n->in[slot])) ||
        qns_graph_value(v->g, n->in[weight])->shape.rank != 2)
        return NULL;
    const qns_value *out = qns_graph_value(v->g, n->out[0]);
    const qns_node *next = only_reader(v, out);
    /* The bias of a single output is a number. */
    if (!next || (next->op != qns_op_find("add") && next->op != qns_op_find("add_scalar")))
        return NULL;
    *bias = next->in[next->in[0].i == out->id.i ? 1 : 0];
    const bool fits = is_row(v->g, &v->op, *bias, out->shape.dim[out->shape.rank - 1]);
    return fits ? next : NULL;
}

/* Every float output that is read must go into its own quantize node. */
static bool match_outputs(qns_lower_match *m, const qns_lower_view *v)
{
    const qns_node *n = m->node, *bias = NULL;
    qns_range range;
    m->clamp = n->clamp;
    m->n_folded = 0;
    m->n_in = n->n_in;
    memcpy(m->from, n->in, n->n_in * sizeof *n->in);
    for (uint32_t i = 0; i < n->n_out; i++) {
        m->out[i] = qns_graph_value(v->g, n->out[i]);
        m->q[i] = is_float(m->out[i]) ? quantizer(v, m->out[i]) : NULL;
    }
    qns_vid row;
    if (n->n_out == 1 && !m->q[0] && (bias = qns_lower_bias(&row, v, n))) {
        m->n_in = (uint32_t)n->op->quant.bias + 1;
        m->from[m->n_in - 1] = row;
        m->clamp = bias->clamp;
        m->folded[m->n_folded++] = bias;
        m->out[0] = qns_graph_value(v->g, bias->out[0]);
        m->q[0] = quantizer(v, m->out[0]);
    }
    /* One clamp behind, as files of other tools have it. Two limits are not joined here. */
    const qns_node *next = n->n_out == 1 && !m->q[0] ? only_reader(v, m->out[0]) : NULL;
    if (next && n->op->takes_clamp && !qns_has_clamp(bias ? bias : n) && next->op->as_clamp &&
        next->in[0].i == m->out[0]->id.i && next->op->as_clamp(&range, v->g, next)) {
        m->clamp = range;
        m->folded[m->n_folded++] = next;
        m->out[0] = qns_graph_value(v->g, next->out[0]);
        m->q[0] = quantizer(v, m->out[0]);
    }
    const qns_qparams *first = NULL;
    for (uint32_t i = 0; i < n->n_out; i++) {
        if (!m->q[i] && is_float(m->out[i]) &&
            (m->out[i]->n_uses || qns_graph_is_output(v->g, m->out[i]->id)))
            return false;
        m->qp[i] = m->q[i] ? qparams_of(v, m->q[i]->out[0], m->q[i]) : NULL;
        first = first ? first : m->qp[i];
    }
    for (uint32_t i = 0; i < n->n_out; i++)
        m->qp[i] = m->qp[i] || !is_float(m->out[i]) ? m->qp[i] : first;
    return first != NULL;
}

/* ---- inputs ---- */

/* The codes in front of input i, if a dequantize node makes it. */
static bool match_codes(qns_lower_input *x, const qns_lower_view *v, qns_vid in)
{
    const qns_node *dq = qns_qdq_maker(v->g, in, v->op.dq);
    if (!dq)
        return false;
    x->codes = dq->in[0];
    x->qp = qparams_of(v, x->codes, dq);
    x->kind = qns_graph_value(v->g, x->codes)->constant ? QNS_LOWER_CONSTANT : QNS_LOWER_CODES;
    x->tensor = qns_graph_tensor(v->g, x->codes);
    x->tensor.qp = x->qp;
    x->tensor.dtype = x->qp->dtype;
    return true;
}

static bool match_inputs(qns_lower_match *m, const qns_lower_view *v)
{
    bool any = false;
    for (uint32_t i = 0; i < m->n_in; i++) {
        qns_lower_input *x = &m->in[i];
        *x = (qns_lower_input){.kind = QNS_LOWER_SAME, .tensor.dtype = QNS_DTYPE_COUNT};
        if (!qns_has(m->from[i]))
            continue;
        const qns_value *value = qns_graph_value(v->g, m->from[i]);
        if (!match_codes(x, v, m->from[i])) {
            x->tensor = qns_graph_tensor(v->g, value->id);
            if (!value->constant && value->dtype == QNS_F32)
                return false;
        }
        any |= x->kind == QNS_LOWER_CODES && qns_is_code(x->tensor.dtype);
    }
    return any;
}

/* ---- constants ---- */

static bool is_slot(int8_t slot, uint32_t i)
{
    return slot >= 0 && (uint32_t)slot == i;
}

/* Codes of the other signedness: they and the zero point move by 128 and mean the same numbers. */
static qns_status shift_codes(qns_lower_input *x, qns_arena *a, qns_err *err)
{
    const qns_qparams *qp = x->qp;
    const size_t n = qns_tensor_count(&x->tensor);
    const bool to_s8 = qp->dtype == QNS_U8;
    const uint8_t *from = x->tensor.data;
    uint8_t *to;
    int32_t *zero;
    QNS_TRY(qns_arena_new((void **)&to, a, n, 1, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, (size_t)qp->n, sizeof *zero, err));
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] ^ 0x80;
    for (int32_t i = 0; i < qp->n; i++)
        zero[i] = qp->zero[i] + (to_s8 ? -128 : 128);
    QNS_TRY(
        qns_qparams_new(&x->qp, a, to_s8 ? QNS_I8 : QNS_U8, qp->axis, qp->n, qp->scale, zero, err));
    x->tensor = (qns_tensor){x->qp->dtype, QNS_ROW, x->tensor.shape, to, x->qp};
    x->kind = QNS_LOWER_NEW;
    x->shifted = true;
    return QNS_OK;
}

/* The integer operators take int8 weights and uint8 for everything else. */
static qns_status adapt_constants(qns_lower_match *m, qns_arena *a, qns_err *err)
{
    const qns_quant_rule *rule = &m->node->op->quant;
    for (uint32_t i = 0; i < m->n_in; i++) {
        qns_lower_input *x = &m->in[i];
        const qns_dtype other = is_slot(rule->weight, i) ? QNS_U8 : QNS_I8;
        if (x->kind == QNS_LOWER_CONSTANT && !is_slot(rule->bias, i) && x->qp->dtype == other)
            QNS_TRY(shift_codes(x, a, err));
    }
    return QNS_OK;
}

/* ---- bias ---- */

/* The step of the integer sum: that of the first activation, and the weight's qparams. */
static bool sum_qparams(double *in_scale, const qns_qparams **weight, const qns_lower_match *m)
{
    const int8_t slot = m->node->op->quant.weight;
    if (slot < 0 || (uint32_t)slot >= m->n_in)
        return false;
    *weight = m->in[slot].qp;
    for (uint32_t i = 0; i < m->n_in; i++)
        if (m->in[i].kind == QNS_LOWER_CODES && i != (uint32_t)slot && m->in[i].qp->n == 1) {
            *in_scale = m->in[i].qp->scale[0];
            return *weight != NULL;
        }
    return false;
}

/* Files hold the bias either way; the backend wants one of them. A bias that does not fit stays as
 * it is, and the implementation refuses it. */
static qns_status adapt_bias(qns_lower_match *m, const qns_lower_view *v, const qns_backend *be,
                             qns_arena *a, qns_err *err)
{
    const int8_t slot = m->node->op->quant.bias;
    const qns_qparams *weight, *qp;
    double in_scale;
    if (slot < 0 || (uint32_t)slot >= m->n_in || !qns_has(m->from[slot]))
        return QNS_OK;
    qns_lower_input *x = &m->in[slot];
    const qns_value *b = qns_graph_value(v->g, m->from[slot]);
    if (be->float_bias && x->kind == QNS_LOWER_CONSTANT) {
        float *f;
        QNS_TRY(qns_arena_new((void **)&f, a, qns_tensor_count(&x->tensor), sizeof *f, err));
        qns_tensor_to_float(f, &x->tensor);
        x->tensor = (qns_tensor){QNS_F32, QNS_ROW, x->tensor.shape, f, NULL};
        x->kind = QNS_LOWER_NEW;
    } else if (!be->float_bias && x->kind == QNS_LOWER_SAME && b->constant && b->dtype == QNS_F32 &&
               b->shape.rank == 1 && sum_qparams(&in_scale, &weight, m) &&
               (weight->n == 1 || weight->n == b->shape.dim[0])) {
        const int32_t *codes;
        QNS_TRY(qns_bias_quantize(&codes, &qp, a, b, in_scale, weight, err));
        x->tensor = (qns_tensor){QNS_I32, QNS_ROW, b->shape, (void *)(uintptr_t)codes, qp};
        x->kind = QNS_LOWER_NEW;
    }
    return QNS_OK;
}

/* ---- the whole ---- */

typedef struct refusals {
    char text[512];
    size_t n;
} refusals;

static void note(void *ctx, const qns_impl *i, const char *why)
{
    refusals *r = ctx;
    if (r->n < sizeof r->text)
        r->n += (size_t)snprintf(r->text + r->n, sizeof r->text - r->n, "%s%s: %s",
                                 r->n ? "; " : "", i->name, why);
}

/* A weight that is no code was left in float on purpose: nothing to tell. Nor is there about a node
 * without weights that has a float among its inputs. */
static bool left_in_float(const qns_lower_match *m)
{
    const int8_t slot = m->node->op->quant.weight;
    for (uint32_t i = 0; i < m->n_in; i++)
        if ((slot < 0 || (uint32_t)slot == i) && m->in[i].tensor.dtype == QNS_F32)
            return true;
    return false;
}

static bool accepted(const qns_lower_match *m, const qns_lower_view *v, const qns_backend *be)
{
    const char *why;
    qns_candidate c;
    refusals told = {.n = 0};
    qns_candidate_init(&c, v->g, m->node);
    c.on_refuse = note;
    c.refuse_ctx = &told;
    c.node.clamp = m->clamp;
    c.node.in = m->from;
    c.node.n_in = m->n_in;
    for (uint32_t i = 0; i < m->n_in; i++)
        c.in[i] = m->in[i].tensor;
    for (uint32_t i = 0; i < m->node->n_out; i++) {
        if (!m->qp[i])
            continue;
        c.out[i].qp = m->qp[i];
        c.out[i].dtype = c.out[i].qp->dtype;
    }
    if (qns_candidate_ask(&why, &c, be)) {
        if (c.warning)
            qns_log(QNS_LOG_WARN, "node '%s' (%s) on %s: %s", m->node->name, m->node->op->name,
                    be->name, c.warning);
        return true;
    }
    if (m->node->op->quant.out != QNS_OUT_FLOAT && !left_in_float(m))
        qns_log(QNS_LOG_WARN, "node '%s' (%s) stays in float on %s: %s", m->node->name,
                m->node->op->name, be->name, told.text);
    return false;
}

static qns_status collect_origins(qns_lower_match *m, qns_arena *a, qns_err *err)
{
    const char **all;
    uint32_t n = m->node->n_origin;
    for (uint32_t i = 0; i < m->n_folded; i++)
        n += m->folded[i]->n_origin;
    QNS_TRY(qns_arena_new((void **)&all, a, n, sizeof *all, err));
    m->n_origin = 0;
    for (uint32_t k = 0; k < m->node->n_origin; k++)
        all[m->n_origin++] = m->node->origin[k];
    for (uint32_t i = 0; i < m->n_folded; i++)
        for (uint32_t k = 0; k < m->folded[i]->n_origin; k++)
            all[m->n_origin++] = m->folded[i]->origin[k];
    m->origin = all;
    return QNS_OK;
}

qns_status qns_lower_find(bool *found, qns_lower_match *m, const qns_lower_view *v,
                          const qns_node *n, const qns_backend *be, qns_arena *a, qns_err *err)
{
    *found = false;
    m->node = n;
    if (!match_outputs(m, v) || !match_inputs(m, v))
        return QNS_OK;
    QNS_TRY(adapt_constants(m, a, err));
    QNS_TRY(adapt_bias(m, v, be, a, err));
    if (!accepted(m, v, be))
        return QNS_OK;
    QNS_TRY(collect_origins(m, a, err));
    *found = true;
    return QNS_OK;
}
