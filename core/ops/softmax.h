/* SPDX-License-Identifier: MIT */
/* What softmax and log_softmax share. Before opset 13, ONNX flattens the tensor to two dimensions
 * at the axis; since then the operator works along the axis. */
#ifndef QNS_SOFTMAX_H
#define QNS_SOFTMAX_H

#include "core/graph/op.h"

typedef struct qns_softmax_attr {
    int64_t axis;
    int64_t flatten; /* over all axes from `axis` on */
} qns_softmax_attr;

qns_status qns_softmax_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in,
                             qns_err *err);
qns_status qns_softmax_read_1(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_softmax_read_13(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_softmax_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err);
void qns_softmax_describe(char *out, size_t size, const qns_node *n);

/* outer x n x inner, row-major: the middle is normalized. */
typedef struct qns_softmax_geom {
    size_t outer, n, inner;
} qns_softmax_geom;
qns_softmax_geom qns_softmax_lay(const qns_node *n, const qns_shape *s);
/* One vector of n numbers that are `step` apart; sums in double, in order. */
void qns_softmax_vector(float *y, const float *x, size_t n, size_t step, bool log);
void qns_softmax_run(const qns_call *c, bool log);

#endif
