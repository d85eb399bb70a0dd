/* SPDX-License-Identifier: MIT */
/* Attributes of the operators that only move elements, for tests and passes. */
#ifndef QNS_OP_MOVES_H
#define QNS_OP_MOVES_H

#include "core/graph/shape.h"

typedef struct qns_slice_attr {
    int64_t n;                   /* axes; as in the model, negative numbers count from the end */
    int64_t axis[QNS_MAX_RANK];  /* each at most once */
    int64_t start[QNS_MAX_RANK]; /* beyond the axis: its end */
    int64_t end[QNS_MAX_RANK];
    int64_t step[QNS_MAX_RANK]; /* not 0 */
} qns_slice_attr;

typedef struct qns_pad_attr {
    int64_t n;                /* axes of the input */
    int64_t lo[QNS_MAX_RANK]; /* not negative */
    int64_t hi[QNS_MAX_RANK];
    double value;
    int64_t mode; /* qns_pad_mode */
} qns_pad_attr;

typedef enum qns_pad_mode { QNS_PAD_CONSTANT, QNS_PAD_REFLECT, QNS_PAD_EDGE } qns_pad_mode;

typedef struct qns_transpose_attr {
    int64_t n; /* 0: reverse all axes */
    int64_t perm[QNS_MAX_RANK];
} qns_transpose_attr;

typedef struct qns_split_attr {
    int64_t axis;
    int64_t n;       /* outputs */
    int64_t size[8]; /* all 0: equal parts, the last may be smaller */
} qns_split_attr;

typedef struct qns_expand_attr {
    int64_t n;
    int64_t v[QNS_MAX_RANK]; /* broadcast with the input's shape */
} qns_expand_attr;

typedef struct qns_gather_attr {
    int64_t axis;
} qns_gather_attr;

/* Short floats are kept as float32: the cast leaves the values that they have. */
typedef enum qns_cast_grid { QNS_CAST_ALL, QNS_CAST_F16, QNS_CAST_BF16 } qns_cast_grid;

typedef struct qns_cast_attr {
    int64_t to;   /* qns_dtype */
    int64_t grid; /* qns_cast_grid, for float32 */
} qns_cast_attr;

#endif
