/* SPDX-License-Identifier: MIT */
/* A node that does not exist yet, to ask the implementations whether they would run it in integers.
 */
#ifndef QNS_CANDIDATE_H
#define QNS_CANDIDATE_H

#include "core/graph/op.h"
#include "kernels/kernels.h"

typedef struct qns_candidate {
    qns_node node; /* a copy: clamp and counts may differ from the float node's */
    qns_tensor in[QNS_MAX_IN], out[QNS_MAX_OUT];
    qk_table k;
    /* Told of every implementation that refuses; NULL after init. */
    void (*on_refuse)(void *ctx, const qns_impl *i, const char *why);
    void *refuse_ctx;
    const char
        *warning; /* what the implementation says about the numbers, after a successful ask */
} qns_candidate;

/* Takes over node and tensors of a node of g; the caller then replaces what becomes codes. */
void qns_candidate_init(qns_candidate *c, const qns_graph *g, const qns_node *n);
/* The implementation that would run it, or NULL and why not (a string literal): what the first one
 * says that is for this backend. */
const qns_impl *qns_candidate_ask(const char **why, qns_candidate *c, const qns_backend *be);

/* Is input i an activation in float32: neither a constant, nor the bias, nor left out? */
bool qns_is_float_act(const qns_graph *g, const qns_node *n, uint32_t i);
/* Is input i the weight, and a float32 constant? */
bool qns_is_float_weight(const qns_graph *g, const qns_node *n, uint32_t i);

#endif
