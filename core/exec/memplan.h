/* SPDX-License-Identifier: MIT */
/* Where blocks of known size and lifetime lie in one buffer. Blocks whose lifetimes overlap never
 * share memory. Greedy by size (largest first, lowest free offset), which is within a few per cent
 * of the optimum on networks. */
#ifndef QNS_MEMPLAN_H
#define QNS_MEMPLAN_H

#include "core/base/status.h"

typedef struct qns_block {
    size_t size;
    uint32_t first, last; /* steps, both inclusive, in which it is alive */
    size_t offset;        /* out: multiple of 64 */
} qns_block;

/* *total: bytes of the whole buffer. */
qns_status qns_memplan(qns_block *b, size_t n, size_t *total, qns_err *err);

#endif
