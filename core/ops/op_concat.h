/* SPDX-License-Identifier: MIT */
/* Attributes of the concat operator, for tests. */
#ifndef QNS_OP_CONCAT_H
#define QNS_OP_CONCAT_H

#include <stdint.h>

typedef struct qns_concat_attr {
    int64_t axis;
} qns_concat_attr;

#endif
