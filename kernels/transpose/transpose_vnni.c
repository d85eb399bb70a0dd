/* SPDX-License-Identifier: MIT */
/* AVX-512: bytes. Each quarter of a register does what a register of the AVX2 variant does, for the
 * 16 rows that follow, so that whole lines of the output are written at once. */
#include "kernels/transpose/transpose.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { BYTES = 16, ROWS = 64 };

INLINE __m128i row(const uint8_t *in, size_t in_step, size_t i, size_t n)
{
    return i < n ? _mm_loadu_si128((const __m128i *)(in + i * in_step)) : _mm_setzero_si128();
}

/* Rows i, i + 16, i + 32 and i + 48, as far as there are n. */
INLINE __m512i four(const uint8_t *in, size_t in_step, size_t i, size_t n)
{
    __m512i x = _mm512_castsi128_si512(row(in, in_step, i, n));
    x = _mm512_inserti32x4(x, row(in, in_step, i + BYTES, n), 1);
    x = _mm512_inserti32x4(x, row(in, in_step, i + 2 * BYTES, n), 2);
    return _mm512_inserti32x4(x, row(in, in_step, i + 3 * BYTES, n), 3);
}

/* Pairs of rows are woven together, four times: 1, 2, 4, then 8 bytes at a time. */
INLINE void weave(__m512i to[BYTES], const __m512i from[BYTES])
{
    for (int i = 0; i < BYTES / 2; i++) {
        to[2 * i] = _mm512_unpacklo_epi8(from[i], from[i + BYTES / 2]);
        to[2 * i + 1] = _mm512_unpackhi_epi8(from[i], from[i + BYTES / 2]);
    }
}

INLINE void block(uint8_t *out, size_t out_step, const uint8_t *in, size_t in_step, size_t n)
{
    const __mmask64 there = n < ROWS ? ((__mmask64)1 << n) - 1 : ~(__mmask64)0;
    __m512i a[BYTES], b[BYTES];
    for (size_t i = 0; i < BYTES; i++)
        a[i] = four(in, in_step, i, n);
    weave(b, a);
    weave(a, b);
    weave(b, a);
    weave(a, b);
    for (size_t i = 0; i < BYTES; i++)
        _mm512_mask_storeu_epi8(out + i * out_step, there, a[i]);
}

void qk_transpose_b1__vnni(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step)
{
    const size_t c = cols / BYTES * BYTES;
    if (rows < BYTES) {
        qk_transpose_b1__avx2(out, in, rows, cols, in_step);
        return;
    }
    for (size_t i = 0; i < rows; i += ROWS)
        for (size_t j = 0; j < c; j += BYTES) {
            const uint8_t *from = in + i * in_step + j;
            if (rows - i >= ROWS)
                block(out + j * rows + i, rows, from, in_step, ROWS);
            else
                block(out + j * rows + i, rows, from, in_step, rows - i);
        }
    const size_t all[2] = {0, rows}, right[2] = {c, cols};
    qk_transpose_part_b1(out, in, rows, in_step, all, right);
}
