/* SPDX-License-Identifier: MIT */
/* What the scatters share, how an update meets the element that is there; and what ScatterElements
 * and GatherElements share, an index for each element along one axis. */
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

/* Fails unless the indices are integers of x's rank, no larger than x beside the axis, and, when
 * constant, within the axis. */
qns_status qns_index_check(const qns_shape *x, int32_t axis, const qns_tensor *at, qns_err *err);
typedef struct qns_index_walk {
    qns_walk w; /* over the indices; array 0: x, without the axis */
    const qns_tensor *at;
    int64_t size, step; /* of the axis */
    size_t i;
} qns_index_walk;
void qns_index_init(qns_index_walk *w, const qns_shape *x, const qns_tensor *at, int64_t axis);
/* The element of x that the next index names; indices outside are moved to the nearest. */
size_t qns_index_next(qns_index_walk *w);

#endif
