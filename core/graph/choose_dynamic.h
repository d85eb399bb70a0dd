/* SPDX-License-Identifier: MIT */
/* Scale and zero point as the dynamic operators and the fused fake-quantizer choose them (spec
 * section 2.2, "ChooseQuantizationParams").
 *
 * It is not the observer formula of qparams.h: there every step is f32, here the division is f64,
 * small scales have a floor and the zero point comes from the end of the range with the smaller
 * error. In a third of all ranges the two differ by one unit in the last place of the scale, so
 * they share no code. */
#ifndef QNS_CHOOSE_DYNAMIC_H
#define QNS_CHOOSE_DYNAMIC_H

#include "core/graph/qparams.h"

typedef enum qns_choose_variant {
    QNS_CHOOSE_TORCH, /* the scale stays f64 */
    QNS_CHOOSE_FB     /* the scale is rounded to f32 at once */
} qns_choose_variant;

typedef struct qns_choose_rule {
    qns_choose_variant variant;
    int32_t qmin, qmax; /* qmin < qmax, and still so when halved */
    bool reduce_range;  /* halves both, toward zero: 0..255 becomes 0..127 */
    /* A range with 0 inside becomes symmetric and its zero point (qmin + qmax) / 2, ties to even.
     */
    bool preserve_sparsity;
    bool force_pow2; /* the scale becomes a power of two */
} qns_choose_rule;

/* What fbgemm's and qnnpack's dynamic operators use: 0..127 and 0..255. */
#define QNS_CHOOSE_DYN_FBGEMM  ((qns_choose_rule){.qmax = 255, .reduce_range = true})
#define QNS_CHOOSE_DYN_QNNPACK ((qns_choose_rule){.qmax = 255})

/* The scale is finite and above 0; with the variant FB it is an f32 value. For an empty array the
 * range is {0, 0}. Fails with DATA when a bound is NaN or infinite, lo > hi, or the scale leaves
 * the range of f32; with CONFIG when qmin >= qmax. */
qns_status qns_choose_dynamic(double *scale, int32_t *zero, const qns_choose_rule *rule,
                              qns_range range, qns_err *err);

#endif
