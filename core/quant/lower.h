/* SPDX-License-Identifier: MIT */
/* Q/DQ graph -> integer graph. A float op whose activations all come from dequantize nodes and
 * whose output goes into a quantize node becomes one integer op with the quantize node's qparams.
 * What our convert() made and what was read from an ONNX file take the same way, so that a written
 * model reads back with the same bits. Ops that no integer implementation accepts stay float
 * between their dequantize and quantize nodes. */
#ifndef QNS_LOWER_H
#define QNS_LOWER_H

#include "core/graph/backend.h"
#include "core/graph/graph.h"

/* int8 activations (other tools' files) become uint8: codes and zero point grow by 128. uint8
 * weights become int8 in the same way.
 * The integer values are called like the float values they replace. qdq must outlive the result. */
qns_status qns_lower(qns_graph **out, const qns_graph *qdq, const qns_backend *be, qns_err *err);
/* No integer ops: every node runs in float between its dequantize and quantize nodes, as the file
 * says it; only the dequantized constants are computed beforehand. For checking what lowering does.
 */
qns_status qns_lower_literal(qns_graph **out, const qns_graph *qdq, qns_err *err);
/* True if the graph has quantize, dequantize or dynamic_quantize nodes, or nodes that are marked as
 * dynamic. */
bool qns_is_qdq(const qns_graph *g);

#endif
