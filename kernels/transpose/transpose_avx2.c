/* SPDX-License-Identifier: MIT */
/* AVX2. A tile is TILE rows high, so that whole lines of the output are written while they are in
 * the cache, and as wide as one step: 16 bytes, or 8 words. */
#include "kernels/transpose/transpose.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { TILE = 64, BYTES = 16, WORDS = 8, PLANES = 4 };

/* Pairs of rows are woven together, four times: 1, 2, 4, then 8 bytes at a time. */
INLINE void weave(__m128i to[BYTES], const __m128i from[BYTES])
{
    for (int i = 0; i < BYTES / 2; i++) {
        to[2 * i] = _mm_unpacklo_epi8(from[i], from[i + BYTES / 2]);
        to[2 * i + 1] = _mm_unpackhi_epi8(from[i], from[i + BYTES / 2]);
    }
}

INLINE void block_b1(uint8_t *out, size_t out_step, const uint8_t *in, size_t in_step)
{
    __m128i a[BYTES], b[BYTES];
    for (size_t i = 0; i < BYTES; i++)
        a[i] = _mm_loadu_si128((const __m128i *)(in + i * in_step));
    weave(b, a);
    weave(a, b);
    weave(b, a);
    weave(a, b);
    for (size_t i = 0; i < BYTES; i++)
        _mm_storeu_si128((__m128i *)(out + i * out_step), a[i]);
}

/* The planes of an image: up to 4 rows. Output byte p comes from row p % rows, column p / rows; of
 * each row, a shuffle puts what belongs there and zeros elsewhere. */
static size_t planes(uint8_t *out, const uint8_t *in, size_t rows, size_t cols, size_t in_step)
{
    uint8_t from[PLANES][PLANES][BYTES];
    size_t j = 0;

    for (size_t p = 0; p < rows * BYTES; p++)
        for (size_t r = 0; r < rows; r++)
            from[p / BYTES][r][p % BYTES] = r == p % rows ? (uint8_t)(p / rows) : 0x80;
    for (; cols - j >= BYTES; j += BYTES)
        for (size_t k = 0; k < rows; k++) {
            __m128i woven = _mm_setzero_si128();

            for (size_t r = 0; r < rows; r++)
                woven = _mm_or_si128(
                    woven,
                    _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(in + r * in_step + j)),
                                     _mm_loadu_si128((const __m128i *)from[k][r])));
            _mm_storeu_si128((__m128i *)(out + j * rows + k * BYTES), woven);
        }
    return j;
}

void qk_transpose_b1__avx2(uint8_t *out, const uint8_t *in, size_t rows, size_t cols,
                           size_t in_step)
{
    if (rows <= PLANES) {
        const size_t all_rows[2] = {0, rows},
                     rest[2] = {planes(out, in, rows, cols, in_step), cols};
        qk_transpose_part_b1(out, in, rows, in_step, all_rows, rest);
        return;
    }
    const size_t r = rows / BYTES * BYTES, c = cols / BYTES * BYTES;
    for (size_t t = 0; t < r; t += TILE)
        for (size_t j = 0; j < c; j += BYTES)
            for (size_t i = t; i < r && i < t + TILE; i += BYTES)
                block_b1(out + j * rows + i, rows, in + i * in_step + j, in_step);
    const size_t below[2] = {r, rows}, left[2] = {0, c}, all[2] = {0, rows}, right[2] = {c, cols};
    qk_transpose_part_b1(out, in, rows, in_step, below, left);
    qk_transpose_part_b1(out, in, rows, in_step, all, right);
}

INLINE __m256 load2(const float *lo, const float *hi)
{
    return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(lo)), _mm_loadu_ps(hi), 1);
}

/* Four rows of the output from one half of eight rows of the input. */
INLINE void half_b4(float *out, size_t out_step, const float *in, size_t in_step)
{
    const __m256 a = load2(in, in + 4 * in_step);
    const __m256 b = load2(in + in_step, in + 5 * in_step);
    const __m256 c = load2(in + 2 * in_step, in + 6 * in_step);
    const __m256 d = load2(in + 3 * in_step, in + 7 * in_step);
    const __m256 ab0 = _mm256_unpacklo_ps(a, b), ab1 = _mm256_unpackhi_ps(a, b);
    const __m256 cd0 = _mm256_unpacklo_ps(c, d), cd1 = _mm256_unpackhi_ps(c, d);
    _mm256_storeu_ps(out, _mm256_shuffle_ps(ab0, cd0, 0x44));
    _mm256_storeu_ps(out + out_step, _mm256_shuffle_ps(ab0, cd0, 0xee));
    _mm256_storeu_ps(out + 2 * out_step, _mm256_shuffle_ps(ab1, cd1, 0x44));
    _mm256_storeu_ps(out + 3 * out_step, _mm256_shuffle_ps(ab1, cd1, 0xee));
}

INLINE void block_b4(float *out, size_t out_step, const float *in, size_t in_step)
{
    half_b4(out, out_step, in, in_step);
    half_b4(out + 4 * out_step, out_step, in + 4, in_step);
}

void qk_transpose_b4__avx2(uint32_t *out, const uint32_t *in, size_t rows, size_t cols,
                           size_t in_step)
{
    const size_t r = rows / WORDS * WORDS, c = cols / WORDS * WORDS;
    for (size_t t = 0; t < r; t += TILE)
        for (size_t j = 0; j < c; j += WORDS)
            for (size_t i = t; i < r && i < t + TILE; i += WORDS)
                block_b4((float *)out + j * rows + i, rows, (const float *)in + i * in_step + j,
                         in_step);
    const size_t below[2] = {r, rows}, left[2] = {0, c}, all[2] = {0, rows}, right[2] = {c, cols};
    qk_transpose_part_b4(out, in, rows, in_step, below, left);
    qk_transpose_part_b4(out, in, rows, in_step, all, right);
}
