/* SPDX-License-Identifier: MIT */
/* Graph -> ONNX file (opset 13). A float or Q/DQ graph is written node by node; fused clamps become
 * Relu or Clip; int8 weights stay int8 initializers behind a DequantizeLinear. Lineage (origins of
 * values and nodes) and the graph's metadata go into metadata_props as "qns.*", and qns_onnx_read()
 * takes them from there. Integer graphs (after lower.h) are refused: write the Q/DQ graph they came
 * from. */
#ifndef QNS_ONNX_WRITE_H
#define QNS_ONNX_WRITE_H

#include "core/graph/graph.h"

/* The file appears complete or not at all. With dynamic_batch the first axis of inputs and outputs
 * is written open, by the name that it has in the file which the graph was read from; else "N". */
qns_status qns_onnx_write(const char *path, const qns_graph *g, bool dynamic_batch, qns_err *err);

#endif
