/* SPDX-License-Identifier: MIT */
/* Float matrix products by oneDNN: with constant weights (linear), and of two activations.
 * share() makes one that runs at the same time, with the weights of `of`, which must live longer.
 */
#ifndef QNS_FLOAT_MATMUL_H
#define QNS_FLOAT_MATMUL_H

#include "core/base/arena.h"
#include "core/graph/qparams.h"

/* out[m, n] = clamp(in[m, k] * w[n, k]^T + bias[n]); w and bias are copied into the arena. */
typedef struct qns_flinear qns_flinear;
qns_status qns_flinear_create(qns_flinear **out, int64_t m, int64_t n, int64_t k, const float *w,
                              const float *bias, qns_range clamp, qns_arena *a, qns_err *err);
qns_status qns_flinear_share(qns_flinear **out, const qns_flinear *of, qns_err *err);
void qns_flinear_free(qns_flinear *f);
size_t qns_flinear_scratch(const qns_flinear *f);
void qns_flinear_run(float *out, qns_flinear *f, const float *in, void *scratch);

/* out = a * b over the last two axes; the axes before them broadcast (size 1). All row-major and of
 * the same rank >= 2. */
typedef struct qns_fmatmul qns_fmatmul;
qns_status qns_fmatmul_create(qns_fmatmul **out, const qns_shape *a, const qns_shape *b,
                              const qns_shape *product, qns_err *err);
qns_status qns_fmatmul_share(qns_fmatmul **out, const qns_fmatmul *of, qns_err *err);
void qns_fmatmul_free(qns_fmatmul *f);
size_t qns_fmatmul_scratch(const qns_fmatmul *f);
void qns_fmatmul_run(float *out, qns_fmatmul *f, const float *a, const float *b, void *scratch);

#endif
