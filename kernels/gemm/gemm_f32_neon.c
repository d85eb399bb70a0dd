/* SPDX-License-Identifier: MIT */
/* NEON, columns side by side: same terms, same order, same roundings as plain C; no fused
 * multiply-add. */
#include "kernels/gemm/gemm.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { TILE_M = 4, PARTS = QK_PANEL / 4 };

/* mr rows, a constant after inlining, times one panel; start and result are 16 wide. */
INLINE void tile(float *out, size_t ld_out, const float *const *rows, const float *panel,
                 const float *start, size_t k, size_t width, const int mr)
{
    float32x4_t c[TILE_M][PARTS];

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 4
        for (int j = 0; j < PARTS; j++)
            c[i][j] = vld1q_f32(start + 4 * j);
    for (size_t p = 0; p < k; p++, panel += QK_PANEL) {
#pragma GCC unroll 4
        for (int j = 0; j < PARTS; j++) {
            const float32x4_t w = vld1q_f32(panel + 4 * j);
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++)
                c[i][j] = vaddq_f32(c[i][j], vmulq_n_f32(w, rows[i][p]));
        }
    }

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        float sum[QK_PANEL];
        for (int j = 0; j < PARTS; j++)
            vst1q_f32(sum + 4 * j, c[i][j]);
        memcpy(out + (size_t)i * ld_out, sum, width * sizeof *sum);
    }
}

void qk_gemm_f32__neon(float *out, size_t ld_out, const float *const *rows, size_t m,
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
        for (; i < m; i++)
            tile(out + i * ld_out + j, ld_out, rows + i, packed, start, k, width, 1);
    }
}
