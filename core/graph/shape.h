/* SPDX-License-Identifier: MIT */
/* Shapes, in the model's own axis order: N, C, spatial... for images. */
#ifndef QNS_SHAPE_H
#define QNS_SHAPE_H

#include "core/base/status.h"

#define QNS_MAX_RANK 8

typedef struct qns_shape {
    int32_t rank;
    int64_t dim[QNS_MAX_RANK];
} qns_shape;

/* Number of elements; 1 for rank 0. The shape must have passed qns_shape_check(). */
size_t qns_shape_count(const qns_shape *s);
/* Rank within bounds, no negative dimension, at most 2^40 elements. */
qns_status qns_shape_check(const qns_shape *s, qns_err *err);
bool qns_shape_equal(const qns_shape *a, const qns_shape *b);
/* Product of dim[from] ... dim[to - 1]. */
size_t qns_shape_span(const qns_shape *s, int32_t from, int32_t to);

/* "[1, 3, 224, 224]" */
typedef struct qns_shape_text {
    char s[128];
} qns_shape_text;
qns_shape_text qns_shape_str(const qns_shape *s);

/* A negative axis counts from the end, as in numpy and ONNX. Fails with SHAPE when outside. */
qns_status qns_axis_resolve(int32_t *out, int64_t axis, int32_t rank, qns_err *err);

#endif
