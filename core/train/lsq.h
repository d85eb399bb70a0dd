/* SPDX-License-Identifier: MIT */
/* Fake-quantize with learnable scale and zero point (LSQ), spec section 9.3.
 *
 * The forward pass rounds the zero point to even and clamps it, then is qns_fq_forward(). The
 * backward pass is not its mirror: per tensor it takes trunc(clamp(zero + 0.5)) as zero point, and
 * it adds the zero point before rounding, so that at ties its mask may differ from the forward's.
 * Both are what PyTorch does. x * inv + zero and code * s - x are one fma each: the compiler of
 * PyTorch's binaries contracts them, and it shows in both gradients. */
#ifndef QNS_LSQ_H
#define QNS_LSQ_H

#include "core/base/status.h"

/* Element i belongs to channel i / inner % n. */
typedef struct qns_lsq {
    bool per_channel; /* false: n is 1 and inner does not matter */
    int32_t qmin, qmax;
    size_t n, inner;
    const float *scale; /* n, above 0 */
    const float *zero;  /* n; any value */
    float grad_factor;  /* of the gradients of scale and zero point; 1 for none */
} qns_lsq;

typedef struct qns_lsq_grad {
    float *x;            /* count; may be dy */
    float *scale, *zero; /* n each: sums over all elements of the channel, added in double */
} qns_lsq_grad;

/* What the training module does before each step: no scale below eps, and no zero point but 0 when
 * symmetric. */
void qns_lsq_limit(float *scale, float *zero, size_t n, float eps, bool symmetric);
/* 1 / sqrt(count * qmax). */
float qns_lsq_grad_factor(size_t count, int32_t qmax);

/* y may be x. Fails with NOMEM only. */
qns_status qns_lsq_forward(float *y, const qns_lsq *l, const float *x, size_t count, qns_err *err);
qns_status qns_lsq_backward(const qns_lsq_grad *out, const qns_lsq *l, const float *x,
                            const float *dy, size_t count, qns_err *err);

#endif
