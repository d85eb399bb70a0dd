/* SPDX-License-Identifier: MIT */
/* Nodes that are ready to run, each kind once: two nodes of two graphs are the same when operator,
 * attributes, types, layouts, qparams and constants are. The graphs of two sets of layers differ in
 * a few nodes only; a pool so holds one copy of the packed weights of the float model, one of the
 * int8 model, and little more. For trial_scan.c. */
#ifndef QNS_TRIAL_POOL_H
#define QNS_TRIAL_POOL_H

#include "core/exec/plan.h"

typedef struct qns_pool qns_pool;

typedef struct qns_pooled { /* for qns_plan_run_node() */
    qns_plan *plan;
    qns_nid node;
} qns_pooled;

/* All graphs come from one float graph by convert, lower and fuse: nodes of one name then have one
 * set of attributes. */
qns_status qns_pool_create(qns_pool **out, const qns_exec_opts *o, qns_err *err);
void qns_pool_free(qns_pool *p);

/* Takes in all nodes of a graph, which must outlive the pool. */
qns_status qns_pool_keep(qns_pool *p, const qns_graph *g, qns_err *err);
/* id[i]: of node i of g, which may go afterwards. Constants of nodes that are new are copied. */
qns_status qns_pool_find(uint32_t *id, qns_pool *p, const qns_graph *g, qns_err *err);

qns_pooled qns_pool_at(const qns_pool *p, uint32_t id);
/* Of different nodes so far: ids are below. */
uint32_t qns_pool_n(const qns_pool *p);
/* Bytes of constants that were copied. */
size_t qns_pool_copied(const qns_pool *p);

#endif
