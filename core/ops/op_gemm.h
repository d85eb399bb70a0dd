/* SPDX-License-Identifier: MIT */
/* Attributes of the general matrix product, as ONNX Gemm has them. */
#ifndef QNS_OP_GEMM_H
#define QNS_OP_GEMM_H

#include <stdint.h>

typedef struct qns_gemm_attr {
    int64_t trans_a, trans_b;
    float alpha, beta;
} qns_gemm_attr;

#endif
