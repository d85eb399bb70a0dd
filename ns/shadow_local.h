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

/* Nodes run with the implementations and packed weights of test, which must outlive the result, as
 * must ref. */
qns_status qns_local_create(qns_local **out, const qns_graph *ref, qns_plan *test,
                            const qns_exec_opts *o, qns_err *err);
void qns_local_free(qns_local *l);

/* One sample. ref: by value of the float graph, with data for all that are no constants. in: the
 * inputs of the quantized graph. */
void qns_local_run(qns_local *l, const qns_tensor *ref, const qns_tensor *in);
/* What the node that makes v made of the float values, in the last run. */
const qns_tensor *qns_local_value(const qns_local *l, qns_vid v);

#endif
