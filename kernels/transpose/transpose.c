/* SPDX-License-Identifier: MIT */
/* Plain C, in blocks that keep both sides in the cache. */
#include "kernels/transpose/transpose.h"

enum { B = 16 };

void qk_transpose_b1__c(uint8_t *out, const uint8_t *in, size_t rows, size_t cols, size_t in_step)
{
    for (size_t i = 0; i < rows; i += B)
        for (size_t j = 0; j < cols; j += B) {
            const size_t is[2] = {i, i + B < rows ? i + B : rows};
            const size_t js[2] = {j, j + B < cols ? j + B : cols};
            qk_transpose_part_b1(out, in, rows, in_step, is, js);
        }
}

void qk_transpose_b4__c(uint32_t *out, const uint32_t *in, size_t rows, size_t cols, size_t in_step)
{
    for (size_t i = 0; i < rows; i += B)
        for (size_t j = 0; j < cols; j += B) {
            const size_t is[2] = {i, i + B < rows ? i + B : rows};
            const size_t js[2] = {j, j + B < cols ? j + B : cols};
            qk_transpose_part_b4(out, in, rows, in_step, is, js);
        }
}
