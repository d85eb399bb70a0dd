/* SPDX-License-Identifier: MIT */
/* Where an output pixel of resize comes from on one axis: its neighbours and their weights. */
#ifndef QNS_RESIZE_TAPS_H
#define QNS_RESIZE_TAPS_H

#include "core/ops/op_resize.h"

typedef struct qns_resize_tap {
    int64_t at[4]; /* nearest uses the first, linear two, cubic all */
    float weight[4];
    bool outside; /* a crop beyond the input: the pixel is the extrapolation value */
} qns_resize_tap;

/* What an axis has that is not resized: one neighbour. */
#define QNS_RESIZE_NO_TAP ((qns_resize_tap){.weight = {1.0f}})

/* Position x of axis i, which goes from size in to size out; both at least 1. */
qns_resize_tap qns_resize_tap_of(const qns_resize_attr *a, int32_t i, int64_t x, int64_t in,
                                 int64_t out);

#endif
