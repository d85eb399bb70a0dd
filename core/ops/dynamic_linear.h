/* SPDX-License-Identifier: MIT */
/* Dynamic linear layers (spec section 6): float in, float out, and weights of 8 or 16 bits. With 8
 * bits each call quantizes its whole input with one scale of its own (core/graph/choose_dynamic.h):
 *
 *   FBGEMM    codes 0..127 (0..255 with full_range), code = rne(fma(x, 1 / s, zero)) in the
 *             releases, zero + rne(x * (1 / s)) with fb8;  y = fma(acc, s * s_w, bias)
 *   QNNPACK   codes 0..255, always zero + rne(x * (1 / s));  y = acc * (s * s_w) + bias
 *
 * With 16 bits the input stays float: y = bias + (sum over k, one fma each, in the order of k).
 * The object is immutable after create(): threads may share it, each with its own scratch. */
#ifndef QNS_DYNAMIC_LINEAR_H
#define QNS_DYNAMIC_LINEAR_H

#include "core/graph/backend.h"
#include "core/graph/qparams.h"
#include "kernels/kernels.h"

typedef struct qns_dynlin_rule {
    qns_requant scheme;
    bool full_range; /* FBGEMM: codes 0..255 instead of 0..127. QNNPACK always has all */
    bool fb8;        /* FBGEMM: round before adding the zero point, as it does since 2026 */
} qns_dynlin_rule;

/* Weights are n rows (outputs) of k. Either w and qp, or half. */
typedef struct qns_dynlin_spec {
    qns_dynlin_rule rule;
    size_t n, k; /* at least 1 */
    const int8_t *w;
    const qns_qparams *qp; /* of w: per tensor, or n scales */
    const uint16_t *half;  /* bits of float16 */
    const float *bias;     /* n, or NULL: none */
    qns_range clamp;       /* of the output; QNS_NO_CLAMP */
} qns_dynlin_spec;

typedef struct qns_dynlin qns_dynlin;

/* Copies what it needs into the arena. */
qns_status qns_dynlin_create(qns_dynlin **out, qns_arena *a, const qns_dynlin_spec *spec,
                             qns_err *err);
/* Bytes of scratch (aligned to 64) for calls with up to m rows. */
size_t qns_dynlin_scratch(const qns_dynlin *l, size_t m);
/* out: m rows of n; x: m rows of k. Fails with DATA when x holds NaN or an infinity and the weights
 * have 8 bits; out is all NaN then. */
qns_status qns_dynlin_run(float *out, const qns_dynlin *l, const float *x, size_t m,
                          const qk_table *k, void *scratch, qns_err *err);

/* The first half of a run: the codes of x, m rows qns_dynlin_row() apart, padded with 0. Only for
 * weights of 8 bits. */
qns_status qns_dynlin_quantize(uint8_t *codes, double *scale, int32_t *zero, const qns_dynlin *l,
                               const float *x, size_t m, const qk_table *k, qns_err *err);
size_t qns_dynlin_row(const qns_dynlin *l);

/* Weights for fp16 dynamic linear: limited to +-65504, then rounded to nearest even. */
void qns_half_weights(uint16_t *half, const float *w, size_t n);

#endif
