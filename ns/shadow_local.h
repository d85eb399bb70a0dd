/* SPDX-License-Identifier: MIT */
/* Local runs: every node of the quantized graph on the float graph's values, quantized with the
 * quantized graph's own scales. What a node makes here differs from the float graph by that node's
 * own error only.
 *
 * A value both graphs have (equal origin, equal shape) is anchored: its readers get the float value
 * instead of what the nodes before made. A value the float graph does not have is passed on, so
 * that a layer made of several nodes is run as a whole. For shadow.c. */
#ifndef QNS_SHADOW_LOCAL_H
#define QNS_SHADOW_LOCAL_H

#include "core/exec/plan.h"

typedef struct qns_local qns_local;

typedef struct qns_local_opts {
    const qns_exec_opts *exec;
    const qk_table *k;
    /* By value of the quantized graph: the value of the float graph it is measured against;
     * QNS_NONE: not measured. Nodes that nothing measured needs are not run. */
    const uint32_t *against;
    /* A value was made that is not prompt; made and ref live until return. */
    void (*measure)(void *ctx, qns_vid test, const qns_tensor *made, const qns_tensor *ref);
    void *ctx;
} qns_local_opts;

/* Nodes run with the implementations and packed weights of test, which must outlive the result, as
 * must ref and what opts point to. */
qns_status qns_local_create(qns_local **out, const qns_graph *ref, qns_plan *test,
                            const qns_local_opts *opts, qns_err *err);
void qns_local_free(qns_local *l);

/* True when a value of the float graph must live longer than until the next node: the two graphs do
 * the same things in another order. */
bool qns_local_looks_back(const qns_local *l);

/* Bytes of its values. */
size_t qns_local_memory(const qns_local *l);

/* True when a value has nothing before it but nodes on the graph's inputs: then it is what the
 * quantized graph makes of its own values, and neither run here nor measured. */
bool qns_local_is_same(const qns_local *l, qns_vid test);

/* A sample begins. in: the inputs of the quantized graph. */
void qns_local_begin(qns_local *l, const qns_tensor *in);

/* Then, for every value of the float graph, inputs included, in the order of its plan: see(), any
 * number of give() that cover it, done(). In between stand the values that are prompt: the node
 * needs nothing of ref but to be measured against it. So one walk over ref measures and quantizes
 * it. */
void qns_local_see(qns_local *l, qns_vid v, const qns_tensor *ref);
/* Prompt: what the node made; else data is NULL, and measure() is called for it. */
qns_tensor qns_local_prompt(const qns_local *l, qns_vid test);
/* Elements first ... first + n - 1 of v as they lie in memory are quantized for its readers; from
 * several threads at once for different elements. */
void qns_local_give(qns_local *l, qns_vid v, size_t first, size_t n);
void qns_local_done(qns_local *l, qns_vid v);

#endif
