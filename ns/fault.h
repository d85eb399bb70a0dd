/* SPDX-License-Identifier: MIT */
/* Known faults, made on purpose: a quantized graph with one thing wrong in one layer, for finding
 * out what a gate catches and what the analysis names (reports/selftest.h).
 *
 * A fault makes a new graph from a frozen one, as every stage does. Faults of weights and biases
 * replace constants of the layer; faults of values stand behind it, as a writer and a reader that
 * do not agree: codes are dequantized by wrong parameters and quantized by the right ones. A new
 * fault is a function and a row in fault.c. */
#ifndef QNS_FAULT_H
#define QNS_FAULT_H

#include "core/graph/builder.h"

typedef struct qns_fault_site qns_fault_site; /* fault_internal.h */

typedef struct qns_fault {
    const char *name;     /* "zero-point" */
    const char *what;     /* one clause */
    const char *findings; /* codes of the findings that name it, joined by blanks */
    /* NULL, or why the layer cannot have it; a literal */
    const char *(*reject)(const qns_fault_site *s);
    qns_status (*make)(qns_fault_site *s, qns_err *err);
} qns_fault;

/* Ends with a name of NULL. */
extern const qns_fault qns_faults[];
const qns_fault *qns_fault_find(const char *name); /* NULL when there is none of that name */

/* NULL, or why node n of g cannot have the fault. */
const char *qns_fault_reject(const qns_fault *f, const qns_graph *g, const qns_node *n);
/* g, a lowered graph, must outlive the result. The node must not be rejected. */
qns_status qns_fault_apply(qns_graph **out, const qns_fault *f, const qns_graph *g, qns_nid at,
                           qns_err *err);

#endif
