/* SPDX-License-Identifier: MIT */
/* Recognizes what core/quant/convert_dynamic.h writes, and other tools with it:
 * DynamicQuantizeLinear and MatMulInteger become one dynamic linear layer; marked nodes get their
 * weights as codes or float16 and compute as PyTorch's dynamic layers. On the backend onnxruntime
 * nothing is done: there the nodes mean what ONNX says. */
#ifndef QNS_LOWER_DYNAMIC_H
#define QNS_LOWER_DYNAMIC_H

#include "core/quant/lower_match.h"

typedef struct qns_dyn_marks qns_dyn_marks;

/* NULL when the graph has none; a damaged text is a warning. */
qns_status qns_dyn_marks_read(qns_dyn_marks **out, const qns_graph *g, qns_err *err);
void qns_dyn_marks_free(qns_dyn_marks *m);

/* Adds what n becomes to gb, maps its outputs, and sets done[] of the nodes that are part of it.
 * *found is false when n is no such node, or when the backend refuses it (then with a warning). */
qns_status qns_lower_dynamic(bool *found, qns_gb *gb, bool *done, const qns_lower_view *v,
                             const qns_dyn_marks *marks, const qns_node *n, const qns_backend *be,
                             qns_err *err);

#endif
