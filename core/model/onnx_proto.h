/* SPDX-License-Identifier: MIT */
/* Small makers of ONNX messages. Everything lies in the arena of the writer, except the data of
 * tensors, which are borrowed; nothing is freed one by one. */
#ifndef QNS_ONNX_PROTO_H
#define QNS_ONNX_PROTO_H

#include "core/graph/attrs.h"
#include "core/graph/graph.h"
#include "onnx/onnx.pb-c.h"

/* A tensor with raw data; name may be NULL. */
qns_status qns_pb_tensor(Onnx__TensorProto **out, qns_arena *a, const char *name,
                         const qns_tensor *t, qns_err *err);
/* The first axis becomes the symbol, which is borrowed; NULL: it keeps its size. */
qns_status qns_pb_value(Onnx__ValueInfoProto **out, qns_arena *a, const qns_value *v,
                        const char *symbol, qns_err *err);
/* Texts are borrowed, the lists are copied. */
qns_status qns_pb_node(Onnx__NodeProto **out, qns_arena *a, const char *type, const char *name,
                       const char *const *in, size_t n_in, const char *const *output, size_t n_out,
                       const qns_attrs *attrs, qns_err *err);
qns_status qns_pb_entry(Onnx__StringStringEntryProto **out, qns_arena *a, const char *key,
                        const char *value, qns_err *err);
/* protobuf-c has no const in its structs; nothing is written through them here. */
static inline char *qns_pb_text(const char *s)
{
    return (char *)(uintptr_t)s;
}

#endif
