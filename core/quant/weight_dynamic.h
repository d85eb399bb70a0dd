/* SPDX-License-Identifier: MIT */
/* Weights of dynamic layers as PyTorch's quantize_dynamic makes them (spec sections 3.3 and 6). */
#ifndef QNS_WEIGHT_DYNAMIC_H
#define QNS_WEIGHT_DYNAMIC_H

#include "core/ops/rnn_dynamic.h"

typedef enum qns_dyn_weight {
    QNS_DYN_S8,             /* min-max of the matrix, symmetric, -128..127: the default */
    QNS_DYN_S8_PER_CHANNEL, /* the same for each row */
    QNS_DYN_F16
} qns_dyn_weight;

/* w: n rows of k, not empty. bias (n or NULL) is kept as it is and must stay. The rest is the
 * arena's. Fails with DATA when w holds NaN or infinities. */
qns_status qns_dynamic_matrix(qns_rnn_matrix *out, qns_arena *a, qns_dyn_weight kind,
                              const float *w, const float *bias, size_t n, size_t k, qns_err *err);

#endif
