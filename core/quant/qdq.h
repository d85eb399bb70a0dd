/* SPDX-License-Identifier: MIT */
/* Makes and recognizes quantize and dequantize nodes. */
#ifndef QNS_QDQ_H
#define QNS_QDQ_H

#include "core/graph/builder.h"
#include "core/graph/op.h"

typedef struct qns_qdq_ops {
    const qns_op *q, *dq;
} qns_qdq_ops;

qns_qdq_ops qns_qdq_find(void);

/* name + suffix, in the arena of the graph to be. */
qns_status qns_qdq_name(const char **out, qns_gb *gb, const char *name, const char *suffix,
                        qns_err *err);

/* qp must live as long as the graph (qns_gb_arena()). */
qns_status qns_qdq_add(qns_vid *out, qns_gb *gb, const qns_op *op, qns_vid in, const char *name,
                       const char *origin, const qns_qparams *qp, qns_err *err);
/* Copies such a node of the source graph g with other qparams, and maps its output. */
qns_status qns_qdq_copy(qns_gb *gb, const qns_graph *g, const qns_node *n, const qns_qparams *qp,
                        qns_err *err);
/* A copy of node n of the source graph g with its inputs in the graph to be; maps its outputs. */
qns_status qns_qdq_replace(qns_gb *gb, const qns_graph *g, const qns_node *n, const qns_vid *in,
                           qns_err *err);
/* The qparams of a quantize or dequantize node. */
const qns_qparams *qns_qdq_qparams(const qns_node *n);
/* The node that makes v if it is of that op, else NULL. */
const qns_node *qns_qdq_maker(const qns_graph *g, qns_vid v, const qns_op *op);

#endif
