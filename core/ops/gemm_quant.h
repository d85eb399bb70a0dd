/* SPDX-License-Identifier: MIT */
/* The numbers between an int32 accumulator and an output code, for conv and linear (spec section
 * 4): in[0] uint8 codes, in[1] int8 weights with output channels first, in[2] an optional bias,
 * out[0] uint8 codes, and the node's clamp. */
#ifndef QNS_GEMM_QUANT_H
#define QNS_GEMM_QUANT_H

#include "core/graph/op.h"
#include "kernels/kernels.h"

/* Who says how an accumulator becomes a code. fbgemm and ONNX Runtime share the rounding; they
 * differ in the bias, which fbgemm adds as a float and ONNX Runtime as int32 to the accumulator. */
typedef enum qns_gemm_contract {
    QNS_GEMM_FBGEMM,
    QNS_GEMM_QNNPACK,
    QNS_GEMM_ONNX
} qns_gemm_contract;

/* NULL when the call can be computed so, else the reason. */
const char *qns_gemm_quant_reject(const qns_call *c, qns_gemm_contract contract);
/* For implementations of QNNPACK's contract: a multiplier that the original does not take. */
const char *qns_gemm_quant_warn(const qns_call *c);

/* True if the int32 codes of a bias can be added to the accumulator as they are: zero point 0, and
 * the steps of the sum. Other tools round the product of the scales in their own way; 2^-22 of a
 * step is less than what a float bias loses. */
bool qns_bias_joins(const qns_qparams *bias, const qns_qparams *weight, double in_scale);

/* Some weight zero point is not 0. */
bool qns_gemm_quant_has_zero(const qns_qparams *weight);

/* The parameters for n output channels whose rows have k weights; col_sum: the sum of each row. The
 * arrays live in the arena. zero_w is NULL when every weight zero point is 0. */
qns_status qns_gemm_quant_make(qk_requant *rq, const qns_call *c, qk_scheme scheme,
                               const int32_t *col_sum, size_t n, size_t k, qns_arena *a,
                               qns_err *err);
/* The same parameters for the channels from `first` on. */
qk_requant qns_gemm_quant_from(const qk_requant *rq, size_t first);

#endif
