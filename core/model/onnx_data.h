/* SPDX-License-Identifier: MIT */
/* ONNX tensors: raw bytes, typed fields or a file beside the model, to what a graph can hold.
 * float16, bfloat16 and double become float32. */
#ifndef QNS_ONNX_DATA_H
#define QNS_ONNX_DATA_H

#include "core/base/arena.h"
#include "core/graph/tensor.h"
#include "onnx/onnx.pb-c.h"

/* Where the bytes may come from, and how many have come from there. */
typedef struct qns_onnx_place {
    const char *path; /* of the model */
    size_t external;  /* bytes read from other files so far */
} qns_onnx_place;

/* Copies the tensor into the arena; data is never NULL. Fails with UNSUPPORTED (type), FORMAT,
 * SHAPE, IO. The caller notes the name. */
qns_status qns_onnx_data(qns_tensor *out, qns_onnx_place *place, const Onnx__TensorProto *t,
                         qns_arena *a, qns_err *err);

/* QNS_DTYPE_COUNT when the ONNX type has none here. */
qns_dtype qns_onnx_dtype(int32_t data_type);
/* "float16", "uint16", ... */
const char *qns_onnx_dtype_name(int32_t data_type);
/* The ONNX type of a dtype. */
int32_t qns_onnx_data_type(qns_dtype dtype);

#endif
