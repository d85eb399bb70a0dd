/* SPDX-License-Identifier: MIT */
#ifndef QNS_OP_EMBEDDING_BAG_H
#define QNS_OP_EMBEDDING_BAG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct qns_embedding_bag_attr {
    int64_t bits, dim; /* 8 or 4; numbers in a row */
    bool with_last;    /* the offsets end with the number of indices */
} qns_embedding_bag_attr;

#endif
