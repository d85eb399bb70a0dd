/* SPDX-License-Identifier: MIT */
/* NEON, in tiles as transpose_avx2.c has them: high enough that whole lines of the output are
 * written while they are in the cache. */
#include "kernels/transpose/transpose.h"

#include <arm_neon.h>

enum { TILE = 64, BYTES = 16, WORDS = 4 };

/* Pairs of rows are woven together; four times over it is the transposition. */
static inline void weave(uint8x16_t to[BYTES], const uint8x16_t from[BYTES])
{
    for (int i = 0; i < BYTES / 2; i++) {
        to[2 * i] = vzip1q_u8(from[i], from[i + BYTES / 2]);
        to[2 * i + 1] = vzip2q_u8(from[i], from[i + BYTES / 2]);
    }
}

static inline void block_b1(uint8_t *out, size_t out_step, const uint8_t *in, size_t in_step)
{
    uint8x16_t a[BYTES], b[BYTES];
    for (size_t i = 0; i < BYTES; i++)
        a[i] = vld1q_u8(in + i * in_step);
    weave(b, a);
    weave(a, b);
    weave(b, a);
    weave(a, b);
    for (size_t i = 0; i < BYTES; i++)
        vst1q_u8(out + i * out_step, a[i]);
}

void qk_transpose_b1__neon(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step)
{
    const size_t r = rows / BYTES * BYTES, c = cols / BYTES * BYTES;
    for (size_t t = 0; t < r; t += TILE)
        for (size_t j = 0; j < c; j += BYTES)
            for (size_t i = t; i < r && i < t + TILE; i += BYTES)
                block_b1(out + j * rows + i, rows, in + i * in_step + j, in_step);
    const size_t below[2] = {r, rows}, left[2] = {0, c}, all[2] = {0, rows}, right[2] = {c, cols};
    qk_transpose_part_b1(out, in, rows, in_step, below, left);
    qk_transpose_part_b1(out, in, rows, in_step, all, right);
}

static inline void block_b4(uint32_t *out, size_t out_step, const uint32_t *in, size_t in_step)
{
    const uint32x4_t a = vld1q_u32(in), b = vld1q_u32(in + in_step);
    const uint32x4_t c = vld1q_u32(in + 2 * in_step), d = vld1q_u32(in + 3 * in_step);
    const uint32x4_t ac0 = vzip1q_u32(a, c), ac1 = vzip2q_u32(a, c);
    const uint32x4_t bd0 = vzip1q_u32(b, d), bd1 = vzip2q_u32(b, d);
    vst1q_u32(out, vzip1q_u32(ac0, bd0));
    vst1q_u32(out + out_step, vzip2q_u32(ac0, bd0));
    vst1q_u32(out + 2 * out_step, vzip1q_u32(ac1, bd1));
    vst1q_u32(out + 3 * out_step, vzip2q_u32(ac1, bd1));
}

void qk_transpose_b4__neon(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                           size_t in_step)
{
    const size_t r = rows / WORDS * WORDS, c = cols / WORDS * WORDS;
    for (size_t t = 0; t < r; t += TILE)
        for (size_t j = 0; j < c; j += WORDS)
            for (size_t i = t; i < r && i < t + TILE; i += WORDS)
                block_b4(out + j * rows + i, rows, in + i * in_step + j, in_step);
    const size_t below[2] = {r, rows}, left[2] = {0, c}, all[2] = {0, rows}, right[2] = {c, cols};
    qk_transpose_part_b4(out, in, rows, in_step, below, left);
    qk_transpose_part_b4(out, in, rows, in_step, all, right);
}
