/* SPDX-License-Identifier: MIT */
#ifndef QNS_OP_LINEAR_DYNAMIC_H
#define QNS_OP_LINEAR_DYNAMIC_H

#include <stdbool.h>

/* Zero: what PyTorch does with FBGEMM's releases. Both speak of the backend fbgemm only. */
typedef struct qns_linear_dynamic_attr {
    bool full_range; /* activation codes 0..255 instead of 0..127 */
    bool fb8;        /* round before the zero point is added (core/ops/dynamic_linear.h) */
} qns_linear_dynamic_attr;

#endif
