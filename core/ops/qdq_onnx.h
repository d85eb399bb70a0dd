/* SPDX-License-Identifier: MIT */
/* What quantize and dequantize share: QuantizeLinear and DequantizeLinear of ONNX carry scale and
 * zero point as inputs, which become qparams in the attributes. */
#ifndef QNS_QDQ_ONNX_H
#define QNS_QDQ_ONNX_H

#include "core/graph/op.h"
#include "core/ops/op_quantize.h"

qns_status qns_qdq_read(qns_quantize_attr *attr, qns_onnx_node *n, bool quantize, qns_err *err);
qns_status qns_qdq_write(qns_onnx_out *w, const qns_qparams *qp, qns_err *err);
/* Fails with SHAPE when per-channel qparams do not belong to this shape. */
qns_status qns_qdq_fits(const qns_qparams *qp, const qns_shape *s, qns_err *err);
void qns_qdq_describe(char *out, size_t size, const qns_node *n);

#endif
