/* SPDX-License-Identifier: MIT */
/* Attributes of resize, for tests. */
#ifndef QNS_OP_RESIZE_H
#define QNS_OP_RESIZE_H

#include "core/graph/shape.h"

typedef enum qns_resize_coord {
    QNS_COORD_HALF_PIXEL,
    QNS_COORD_HALF_PIXEL_SYMMETRIC,
    QNS_COORD_PYTORCH_HALF_PIXEL,
    QNS_COORD_ALIGN_CORNERS,
    QNS_COORD_ASYMMETRIC,
    QNS_COORD_TF_HALF_PIXEL_FOR_NN
} qns_resize_coord;

typedef enum qns_resize_round {
    QNS_ROUND_PREFER_FLOOR,
    QNS_ROUND_PREFER_CEIL,
    QNS_ROUND_FLOOR,
    QNS_ROUND_CEIL
} qns_resize_round;

typedef struct qns_resize_attr {
    int64_t linear; /* else nearest */
    int64_t coord, round;
    int64_t by_size;            /* size[] holds, else scale[] */
    int64_t n;                  /* axes of the input */
    int64_t size[QNS_MAX_RANK]; /* 0: as the input */
    double scale[QNS_MAX_RANK]; /* output / input, as float */
} qns_resize_attr;

#endif
