/* SPDX-License-Identifier: MIT */
/* Finds out whether a float node between dequantize and quantize nodes can be one integer node. */
#ifndef QNS_LOWER_MATCH_H
#define QNS_LOWER_MATCH_H

#include "core/quant/qdq.h"

typedef struct qns_lower_view {
    const qns_graph *g;
    qns_qdq_ops op;
    uint32_t *user; /* of each value: the last node that reads it */
    /* Of each value: the qparams of int8 activations moved to uint8, NULL for all others. Codes and
     * zero point grow by 128 and mean the same numbers; the integer operators take uint8. */
    const qns_qparams **moved;
} qns_lower_view;

/* Fills moved. An activation moves when nobody but dequantize nodes of its qparams reads its codes.
 */
qns_status qns_lower_move(const qns_lower_view *v, qns_arena *a, qns_err *err);

typedef enum qns_lower_kind {
    QNS_LOWER_SAME,     /* stays as it is, or is left out */
    QNS_LOWER_CODES,    /* the codes in front of a dequantize node */
    QNS_LOWER_CONSTANT, /* constant codes in front of a dequantize node */
    QNS_LOWER_NEW       /* a constant in the form that the backend wants: tensor */
} qns_lower_kind;

typedef struct qns_lower_input {
    qns_lower_kind kind;
    qns_vid codes;
    const qns_qparams *qp;
    qns_tensor tensor; /* as the integer node would see it */
    bool shifted;      /* tensor is the constant codes with the other signedness */
} qns_lower_input;

typedef struct qns_lower_match {
    const qns_node *node;
    qns_vid from[QNS_MAX_IN]; /* its inputs, and a bias that is added behind it */
    uint32_t n_in;
    qns_lower_input in[QNS_MAX_IN];
    const qns_value *out[QNS_MAX_OUT]; /* the float values that become codes */
    const qns_node *q[QNS_MAX_OUT];    /* their quantize nodes; NULL for an output nobody reads */
    /* An unread output takes those of the first that is read; NULL for one that is no float. */
    const qns_qparams *qp[QNS_MAX_OUT];
    qns_range clamp;
    const qns_node *folded[4]; /* the addition of the bias and clamps that became part of it */
    uint32_t n_folded;
    const char *const *origin; /* in the arena */
    uint32_t n_origin;
} qns_lower_match;

/* The node that adds a row of constants (floats, or int32 codes behind a dequantize) to the linear
 * layer n, which has no bias; *bias is that row. NULL when there is none. */
const qns_node *qns_lower_bias(qns_vid *bias, const qns_lower_view *v, const qns_node *n);

/* *found is false when it must stay float. What is new is made in the arena. */
qns_status qns_lower_find(bool *found, qns_lower_match *m, const qns_lower_view *v,
                          const qns_node *n, const qns_backend *be, qns_arena *a, qns_err *err);

#endif
