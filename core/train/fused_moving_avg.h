/* SPDX-License-Identifier: MIT */
/* Observe and fake-quantize in one call, spec section 3.2: the default of quantization-aware
 * training. The range is a moving average; scale and zero point come from it by
 * core/graph/choose_dynamic.h while training, and by the observer formula of core/graph/qparams.h
 * when the trained model is converted. The two differ, and so does PyTorch. */
#ifndef QNS_FUSED_MOVING_AVG_H
#define QNS_FUSED_MOVING_AVG_H

#include "core/graph/choose_dynamic.h"
#include "core/train/fakequant.h"

typedef struct qns_fused_rule {
    qns_choose_variant variant; /* FB when PyTorch was built with FBGEMM */
    qns_fq_version version;
    qns_qrule_range range; /* dtype, qmin, qmax (reduced already), symmetric, eps (conversion) */
    float averaging;       /* weight of the new batch: 0.01 */
    bool per_channel;      /* by rows: the first axis */
    size_t n;              /* channels; 1 when per tensor */
} qns_fused_rule;

typedef struct qns_fused {
    qns_fused_rule rule;
    bool observe, fake_quant; /* both true at first; set them freely */
    float *min, *max;         /* n; +inf and -inf before the first batch */
    float *scale;             /* n, of the last forward pass; 1 and 0 before */
    int32_t *zero;
} qns_fused;

qns_status qns_fused_create(qns_fused **out, const qns_fused_rule *rule, qns_err *err);
void qns_fused_free(qns_fused *f);

/* One batch of count floats, a multiple of n. y may be x; mask (count, for qns_fq_backward) may be
 * NULL. Nothing is observed in an empty batch. While fake_quant is on, scale and zero are computed
 * anew in each call; without it y is x and mask is 1. Fails with DATA, and changes nothing, when x
 * holds NaN or infinities while observing, and when nothing was ever observed. */
qns_status qns_fused_forward(float *y, uint8_t *mask, qns_fused *f, const float *x, size_t count,
                             qns_err *err);
/* Scale and zero point for conversion, n each. */
qns_status qns_fused_convert(float *scale, int32_t *zero, const qns_fused *f, qns_err *err);

#endif
