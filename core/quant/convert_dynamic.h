/* SPDX-License-Identifier: MIT */
/* Dynamic and float16 nodes of a Q/DQ graph, in operators that any ONNX runtime has:
 *
 *   linear, int8     x -> dynamic_quantize -> matmul_integer(codes, w_q) -> cast -> mul by
 *                    (scale of x * scale of w) -> add the bias; one dynamic_quantize per value
 *   lstm, gru, rnn   int8 weights behind a dequantize, in front of the float operator
 *   float16          weights as float16 constants behind a cast; with QNS_F16_ROUND also a cast to
 *                    float16 and back behind every activation
 *
 * The first is recognized by its shape; what of the others is dynamic is told by the metadata
 * qns.dynamic, a JSON object of node names and "int8" or "float16": a runtime that does not know
 * it computes with the same weights and float activations. core/quant/lower_dynamic.h reads them.
 */
#ifndef QNS_CONVERT_DYNAMIC_H
#define QNS_CONVERT_DYNAMIC_H

#include "core/graph/builder.h"
#include "core/quant/prepare.h"

#define QNS_META_DYNAMIC "qns.dynamic"

typedef struct qns_dyn_input {
    qns_vid codes, scale, zero;
} qns_dyn_input;

typedef struct qns_dyn_converter {
    const qns_graph *g;
    const qns_decisions *d;
    qns_gb *gb;
    qns_dyn_input *x; /* of each value; codes QNS_NO_VALUE: not quantized yet */
    qns_vid *rounded; /* of each value; QNS_NO_VALUE: not rounded to float16 yet */
} qns_dyn_converter;

qns_status qns_dyn_converter_init(qns_dyn_converter *c, qns_gb *gb, const qns_decisions *d,
                                  qns_err *err);
void qns_dyn_converter_fini(qns_dyn_converter *c);
/* Adds what node n becomes and maps its outputs. n is QNS_DYNAMIC or QNS_F16_ROUND. */
qns_status qns_convert_dynamic(qns_dyn_converter *c, const qns_node *n, qns_err *err);
/* Adds the metadata, when there is any. */
qns_status qns_convert_dynamic_facts(const qns_dyn_converter *c, qns_err *err);

#endif
