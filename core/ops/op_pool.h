/* SPDX-License-Identifier: MIT */
/* Attributes of the average pool, for tests. Those of the max pool are a plain qns_window. */
#ifndef QNS_OP_POOL_H
#define QNS_OP_POOL_H

#include "core/ops/window.h"

typedef struct qns_avgpool_attr {
    qns_window w;
    int64_t include_pad; /* the divisor counts padding, but nothing beyond it */
} qns_avgpool_attr;

#endif
