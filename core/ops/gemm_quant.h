/* SPDX-License-Identifier: MIT */
/* The numbers between an int32 accumulator and an output code, for conv and linear (spec section
 * 4): in[0] uint8 codes, in[1] int8 weights with output channels first, in[2] an optional bias,
 * out[0] uint8 codes, and the node's clamp. */
#ifndef QNS_GEMM_QUANT_H
#define QNS_GEMM_QUANT_H

#include "core/graph/op.h"
#include "kernels/kernels.h"

/* NULL when the call can be computed with the scheme, else the reason. */
const char *qns_gemm_quant_reject(const qns_call *c, qk_scheme scheme);

/* The parameters for n output channels whose rows have k weights; col_sum: the sum of each row. The
 * arrays live in the arena. zero_w is NULL when every weight zero point is 0. */
qns_status qns_gemm_quant_make(qk_requant *rq, const qns_call *c, qk_scheme scheme,
                               const int32_t *col_sum, size_t n, size_t k, qns_arena *a,
                               qns_err *err);
/* The same parameters for the channels from `first` on. */
qk_requant qns_gemm_quant_from(const qk_requant *rq, size_t first);

#endif
