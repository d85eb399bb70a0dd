/* SPDX-License-Identifier: MIT */
/* Conv (or linear) and batch norm in one layer of quantization-aware training, spec section 7.6:
 *
 *   k = gamma / sqrt(var + eps), by the running variance
 *   y = BN(conv(x, fakequant(w * k)) / k + b)
 *
 * The weight is fake-quantized as it will be after folding, and the division undoes the factor. The
 * conv and the fake-quantizer lie between the two functions here. */
#ifndef QNS_QAT_BN_H
#define QNS_QAT_BN_H

#include "core/base/status.h"

typedef struct qns_qat_bn {
    size_t n;                  /* output channels */
    const float *gamma, *beta; /* n each */
    float *mean, *var;         /* n each: the running ones; var is not negative */
    float eps, momentum;       /* momentum: the weight of the new batch */
    /* With the batch's own mean and variance, which also join the running ones; else with those. */
    bool training;
} qns_qat_bn;

/* out: n rows of w, times k. out may be w. Fails with DATA when a factor is 0 or not finite: the
 * layer cannot be divided by it. */
qns_status qns_qat_bn_weight(float *out, const qns_qat_bn *bn, const float *w, size_t row,
                             qns_err *err);
/* y: batch x n x pixels, what the conv gave without its bias; replaced by the output of the layer.
 * bias: n, or NULL. Call it after qns_qat_bn_weight() and before anything changes var. Fails with
 * DATA when training on fewer than two values for each channel. */
qns_status qns_qat_bn_forward(float *y, const qns_qat_bn *bn, const float *bias, size_t batch,
                              size_t pixels, qns_err *err);

#endif
