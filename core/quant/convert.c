/* SPDX-License-Identifier: MIT */
#include "core/quant/convert.h"

#include "core/base/mem.h"
#include "core/quant/candidate.h"
#include "core/quant/convert_dynamic.h"
#include "core/quant/qdq.h"
#include "core/quant/weight.h"

#include <assert.h>

typedef struct converter {
    const qns_graph *g;
    const qns_decisions *d;
    const qns_backend *be;
    qns_gb *gb;
    qns_qdq_ops op;
    qns_vid *codes; /* of each value: what integer nodes read; QNS_NONE when it is not quantized */
    qns_dyn_converter dyn;
} converter;

static qns_status copy_qparams(const qns_qparams **out, qns_gb *gb, const qns_qparams *qp,
                               qns_err *err)
{
    return qns_qparams_new(out, qns_gb_arena(gb), qp->dtype, qp->axis, qp->n, qp->scale, qp->zero,
                           err);
}

/* The pair behind `now`, which stands for value v. dq_name NULL: v's name with "_dq". */
static qns_status add_pair(converter *c, const qns_value *v, qns_vid now, const char *dq_name,
                           qns_err *err)
{
    const qns_qparams *settled = qns_decisions_value(c->d, v->id)->qp, *qp;
    const char *q_name;
    qns_vid q;
    assert(settled); /* the caller settles first */
    QNS_TRY(copy_qparams(&qp, c->gb, settled, err));
    QNS_TRY(qns_qdq_name(&q_name, c->gb, v->name, "_q", err));
    if (!dq_name)
        QNS_TRY(qns_qdq_name(&dq_name, c->gb, v->name, "_dq", err));
    QNS_TRY(qns_qdq_add(&q, c->gb, c->op.q, now, q_name, v->origin, qp, err));
    return qns_qdq_add(&c->codes[v->id.i], c->gb, c->op.dq, q, dq_name, v->origin, qp, err);
}

static bool is_quantized(const converter *c, qns_vid v)
{
    const qns_choice choice = qns_decisions_value(c->d, v)->choice;
    return choice == QNS_QUANTIZE || choice == QNS_SHARE || choice == QNS_FIXED;
}

/* A constant of codes and the dequantize behind it. */
static qns_status add_constant(qns_vid *out, converter *c, const qns_value *old, const void *codes,
                               const qns_qparams *qp, qns_err *err)
{
    const char *q_name, *dq_name;
    qns_vid q;
    QNS_TRY(qns_qdq_name(&q_name, c->gb, old->name, "_q", err));
    QNS_TRY(qns_qdq_name(&dq_name, c->gb, old->name, "_dq", err));
    const qns_const_spec s = {q_name, old->origin, qp->dtype, old->shape, codes, qp};
    QNS_TRY(qns_gb_constant(&q, c->gb, &s, err));
    return qns_qdq_add(out, c->gb, c->op.dq, q, dq_name, old->origin, qp, err);
}

static qns_status add_weight(qns_vid *out, converter *c, const qns_node *n, const qns_value *w,
                             qns_err *err)
{
    const qns_qparams *qp;
    QNS_TRY(copy_qparams(&qp, c->gb, qns_decisions_weight_qparams(c->d, n->id), err));
    const void *codes = qns_arena_dup(qns_gb_arena(c->gb), qns_decisions_weight(c->d, n->id),
                                      qns_shape_count(&w->shape));
    if (!codes)
        QNS_FAIL(err, NOMEM, "cannot copy weight '%s'", w->name);
    return add_constant(out, c, w, codes, qp, err);
}

static qns_status add_bias(qns_vid *out, converter *c, const qns_node *n, const qns_value *b,
                           qns_err *err)
{
    const qns_qparams *qp;
    const int32_t *codes;
    uint32_t first = 0;
    while (!qns_is_float_act(c->g, n, first))
        first++;
    const double in_scale = qns_decisions_value(c->d, n->in[first])->qp->scale[0];
    QNS_TRY(qns_bias_quantize(&codes, &qp, qns_gb_arena(c->gb), b, in_scale,
                              qns_decisions_weight_qparams(c->d, n->id), err));
    return add_constant(out, c, b, codes, qp, err);
}

static qns_status int8_input(qns_vid *out, converter *c, const qns_node *n, uint32_t i,
                             qns_err *err)
{
    const qns_quant_rule *q = &n->op->quant;
    const bool has_weight = qns_decisions_weight(c->d, n->id) != NULL;
    if (qns_is_float_act(c->g, n, i)) {
        *out = c->codes[n->in[i].i];
        assert(qns_has(*out));
        return QNS_OK;
    }
    if (qns_has(n->in[i]) && has_weight) {
        const qns_value *v = qns_graph_value(c->g, n->in[i]);
        if ((uint32_t)q->weight == i)
            return add_weight(out, c, n, v, err);
        if (q->bias >= 0 && (uint32_t)q->bias == i && !c->be->float_bias)
            return add_bias(out, c, n, v, err);
    }
    return qns_gb_mapped(out, c->gb, n->in[i], err);
}

/* A node that runs in integers: all its readers get the dequantized codes. */
static qns_status convert_int8(converter *c, const qns_node *n, qns_err *err)
{
    qns_vid in[QNS_MAX_IN], out[QNS_MAX_OUT];
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    for (uint32_t i = 0; i < n->n_in; i++)
        QNS_TRY(int8_input(&in[i], c, n, i, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(c->g, n->out[i]);
        name[i] = v->name;
        origin[i] = v->origin;
        if (qns_graph_is_output(c->g, v->id) && v->dtype == QNS_F32)
            QNS_TRY(qns_qdq_name(&name[i], c->gb, v->name, "_op", err));
    }
    qns_node_spec s = qns_node_spec_like(n, in);
    s.out_name = name;
    s.out_origin = origin;
    QNS_TRY(qns_gb_node(out, c->gb, &s, err));
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(c->g, n->out[i]);
        const bool is_output = qns_graph_is_output(c->g, v->id);
        if (v->dtype != QNS_F32) {
            QNS_TRY(qns_gb_map(c->gb, v->id, out[i], err));
            continue;
        }
        QNS_TRY(add_pair(c, v, out[i], is_output ? v->name : NULL, err));
        QNS_TRY(qns_gb_map(c->gb, v->id, c->codes[v->id.i], err));
    }
    return QNS_OK;
}

/* Float activations and dequantized weights. */
static qns_status convert_weight_only(converter *c, const qns_node *n, qns_err *err)
{
    const uint32_t slot = (uint32_t)n->op->quant.weight;
    qns_vid in[QNS_MAX_IN];
    for (uint32_t i = 0; i < n->n_in; i++)
        if (i == slot)
            QNS_TRY(add_weight(&in[i], c, n, qns_graph_value(c->g, n->in[i]), err));
        else
            QNS_TRY(qns_gb_mapped(&in[i], c->gb, n->in[i], err));
    return qns_qdq_replace(c->gb, c->g, n, in, err);
}

/* A float value that integer nodes read; its float readers keep it as it is. */
static qns_status border(converter *c, qns_vid old, qns_err *err)
{
    qns_vid now;
    if (!is_quantized(c, old))
        return QNS_OK;
    QNS_TRY(qns_gb_mapped(&now, c->gb, old, err));
    return add_pair(c, qns_graph_value(c->g, old), now, NULL, err);
}

static qns_status convert_node(converter *c, const qns_node *n, qns_err *err)
{
    const qns_choice choice = qns_decisions_node(c->d, n->id)->choice;
    if (choice == QNS_QUANTIZE)
        return convert_int8(c, n, err);
    if (choice == QNS_DYNAMIC || choice == QNS_F16_ROUND)
        QNS_TRY(qns_convert_dynamic(&c->dyn, n, err));
    else if (qns_decisions_weight(c->d, n->id))
        QNS_TRY(convert_weight_only(c, n, err));
    else
        QNS_TRY(qns_gb_copy_node(c->gb, n, err));
    for (uint32_t i = 0; i < n->n_out; i++)
        QNS_TRY(border(c, n->out[i], err));
    return QNS_OK;
}

qns_status qns_convert(qns_graph **out, const qns_decisions *d, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_graph *g = qns_decisions_graph(d);
    converter c = {
        .g = g, .d = d, .be = qns_qconfig_backend(qns_decisions_set(d)), .op = qns_qdq_find()};
    QNS_TRY(qns_new((void **)&c.codes, qns_graph_n_values(g), sizeof *c.codes, err));
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        c.codes[i] = QNS_NO_VALUE;
    QNS_TRY_DONE(qns_gb_create(&c.gb, NULL, g, err));
    QNS_TRY_DONE(qns_dyn_converter_init(&c.dyn, c.gb, d, err));
    QNS_TRY_DONE(qns_gb_copy_inputs(c.gb, err));
    for (uint32_t i = 0; i < qns_graph_n_inputs(g); i++)
        QNS_TRY_DONE(border(&c, qns_graph_input(g, i), err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_node *n = qns_graph_node(g, (qns_nid){i});
        st = convert_node(&c, n, err);
        if (st != QNS_OK) {
            qns_err_note(err, "converting node '%s'", n->name);
            goto done;
        }
    }
    QNS_TRY_DONE(qns_gb_copy_outputs(c.gb, err));
    QNS_TRY_DONE(qns_convert_facts(c.gb, d, err));
    QNS_TRY_DONE(qns_convert_dynamic_facts(&c.dyn, err));
    st = qns_gb_finish(out, c.gb, err);
    c.gb = NULL;
done:
    qns_dyn_converter_fini(&c.dyn);
    qns_gb_free(c.gb);
    qns_free(c.codes);
    return st;
}
