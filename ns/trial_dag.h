/* SPDX-License-Identifier: MIT */
/* Many graphs over the same inputs, run side by side without doing anything twice. Two values are
 * the same when the same node (trial_pool.h) makes them of the same values: what one graph has
 * computed of a sample, the next one takes. So a network that differs from another in one layer
 * costs that layer and what lies downstream of it, and not even that where the difference vanishes:
 * a value that turns out equal, bit for bit, to the one at its place in the first or second graph
 * is taken for that one.
 *
 * Memory: all values that more than one graph needs, and those of the first two graphs; the others
 * share one buffer. Independent of the number of samples. */
#ifndef QNS_TRIAL_DAG_H
#define QNS_TRIAL_DAG_H

#include "ns/trial_pool.h"

typedef struct qns_dag qns_dag;

/* inputs: a graph whose inputs all graphs have. The pool must outlive the dag. */
qns_status qns_dag_create(qns_dag **out, qns_pool *pool, const qns_graph *inputs, qns_err *err);
void qns_dag_free(qns_dag *d);

/* Adds a graph, which may go afterwards, as the next number from 0. Not after qns_dag_ready(). */
qns_status qns_dag_add(qns_dag *d, const qns_graph *g, qns_err *err);
/* Gets the memory for running. */
qns_status qns_dag_ready(qns_dag *d, qns_err *err);

/* Memory of input i, row-major, to be filled before the runs of a sample. */
qns_tensor qns_dag_input(const qns_dag *d, uint32_t i);
/* The inputs are those of another sample now. */
void qns_dag_next(qns_dag *d);
/* Computes what graph number k has new. */
void qns_dag_run(qns_dag *d, uint32_t k);
/* Output i of graph k, which was the last to run; in any layout. */
qns_tensor qns_dag_output(const qns_dag *d, uint32_t k, uint32_t i);

/* Multiply-adds of a sample that graph k adds to those of the graphs before. */
double qns_dag_macs(const qns_dag *d, uint32_t k);
/* Multiply-adds of all runs so far: what turned out equal was not computed. */
double qns_dag_worked(const qns_dag *d);

#endif
