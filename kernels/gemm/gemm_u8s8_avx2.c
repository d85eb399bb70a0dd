/* SPDX-License-Identifier: MIT */
/* AVX2. vpmaddubsw would saturate the sum of two products at 16 bits (2 * 255 * 127 > 32,767), so
 * codes and weights are widened first: the even and the odd bytes of each 16-bit lane become words,
 * and vpmaddwd adds two products of words in 32 bits, exactly. No horizontal sum is needed at the
 * end. */
#include "kernels/gemm/gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE     static inline __attribute__((always_inline))
#define TILE_M     4
#define PANEL_QUAD (QK_PANEL * QK_QUAD)

INLINE __m256i even_s8(__m256i w)
{
    return _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8);
}

INLINE __m256i odd_s8(__m256i w)
{
    return _mm256_srai_epi16(w, 8);
}

INLINE __m256i dot(__m256i c, __m256i even_a, __m256i odd_a, __m256i even_w, __m256i odd_w)
{
    return _mm256_add_epi32(_mm256_add_epi32(c, _mm256_madd_epi16(even_a, even_w)),
                            _mm256_madd_epi16(odd_a, odd_w));
}

INLINE void store(int32_t *acc, __m256i c0, __m256i c1, size_t width)
{
    int32_t sum[QK_PANEL];

    if (width == QK_PANEL) {
        _mm256_storeu_si256((__m256i *)acc, c0);
        _mm256_storeu_si256((__m256i *)(acc + 8), c1);
        return;
    }
    _mm256_storeu_si256((__m256i *)sum, c0);
    _mm256_storeu_si256((__m256i *)(sum + 8), c1);
    memcpy(acc, sum, width * sizeof *acc);
}

/* mr rows, a constant after inlining, times one panel. */
INLINE void tile(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, const int8_t *panel,
                 size_t n_quads, size_t width, const int mr)
{
    const __m256i low_bytes = _mm256_set1_epi16(0xff);
    __m256i c[TILE_M][2];

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
        c[i][0] = c[i][1] = _mm256_setzero_si256();
    for (size_t q = 0; q < n_quads; q++, panel += PANEL_QUAD) {
        const __m256i w0 = _mm256_loadu_si256((const __m256i *)panel);
        const __m256i w1 = _mm256_loadu_si256((const __m256i *)(panel + 32));
        const __m256i even_w0 = even_s8(w0), odd_w0 = odd_s8(w0);
        const __m256i even_w1 = even_s8(w1), odd_w1 = odd_s8(w1);

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            int32_t v;
            memcpy(&v, rows[i] + q * QK_QUAD, sizeof v);
            const __m256i a = _mm256_set1_epi32(v);
            const __m256i even_a = _mm256_and_si256(a, low_bytes);
            const __m256i odd_a = _mm256_srli_epi16(a, 8);
            c[i][0] = dot(c[i][0], even_a, odd_a, even_w0, odd_w0);
            c[i][1] = dot(c[i][1], even_a, odd_a, even_w1, odd_w1);
        }
    }

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
        store(acc + (size_t)i * ld_acc, c[i][0], c[i][1], width);
}

void qk_gemm_u8s8__avx2(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k)
{
    const size_t n_quads = (k + QK_QUAD - 1) / QK_QUAD;

    for (size_t j = 0; j < n; j += QK_PANEL, packed += n_quads * PANEL_QUAD) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        size_t i = 0;
        for (; m - i >= TILE_M; i += TILE_M)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, TILE_M);
        for (; m - i >= 2; i += 2)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, 2);
        if (i < m)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, 1);
    }
}
