/* SPDX-License-Identifier: MIT */
/* Weights and biases as codes (spec sections 4.2 and 5.1). */
#ifndef QNS_WEIGHT_H
#define QNS_WEIGHT_H

#include "core/quant/qconfig.h"

typedef struct qns_weight {
    const int8_t *codes; /* in the order of the constant; NULL: stays float */
    const qns_qparams *qp;
} qns_weight;

/* Observes the constant w once and quantizes it; all memory is the arena's. axis: of the output
 * channels. Fails with DATA on NaN and infinities. */
qns_status qns_weight_quantize(qns_weight *out, qns_arena *a, const qns_obs_spec *spec,
                               qns_hist_version hist, const qns_value *w, int32_t axis,
                               qns_err *err);

/* An int32 bias: scale is that of input times weight, rounded to float (so that a file can hold
 * it). */
qns_status qns_bias_quantize(const int32_t **codes, const qns_qparams **qp, qns_arena *a,
                             const qns_value *bias, double in_scale, const qns_qparams *weight,
                             qns_err *err);

#endif
