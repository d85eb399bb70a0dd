/* SPDX-License-Identifier: MIT */
/* Lines of a depthwise convolution: neighbouring outputs along the innermost axis, from codes to
 * codes. Neighbours share input columns, so what a column needs (here: interleaving its rows for
 * dot products) is done once for all of them.
 *
 * Packed weights: blocks of 64 channels, padded with zeros; in a block one record for each kernel
 * column and quad of kernel rows, 256 bytes that are four vectors of four lanes of 16 bytes:
 * channel 16 l + 4 i + c has the weights of its four rows at byte 64 i + 16 l + 4 c. This is the
 * order that interleaving bytes, then pairs, within 128-bit lanes gives to the columns of the
 * input; packing 32-bit sums to bytes within lanes undoes it. */
#ifndef QK_DWLINE_H
#define QK_DWLINE_H

#include "kernels/types.h"

enum { QK_DW_BLOCK = 64, QK_DW_RECORD = 256 };

void qk_dwline_u8s8__c(uint8_t *out, size_t ld_out, const qk_dw_line *t);
void qk_dwline_u8s8__avx2(uint8_t *out, size_t ld_out, const qk_dw_line *t);
void qk_dwline_u8s8__vnni(uint8_t *out, size_t ld_out, const qk_dw_line *t);
void qk_dwline_u8s8__neon(uint8_t *out, size_t ld_out, const qk_dw_line *t);

static inline size_t qk_dw_quads(size_t n_rows)
{
    return (n_rows + 3) / 4;
}

/* Parameters of the columns from col on. */
static inline qk_requant qk_dw_requant(const qk_requant *rq, size_t col)
{
    qk_requant r = *rq;
    r.offset += col;
    r.mult += rq->per_channel ? col : 0;
    r.bias += rq->bias ? col : 0;
    return r;
}

#endif
