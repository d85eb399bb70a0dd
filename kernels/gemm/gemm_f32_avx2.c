/* SPDX-License-Identifier: MIT */
/* AVX2, columns side by side: same terms, same order, same roundings as plain C; no fused
 * multiply-add. */
#include "kernels/gemm/gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define TILE_M 6

/* mr rows, a constant after inlining, times one panel; start and result are 16 wide. */
INLINE void tile(float *out, size_t ld_out, const float *const *rows, const float *panel,
                 const float *start, size_t k, size_t width, const int mr)
{
    __m256 c[TILE_M][2];

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        c[i][0] = _mm256_loadu_ps(start);
        c[i][1] = _mm256_loadu_ps(start + 8);
    }
    for (size_t p = 0; p < k; p++, panel += QK_PANEL) {
        const __m256 w0 = _mm256_loadu_ps(panel), w1 = _mm256_loadu_ps(panel + 8);

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            const __m256 a = _mm256_broadcast_ss(rows[i] + p);
            c[i][0] = _mm256_add_ps(c[i][0], _mm256_mul_ps(a, w0));
            c[i][1] = _mm256_add_ps(c[i][1], _mm256_mul_ps(a, w1));
        }
    }

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        float sum[QK_PANEL];
        _mm256_storeu_ps(sum, c[i][0]);
        _mm256_storeu_ps(sum + 8, c[i][1]);
        memcpy(out + (size_t)i * ld_out, sum, width * sizeof *sum);
    }
}

void qk_gemm_f32__avx2(float *out, size_t ld_out, const float *const *rows, size_t m,
                       const float *packed, const float *bias, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += QK_PANEL, packed += k * QK_PANEL) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        float start[QK_PANEL] = {0};
        size_t i = 0;

        if (bias)
            memcpy(start, bias + j, width * sizeof *start);
        for (; m - i >= TILE_M; i += TILE_M)
            tile(out + i * ld_out + j, ld_out, rows + i, packed, start, k, width, TILE_M);
        for (; m - i >= 2; i += 2)
            tile(out + i * ld_out + j, ld_out, rows + i, packed, start, k, width, 2);
        if (i < m)
            tile(out + i * ld_out + j, ld_out, rows + i, packed, start, k, width, 1);
    }
}
