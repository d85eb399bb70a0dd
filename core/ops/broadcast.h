/* SPDX-License-Identifier: MIT */
/* Numpy broadcasting of two tensors, whatever way each lies in memory. The output is walked in
 * memory order; axes that both inputs walk evenly are merged, so equal shapes become one run. */
#ifndef QNS_BROADCAST_H
#define QNS_BROADCAST_H

#include "core/graph/tensor.h"

/* Fails with SHAPE when two sizes differ and neither is 1. */
qns_status qns_broadcast_shape(qns_shape *out, const qns_shape *a, const qns_shape *b,
                               qns_err *err);

typedef struct qns_bcast {
    int32_t rank; /* at least 1 */
    int64_t dim[QNS_MAX_RANK];
    int64_t a_step[QNS_MAX_RANK], b_step[QNS_MAX_RANK]; /* in elements; 0 repeats */
    size_t rows, row;                                   /* row: dim[rank - 1], the inner run */
} qns_bcast;
void qns_bcast_lay(qns_bcast *p, const qns_tensor *out, const qns_tensor *a, const qns_tensor *b);
/* Where row r begins in a and b. */
void qns_bcast_row(size_t *a, size_t *b, const qns_bcast *p, size_t r);

#endif
