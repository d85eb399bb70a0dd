/* SPDX-License-Identifier: MIT */
/* ONNX file -> graph. Shapes are inferred, constant parts folded, Dropout and Identity removed;
 * what is not supported is named: operator, node, attribute, opset. */
#ifndef QNS_ONNX_READ_H
#define QNS_ONNX_READ_H

#include "core/graph/graph.h"

typedef struct qns_onnx_opts {
    int64_t batch;          /* for a symbolic first axis of inputs; 0 means 1 */
    const char *const *dim; /* "name=value" for other symbolic axes */
    size_t n_dim;
} qns_onnx_opts;

/* opts may be NULL. Fails with IO, FORMAT, UNSUPPORTED, SHAPE. */
qns_status qns_onnx_read(qns_graph **out, const char *path, const qns_onnx_opts *opts,
                         qns_err *err);
/* The same from memory; path is used in messages and to find external data. */
qns_status qns_onnx_read_bytes(qns_graph **out, const void *p, size_t n, const char *path,
                               const qns_onnx_opts *opts, qns_err *err);

#endif
