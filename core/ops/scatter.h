/* SPDX-License-Identifier: MIT */
/* What ScatterND and ScatterElements share: how an update meets the element that is there. */
#ifndef QNS_SCATTER_H
#define QNS_SCATTER_H

#include "core/ops/walk.h"

enum { QNS_SCATTER_SET, QNS_SCATTER_ADD, QNS_SCATTER_MUL, QNS_SCATTER_MAX, QNS_SCATTER_MIN };

typedef struct qns_scatter_attr {
    int64_t axis; /* ScatterElements only */
    int64_t how;
} qns_scatter_attr;

/* A negative index counts from the end; one outside becomes the nearest entry. d > 0. */
static inline int64_t qns_index_within(int64_t k, int64_t d)
{
    k = k < 0 ? k + d : k;
    return k < 0 ? 0 : k >= d ? d - 1 : k;
}

qns_status qns_scatter_read(void *attr, qns_onnx_node *n, qns_err *err);
qns_status qns_scatter_write(qns_onnx_out *w, const char *type, const qns_node *n, qns_err *err);
/* y[i] = y[i] (how) u[k]; both have one plain type. */
void qns_scatter_put(const qns_tensor *y, size_t i, const qns_tensor *u, size_t k, int64_t how);

#endif
