/* SPDX-License-Identifier: MIT */
/* Attributes of topk, for tests. */
#ifndef QNS_OP_TOPK_H
#define QNS_OP_TOPK_H

#include <stdint.h>

typedef struct qns_topk_attr {
    int64_t axis;    /* negative counts from the end */
    int64_t k;       /* -1: all */
    int64_t largest; /* else the smallest */
} qns_topk_attr;

#endif
