/* SPDX-License-Identifier: MIT */
/* Decisions and qparams -> Q/DQ graph: the float graph with quantize/dequantize pairs, which any
 * ONNX runtime can read and which core/quant/lower.h turns into integer nodes.
 *
 * A quantized value 'x' made by a node keeps its name; its codes are 'x_q' and what readers see is
 * 'x_dq', all three with the origin of 'x': one pair per value, however many readers. A graph
 * output keeps its name on the dequantized value, and the float value before is 'x_op'. Weights are
 * int8 constants 'w_q' behind a dequantize; biases stay float, or become int32 'b_q', as the
 * backend says.
 *
 * Facts go into the metadata:
 *   qns.backend, qns.qconfig (resolved, as yaml), qns.calibration (samples),
 *   qns.decisions (JSON: [{"node", "op", "int8", "why", "line"}]),
 *   qns.source_graph, qns.source_weights (digests of the fused float graph). */
#ifndef QNS_CONVERT_H
#define QNS_CONVERT_H

#include "core/graph/builder.h"
#include "core/quant/prepare.h"

/* The fused graph of d must outlive the result. d must be settled: every quantized value has
 * qparams. */
qns_status qns_convert(qns_graph **out, const qns_decisions *d, qns_err *err);

/* Adds the metadata above. */
qns_status qns_convert_facts(qns_gb *gb, const qns_decisions *d, qns_err *err);

#endif
