/* SPDX-License-Identifier: MIT */
/* ONNX nodes that compute on codes (QLinearConv, com.microsoft's QLinearAdd and others) are read as
 * what they stand for: dequantize nodes in front, the float operator, and a quantize node behind
 * (qns_onnx_node.out_qp). Lowering makes integer nodes of that, as of any Q/DQ model. */
#ifndef QNS_QOPERATOR_H
#define QNS_QOPERATOR_H

#include "core/graph/op.h"

/* A dequantize node behind the codes of input i, whose scale is input i + 1 and whose zero point is
 * input i + 2; several scales lie along `axis`. */
qns_status qns_qop_input(qns_vid *out, qns_onnx_node *n, uint32_t i, int32_t axis, qns_err *err);
/* The same with qparams that are known already. */
qns_status qns_qop_dequantize(qns_vid *out, qns_onnx_node *n, qns_vid codes, const qns_qparams *qp,
                              qns_err *err);
/* Sets n->out_qp from the scale in input i and the zero point in input i + 1. */
qns_status qns_qop_output(qns_onnx_node *n, uint32_t i, qns_err *err);
/* The int32 bias in input i: its scale is that of the input times that of the weight, which are the
 * outputs of dequantize nodes. */
qns_status qns_qop_bias(qns_vid *out, qns_onnx_node *n, uint32_t i, qns_vid x, qns_vid w,
                        qns_err *err);

/* Readers of nodes without attributes: X X_scale X_zero Y_scale Y_zero, and
 * A A_scale A_zero B B_scale B_zero C_scale C_zero. */
qns_status qns_qop_read_unary(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_qop_read_binary(void *attr, qns_onnx_node *n, qns_err *err);

/* The qparams of the dequantize node that makes v; NULL when none does. */
const qns_qparams *qns_qop_qparams(const qns_onnx_node *n, qns_vid v);
/* A constant matrix of codes transposed, behind a dequantize node of its own. v is made by a
 * dequantize node. *done is false when its codes are no constant matrix. */
qns_status qns_qop_transpose(bool *done, qns_vid *v, qns_onnx_node *n, qns_err *err);

#endif
