/* SPDX-License-Identifier: MIT */
/* Implementations of linear, and the reader it shares with matmul. */
#ifndef QNS_LINEAR_IMPL_H
#define QNS_LINEAR_IMPL_H

#include "core/graph/op.h"
#include "core/ops/op_gemm.h"

/* Gemm: makes n a linear node when the right side is a weight and the bias a row. Else nothing is
 * changed. */
qns_status qns_linear_read_gemm(bool *done, qns_onnx_node *n, const qns_gemm_attr *g, qns_err *err);
/* A MatMul whose right side is a constant matrix: makes n a linear node. */
qns_status qns_linear_read_matmul(qns_onnx_node *n, qns_err *err);

extern const qns_op qns_op_linear;
extern const qns_impl qns_linear_u8s8_fbgemm, qns_linear_u8s8_fbgemm_pairs, qns_linear_u8s8_onnx,
    qns_linear_u8s8_qnnpack, qns_linear_f32_onednn, qns_linear_f32_reference;

#endif
