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
    QNS_COORD_TF_HALF_PIXEL_FOR_NN,
    QNS_COORD_TF_CROP_AND_RESIZE
} qns_resize_coord;

typedef enum qns_resize_mode {
    QNS_RESIZE_NEAREST,
    QNS_RESIZE_LINEAR,
    QNS_RESIZE_CUBIC
} qns_resize_mode;

typedef enum qns_resize_round {
    QNS_ROUND_PREFER_FLOOR,
    QNS_ROUND_PREFER_CEIL,
    QNS_ROUND_FLOOR,
    QNS_ROUND_CEIL
} qns_resize_round;

typedef struct qns_resize_attr {
    int64_t mode;
    int64_t coord, round;
    int64_t by_size;            /* size[] holds, else scale[] */
    int64_t n;                  /* axes of the input */
    int64_t size[QNS_MAX_RANK]; /* 0: as the input */
    double scale[QNS_MAX_RANK]; /* output / input, as float */
    /* cubic */
    int64_t exclude_outside; /* neighbours outside count nothing; else they are the edge */
    float cubic_a;
    /* crop: what becomes the output, in parts of the input's axes, and the value outside of it */
    float extrapolation;
    float roi_from[QNS_MAX_RANK], roi_to[QNS_MAX_RANK];
} qns_resize_attr;

#endif
