/* SPDX-License-Identifier: MIT */
/* Walks over arrays in any layout: where an element lies, copying a strided block, and the channels
 * of an axis in memory. */
#ifndef QNS_STRIDED_H
#define QNS_STRIDED_H

#include "core/graph/tensor.h"

/* An axis of a tensor in memory: outer blocks of n channels of inner elements. axis -1: one channel
 * that holds everything. */
typedef struct qns_channels {
    size_t outer, n, inner;
} qns_channels;
qns_channels qns_channels_of(const qns_tensor *t, int32_t axis);

/* Steps, in elements, along the axes of the shape (in the model's order). */
void qns_strides_of(int64_t step[QNS_MAX_RANK], const qns_tensor *t);

/* Copies a block of `shape` elements of `size` bytes: element i, j, ... goes from src + i *
 * src_step[0]
 * + j * src_step[1] + ... to dst likewise; steps are in elements and may be 0 or negative in src.
 */
typedef struct qns_block_copy {
    qns_shape shape;
    size_t size;
    int64_t dst_step[QNS_MAX_RANK], src_step[QNS_MAX_RANK];
} qns_block_copy;
void qns_copy_block(void *dst, const void *src, const qns_block_copy *b);

#endif
