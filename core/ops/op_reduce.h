/* SPDX-License-Identifier: MIT */
/* What the operators over axes share: how their axes are said and found, and their loops. */
#ifndef QNS_OP_REDUCE_H
#define QNS_OP_REDUCE_H

#include "core/graph/op.h"
#include "core/ops/op_mean.h"

typedef struct qns_reduce_attr {
    qns_mean_attr axes; /* n 0: all of them, unless noop */
    int64_t kind, noop;
} qns_reduce_attr;

qns_status qns_reduce_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);
qns_status qns_reduce_read_1(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_reduce_read_13(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_reduce_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err);
void qns_reduce_describe(char *out, size_t size, const qns_node *n);
size_t qns_reduce_scratch(const qns_call *c);
void qns_reduce_run_int(const qns_call *c);
extern const qns_impl qns_reduce_f32, qns_reduce_int;

#endif
