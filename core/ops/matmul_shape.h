/* SPDX-License-Identifier: MIT */
/* Shapes of a matrix product as numpy has it: the last two axes multiply, the others broadcast.
 * And the plain product. */
#ifndef QNS_MATMUL_SHAPE_H
#define QNS_MATMUL_SHAPE_H

#include "core/graph/op.h"

/* Both sides with the same rank >= 2 and the product before axes are dropped again. */
typedef struct qns_matmul_shape {
    qns_shape a, b, out;
} qns_matmul_shape;

qns_status qns_matmul_lay(qns_matmul_shape *p, const qns_tensor *in, qns_err *err);
/* infer() of a product: the shape, and the dtype of input 0. */
qns_status qns_matmul_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);
/* Which matrix of a side belongs to matrix number i of the product. */
size_t qns_matmul_matrix(const qns_shape *side, const qns_shape *out, size_t i);

/* out[m, n] = a[m, k] * b[k, n]: the reference. Sums are in f32 and in the order of k. */
void qns_matmul_multiply(float *out, const float *a, const float *b, size_t m, size_t n, size_t k);

/* reject() of a product of two matrices by oneDNN. */
const char *qns_matmul_reject_onednn(const qns_call *c);

#endif
