/* SPDX-License-Identifier: MIT */
/* A plan makes a graph runnable: one implementation for each node, packed weights, and one buffer
 * in which the activations share memory. */
#ifndef QNS_PLAN_H
#define QNS_PLAN_H

#include "core/exec/tap.h"
#include "core/graph/op.h"

typedef struct qns_plan qns_plan;

typedef struct qns_exec_opts {
    const qns_backend *be; /* NULL: fbgemm */
    qns_engine engine;     /* of float nodes */
    unsigned cpu_mask;     /* 0: scalar only; ~0u: all the machine has. Bits never depend on it */
    int threads; /* 0: as many as OpenMP would take. Results of integer nodes do not depend on it */
    bool keep_all;   /* every value keeps its memory until the next run (for debugging) */
    bool nodes_only; /* no memory for activations: only qns_plan_run_node() may be called */
    /* Hears of every choice and every refusal; refused is NULL for the one that was chosen. */
    void (*on_choice)(void *ctx, const qns_node *n, const qns_impl *i, const char *refused);
    void *on_choice_ctx;
} qns_exec_opts;

/* Fails with UNSUPPORTED, naming the node and the reason, when a node has no implementation.
 * The graph must outlive the plan. */
qns_status qns_plan_create(qns_plan **out, const qns_graph *g, const qns_exec_opts *o,
                           qns_err *err);
/* The same plan once more, for a run at the same time in another thread: activations, scratch
 * memory and taps of its own, none of them bound; weights and implementations of `of`, which must
 * outlive it. Costs next to nothing beside packing. */
qns_status qns_plan_share(qns_plan **out, const qns_plan *of, qns_err *err);
void qns_plan_free(qns_plan *p);

/* Binds the taps that all following runs feed; NULL or n 0 unbinds. The taps must outlive the runs.
 */
qns_status qns_plan_bind(qns_plan *p, const qns_taps *taps, qns_err *err);

/* Run the plan once.
 *
 * out, in   one tensor per graph output and input, in graph order; the caller's memory, row-major,
 *           of the graph's dtype and shape. An out entry with data NULL is skipped.
 * sample    passed on to the taps, otherwise unused.
 *
 * The outputs depend on the graph and the inputs only: not on taps, and for integer nodes not on
 * threads or CPU. One run at a time per plan; several plans of one graph may run at once, also
 * those that share weights.
 * Fails with SHAPE if a tensor does not fit, or with what a tap returned; the outputs are then
 * unspecified and the plan can be run again. */
qns_status qns_plan_run(qns_tensor *out, qns_plan *p, const qns_tensor *in, int64_t sample,
                        qns_err *err);

/* The same for a caller that does other things in between: begin() takes the inputs, which must
 * live until the run ends; run_until() runs the nodes before number `end` that have not run yet. A
 * run need not come to its end. What a node made stays until its last reader runs. */
qns_status qns_plan_begin(qns_plan *p, const qns_tensor *in, int64_t sample, qns_err *err);
qns_status qns_plan_run_until(qns_plan *p, uint32_t end, int64_t sample, qns_err *err);

/* From the next run on, every run writes the seconds of node i to seconds[i]; 0 for a node that had
 * nothing to do of its own; an addition that runs within a convolution counts there. NULL stops it.
 * The array has an entry for each node and must outlive the runs. */
void qns_plan_time(qns_plan *p, double *seconds);

/* One node alone, on other values than those of a run: with its implementation and packed weights.
 *
 * qns_plan_node_in/out tell the type, shape and layout of input or output k; data is set for
 * constants only, and dtype is QNS_DTYPE_COUNT for an input that was left out. in[k] and out[k] are
 * the caller's memory in just that form; entries of constants and of inputs left out are not looked
 * at. May be called from a tap; not from several threads at once. */
qns_tensor qns_plan_node_in(const qns_plan *p, qns_nid n, uint32_t k);
qns_tensor qns_plan_node_out(const qns_plan *p, qns_nid n, uint32_t k);
void qns_plan_run_node(void *const *out, qns_plan *p, qns_nid n, const void *const *in);

const qns_graph *qns_plan_graph(const qns_plan *p);
const qns_impl *qns_plan_impl(const qns_plan *p, qns_nid n);
int qns_plan_threads(const qns_plan *p); /* that a run takes */
/* Bytes of the activation buffer, and what it would be without reuse. */
size_t qns_plan_memory(const qns_plan *p, size_t *without_reuse);

#endif
