/* SPDX-License-Identifier: MIT */
/* The quantized graph in step with the float one: when a float value was made, the quantized graph
 * runs to what is measured against it, so that both lie in the cache. For shadow.c. */
#ifndef QNS_SHADOW_STEPS_H
#define QNS_SHADOW_STEPS_H

#include "core/graph/graph.h"

/* A value of the float graph and one that is measured against it; several may have the same. */
typedef struct qns_met {
    qns_vid ref, test;
} qns_met;

/* until[v], for every value of the float graph: nodes of the quantized graph before this number are
 * run when v was made. *stays: each value is still there when it is measured; else the quantized
 * plan must keep all values. Entries without a value are skipped. */
qns_status qns_steps_find(uint32_t *until, bool *stays, const qns_graph *ref, const qns_graph *test,
                          const qns_met *met, size_t n_met, qns_err *err);

#endif
