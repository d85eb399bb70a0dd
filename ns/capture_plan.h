/* SPDX-License-Identifier: MIT */
/* What of a graph is captured, and under which description. For capture.c. */
#ifndef QNS_CAPTURE_PLAN_H
#define QNS_CAPTURE_PLAN_H

#include "ns/h5_write.h"

typedef struct qns_capture_list {
    uint32_t *column; /* by value: column of the file, QNS_NONE when it is not captured */
    uint32_t n_columns, n_tensors;
    size_t row_bytes; /* of a sample in all columns */
} qns_capture_list;

/* Where descriptions go: a file, or a capture in memory. */
typedef struct qns_cap_sink {
    void *ctx;
    qns_status (*column)(uint32_t *column, void *ctx, const qns_cap_desc *d, qns_err *err);
    qns_status (*tensor)(void *ctx, const qns_cap_desc *d, const void *data, qns_err *err);
} qns_cap_sink;

/* Declares every column and writes weights and biases at once. column: qns_graph_n_values()
 * entries, the caller's. Fails with NOTFOUND when a glob of opts matches nothing. */
qns_status qns_capture_declare(qns_capture_list *l, const qns_cap_sink *to, const qns_plan *p,
                               const qns_capture_opts *opts, qns_err *err);
/* Digests and names of the file. hex holds 5 texts that facts points to. */
qns_status qns_capture_facts(qns_cap_facts *facts, char hex[5][QNS_HEX_LEN + 1], const qns_graph *g,
                             const qns_capture_opts *opts, qns_err *err);
/* Every glob names a node; NOTFOUND with the nearest name otherwise. */
qns_status qns_capture_check_layers(const qns_graph *g, const qns_capture_opts *opts, qns_err *err);

#endif
