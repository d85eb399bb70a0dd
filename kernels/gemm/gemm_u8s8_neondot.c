/* SPDX-License-Identifier: MIT */
/* The dot product of ARMv8.2 (sdot): four products of signed bytes added to a 32-bit sum. Codes are
 * unsigned, so they are moved down by 128 (their top bit is flipped), and 128 times the sum of the
 * weights, which a row of ones gives on the side, is added at the end. Nothing saturates: exact. */
#include "kernels/gemm/gemm.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { TILE_M = 4, PARTS = QK_PANEL / 4, PANEL_QUAD = QK_PANEL * QK_QUAD };

INLINE int8x16_t quad_of(const uint8_t *row)
{
    uint32_t v;
    memcpy(&v, row, sizeof v);
    return vreinterpretq_s8_u32(vdupq_n_u32(v ^ 0x80808080u));
}

INLINE void store(int32_t *acc, const int32x4_t *c, const int32x4_t *weights, size_t width)
{
    int32_t sum[QK_PANEL];

#pragma GCC unroll 4
    for (int j = 0; j < PARTS; j++)
        vst1q_s32(sum + 4 * j, vaddq_s32(c[j], vshlq_n_s32(weights[j], 7)));
    memcpy(acc, sum, width * sizeof *sum);
}

/* mr rows, a constant after inlining, times one panel. */
INLINE void tile(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, const int8_t *panel,
                 size_t n_quads, size_t width, const int mr)
{
    const int8x16_t ones = vdupq_n_s8(1);
    int32x4_t c[TILE_M][PARTS], weights[PARTS];

#pragma GCC unroll 4
    for (int j = 0; j < PARTS; j++) {
        weights[j] = vdupq_n_s32(0);
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            c[i][j] = vdupq_n_s32(0);
    }
    for (size_t q = 0; q < n_quads; q++, panel += PANEL_QUAD) {
        int8x16_t a[TILE_M];

#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            a[i] = quad_of(rows[i] + q * QK_QUAD);

#pragma GCC unroll 4
        for (int j = 0; j < PARTS; j++) {
            const int8x16_t w = vld1q_s8(panel + 16 * j);
            weights[j] = vdotq_s32(weights[j], w, ones);

#pragma GCC unroll 4
            for (int i = 0; i < mr; i++)
                c[i][j] = vdotq_s32(c[i][j], w, a[i]);
        }
    }

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++)
        store(acc + (size_t)i * ld_acc, c[i], weights, width);
}

void qk_gemm_u8s8__neondot(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                           const int8_t *packed, size_t n, size_t k)
{
    const size_t n_quads = (k + QK_QUAD - 1) / QK_QUAD;

    for (size_t j = 0; j < n; j += QK_PANEL, packed += n_quads * PANEL_QUAD) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        size_t i = 0;
        for (; m - i >= TILE_M; i += TILE_M)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, TILE_M);
        for (; i < m; i++)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, 1);
    }
}
