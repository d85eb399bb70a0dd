/* SPDX-License-Identifier: MIT */
/* Attributes of the mean operator, for tests. */
#ifndef QNS_OP_MEAN_H
#define QNS_OP_MEAN_H

#include "core/graph/shape.h"

typedef struct qns_mean_attr {
    int64_t n;                  /* axes; 0: all of them */
    int64_t keep;               /* reduced axes stay, with size 1 */
    int64_t axis[QNS_MAX_RANK]; /* as in the model: negative counts from the end */
} qns_mean_attr;

#endif
