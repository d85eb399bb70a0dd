/* SPDX-License-Identifier: MIT */
/* Attributes of the average pools, for tests. Those of the max pool are a plain qns_window. */
#ifndef QNS_OP_POOL_H
#define QNS_OP_POOL_H

#include "core/ops/window.h"

typedef struct qns_avgpool_attr {
    qns_window w;
    int64_t include_pad; /* the divisor counts padding, but nothing beyond it */
    int64_t divisor;     /* instead of a count of taps; 0: none. Not in ONNX */
    /* Codes are rounded as PyTorch does it for tensors in planar memory (spec section 5.3, "native
     * NCHW"); 0: as for channels-last. ONNX does not say it. */
    int64_t planar;
} qns_avgpool_attr;

typedef struct qns_adaptive_attr {
    int64_t n;                 /* spatial axes */
    int64_t size[QNS_SPATIAL]; /* of the output; 0: as the input */
    int64_t planar;            /* as above */
} qns_adaptive_attr;

#endif
