/* SPDX-License-Identifier: MIT */
/* Attributes of the reshape operator, for passes and tests. */
#ifndef QNS_OP_RESHAPE_H
#define QNS_OP_RESHAPE_H

#include "core/graph/shape.h"

typedef enum qns_reshape_kind {
    QNS_RESHAPE,   /* v: the target; 0 keeps the size of that axis, one -1 takes what is left */
    QNS_FLATTEN,   /* v[0]: the axis before which everything becomes axis 0 */
    QNS_SQUEEZE,   /* v: axes of size 1 to drop; n 0: all of them */
    QNS_UNSQUEEZE, /* v: axes of the output that are new */
} qns_reshape_kind;

typedef struct qns_reshape_attr {
    int64_t kind, n;
    int64_t allow_zero; /* RESHAPE: 0 is a size */
    int64_t v[QNS_MAX_RANK];
} qns_reshape_attr;

#endif
