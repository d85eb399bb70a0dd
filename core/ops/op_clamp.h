/* SPDX-License-Identifier: MIT */
/* Attributes of the clamp operator, for passes that make one. */
#ifndef QNS_OP_CLAMP_H
#define QNS_OP_CLAMP_H

#include "core/graph/qparams.h"

typedef struct qns_clamp_attr {
    qns_range range; /* infinite where there is no bound; never NaN */
} qns_clamp_attr;

#endif
