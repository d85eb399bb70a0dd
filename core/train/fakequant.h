/* SPDX-License-Identifier: MIT */
/* Fake-quantize: to a code and back to a float, spec sections 9.1 and 9.2.
 *
 *   inv = 1 / s          once per channel; never x / s
 *   q = zero + rne(x * inv)               per tensor, and per channel with integer zero points
 *   q = rne(fma(x, inv, zero))            per channel with float zero points
 *   y = (clamp(q, qmin, qmax) - zero) * s,  rounded to f32 once
 *   mask = qmin <= q <= qmax;  dx = dy * mask
 *
 * Newer versions of PyTorch round per channel with zero added first and ties away from 0:
 * floor(|x * inv + zero| + 0.5) with the sign put back, each step f32. They send what overflows
 * upwards to qmax; 1.13 sends it, like NaN, to qmin. */
#ifndef QNS_FAKEQUANT_H
#define QNS_FAKEQUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum qns_fq_version {
    QNS_FQ_113, /* PyTorch 1.13 */
    QNS_FQ_2X
} qns_fq_version;

/* Element i belongs to channel i / inner % n. */
typedef struct qns_fq {
    qns_fq_version version;
    bool per_channel; /* false: n is 1 and inner does not matter */
    int32_t qmin, qmax;
    size_t n, inner;
    const float *scale;     /* n, above 0 */
    const int32_t *zero;    /* n; or NULL and */
    const float *zero_real; /* n, per channel only */
} qns_fq;

/* x, y, mask: count elements, a multiple of n * inner when per channel. mask (0 or 1) may be NULL;
 * y may be x. */
void qns_fq_forward(float *y, uint8_t *mask, const qns_fq *f, const float *x, size_t count);
/* dx = dy * mask, a product: -0 and NaN * 0 are what IEEE says. dx may be dy. */
void qns_fq_backward(float *dx, const float *dy, const uint8_t *mask, size_t count);

#endif
