/* SPDX-License-Identifier: MIT */
/* What is known while a model is read is computed then: nodes with constant inputs only, and Shape
 * and Size, since every shape is known here. Quantize and dequantize nodes stay: a quantized weight
 * is int8 behind a dequantize node. */
#ifndef QNS_ONNX_FOLD_H
#define QNS_ONNX_FOLD_H

#include "core/graph/op.h"
#include "kernels/kernels.h"

typedef struct qns_folder {
    qk_table kernels; /* plain C */
    size_t bytes;     /* made so far */
} qns_folder;

void qns_folder_init(qns_folder *f);
/* True with the outputs in out (data in the builder's arena) when the node was computed; false when
 * it has to stay. attr is that of n->op. */
qns_status qns_onnx_fold(bool *done, qns_tensor *out, qns_folder *f, const qns_onnx_node *n,
                         const void *attr, qns_err *err);

/* Shape and Size. */
bool qns_onnx_is_shape_op(const char *type);
qns_status qns_onnx_shape_op(qns_tensor *out, qns_onnx_node *n, qns_err *err);

#endif
