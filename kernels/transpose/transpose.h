/* SPDX-License-Identifier: MIT */
/* out[j * rows + i] = in[i * in_step + j] for i < rows, j < cols: channels-last to row-major and
 * back; cols < in_step takes some of the channels. Elements of one and of four bytes; what they
 * mean does not matter. */
#ifndef QK_TRANSPOSE_H
#define QK_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>

void qk_transpose_b1__c(uint8_t *out, const uint8_t *in, size_t rows, size_t cols, size_t in_step);
void qk_transpose_b4__c(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                        size_t in_step);
void qk_transpose_b1__avx2(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step);
void qk_transpose_b4__avx2(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                           size_t in_step);
void qk_transpose_b1__vnni(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step);
void qk_transpose_b1__neon(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step);
void qk_transpose_b4__neon(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                           size_t in_step);

/* Elements i0 <= i < i1, j0 <= j < j1 of it. */
static inline void qk_transpose_part_b1(uint8_t *out, const uint8_t *in, size_t rows,
                                        size_t in_step, const size_t i[2], const size_t j[2])
{
    for (size_t a = i[0]; a < i[1]; a++)
        for (size_t b = j[0]; b < j[1]; b++)
            out[b * rows + a] = in[a * in_step + b];
}

static inline void qk_transpose_part_b4(uint32_t *out, const uint32_t *in, size_t rows,
                                        size_t in_step, const size_t i[2], const size_t j[2])
{
    for (size_t a = i[0]; a < i[1]; a++)
        for (size_t b = j[0]; b < j[1]; b++)
            out[b * rows + a] = in[a * in_step + b];
}

#endif
