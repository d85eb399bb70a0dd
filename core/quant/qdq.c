/* SPDX-License-Identifier: MIT */
#include "core/quant/qdq.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/ops/op_quantize.h"

#include <assert.h>

qns_qdq_ops qns_qdq_find(void)
{
    const qns_qdq_ops ops = {qns_op_find("quantize"), qns_op_find("dequantize")};
    assert(ops.q && ops.dq);
    return ops;
}

qns_status qns_qdq_name(const char **out, qns_gb *gb, const char *name, const char *suffix,
                        qns_err *err)
{
    qns_str t = {0};
    qns_str_add(&t, name);
    qns_str_add(&t, suffix);
    *out = t.failed ? NULL : qns_arena_strdup(qns_gb_arena(gb), qns_str_get(&t));
    qns_str_fini(&t);
    if (!*out)
        QNS_FAIL(err, NOMEM, "cannot make a name");
    return QNS_OK;
}

qns_status qns_qdq_add(qns_vid *out, qns_gb *gb, const qns_op *op, qns_vid in, const char *name,
                       const char *origin, const qns_qparams *qp, qns_err *err)
{
    const qns_quantize_attr attr = {qp};
    const bool is_q = op == qns_op_find("quantize");
    const qns_qparams *const out_qp = is_q ? qp : NULL;
    qns_str text = {0};
    qns_str_addf(&text, "%s/%s", name, op->name);
    if (text.failed) {
        qns_str_fini(&text);
        QNS_FAIL(err, NOMEM, "cannot make a name");
    }
    const qns_node_spec s = {.op = op,
                             .name = qns_str_get(&text),
                             .attr = &attr,
                             .clamp = QNS_NO_CLAMP,
                             .in = &in,
                             .n_in = 1,
                             .n_out = 1,
                             .out_name = &name,
                             .out_origin = &origin,
                             .out_qp = &out_qp};
    const qns_status st = qns_gb_node(out, gb, &s, err);
    qns_str_fini(&text);
    return st;
}

qns_status qns_qdq_copy(qns_gb *gb, const qns_graph *g, const qns_node *n, const qns_qparams *qp,
                        qns_err *err)
{
    const qns_quantize_attr attr = {qp};
    const qns_value *v = qns_graph_value(g, n->out[0]);
    const qns_qparams *const out_qp = n->op == qns_op_find("quantize") ? qp : NULL;
    qns_vid in, out;
    QNS_TRY(qns_gb_mapped(&in, gb, n->in[0], err));
    qns_node_spec s = qns_node_spec_like(n, &in);
    s.attr = &attr;
    s.out_name = &v->name;
    s.out_origin = &v->origin;
    s.out_qp = &out_qp;
    QNS_TRY(qns_gb_node(&out, gb, &s, err));
    return qns_gb_map(gb, v->id, out, err);
}

qns_status qns_qdq_replace(qns_gb *gb, const qns_graph *g, const qns_node *n, const qns_vid *in,
                           qns_err *err)
{
    const char *name[QNS_MAX_OUT], *origin[QNS_MAX_OUT];
    qns_vid out[QNS_MAX_OUT];
    for (uint32_t i = 0; i < n->n_out; i++) {
        name[i] = qns_graph_value(g, n->out[i])->name;
        origin[i] = qns_graph_value(g, n->out[i])->origin;
    }
    qns_node_spec s = qns_node_spec_like(n, in);
    s.out_name = name;
    s.out_origin = origin;
    QNS_TRY(qns_gb_node(out, gb, &s, err));
    for (uint32_t i = 0; i < n->n_out; i++)
        QNS_TRY(qns_gb_map(gb, n->out[i], out[i], err));
    return QNS_OK;
}

const qns_qparams *qns_qdq_qparams(const qns_node *n)
{
    return ((const qns_quantize_attr *)n->attr)->qp;
}

const qns_node *qns_qdq_maker(const qns_graph *g, qns_vid v, const qns_op *op)
{
    if (!qns_has(v) || qns_graph_value(g, v)->producer.i == QNS_NONE)
        return NULL;
    const qns_node *n = qns_graph_node(g, qns_graph_value(g, v)->producer);
    return n->op == op ? n : NULL;
}
