/* SPDX-License-Identifier: MIT */
#include "core/graph/verify.h"

#include "core/graph/graph_internal.h"
#include "core/graph/op.h"

#include <inttypes.h>

static qns_status check_value(const qns_value *v, qns_err *err)
{
    QNS_TRY(qns_shape_check(&v->shape, err));
    if (!v->qp)
        return QNS_OK;
    if (v->qp->dtype != v->dtype)
        QNS_FAIL(err, SHAPE, "is %s but its qparams are for %s", qns_dtype_name(v->dtype),
                 qns_dtype_name(v->qp->dtype));
    if (v->qp->axis >= v->shape.rank)
        QNS_FAIL(err, SHAPE, "quantization axis %d of a tensor with %d dimensions", v->qp->axis,
                 v->shape.rank);
    if (v->qp->axis >= 0 && v->shape.dim[v->qp->axis] != v->qp->n)
        QNS_FAIL(err, SHAPE, "%d scales for %" PRId64 " channels", v->qp->n,
                 v->shape.dim[v->qp->axis]);
    return QNS_OK;
}

static qns_status check_node(const qns_graph *g, const qns_node *n, qns_err *err)
{
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (!qns_has(n->in[i]))
            continue;
        const qns_value *v = qns_graph_value(g, n->in[i]);
        if (v->producer.i != QNS_NONE && v->producer.i >= n->id.i)
            QNS_FAIL(err, FORMAT, "uses '%s' before it is made", v->name);
    }
    if (qns_has_clamp(n) && !n->op->takes_clamp)
        QNS_FAIL(err, UNSUPPORTED, "%s cannot take a clamp", n->op->name);
    if (!(n->clamp.lo <= n->clamp.hi))
        QNS_FAIL(err, FORMAT, "clamp [%g, %g] is empty", (double)n->clamp.lo, (double)n->clamp.hi);
    return QNS_OK;
}

qns_status qns_graph_verify(const qns_graph *g, qns_err *err)
{
    for (uint32_t i = 0; i < g->n_values; i++) {
        const qns_status st = check_value(&g->value[i], err);
        if (st != QNS_OK) {
            qns_err_note(err, "value '%s'", g->value[i].name);
            return st;
        }
    }
    for (uint32_t i = 0; i < g->n_nodes; i++) {
        const qns_status st = check_node(g, &g->node[i], err);
        if (st != QNS_OK) {
            qns_err_note(err, "node '%s'", g->node[i].name);
            return st;
        }
    }
    return QNS_OK;
}
