/* SPDX-License-Identifier: MIT */
/* NEON of ARMv8.0, without the optional dot product. A code times a weight fits in 16 bits (255 *
 * -128 = -32,640), so 8 products are one instruction and vpadal adds pairs of them to 32-bit sums;
 * a sum register holds 2 columns in 2 halves each, which are added at the end. */
#include "kernels/gemm/gemm.h"

#include <arm_neon.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { TILE_M = 2, SUMS = QK_PANEL / 2, PANEL_QUAD = QK_PANEL * QK_QUAD };

INLINE int16x8_t quad_of(const uint8_t *row)
{
    uint32_t v;
    memcpy(&v, row, sizeof v);
    return vreinterpretq_s16_u16(vmovl_u8(vreinterpret_u8_u32(vdup_n_u32(v))));
}

INLINE void store(int32_t *acc, const int32x4_t *c, size_t width)
{
    int32_t sum[QK_PANEL];

#pragma GCC unroll 4
    for (int j = 0; j < QK_PANEL / 4; j++)
        vst1q_s32(sum + 4 * j, vpaddq_s32(c[2 * j], c[2 * j + 1]));
    memcpy(acc, sum, width * sizeof *sum);
}

/* mr rows, a constant after inlining, times one panel. */
INLINE void tile(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, const int8_t *panel,
                 size_t n_quads, size_t width, const int mr)
{
    int32x4_t c[TILE_M][SUMS];

#pragma GCC unroll 2
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++)
            c[i][j] = vdupq_n_s32(0);
    for (size_t q = 0; q < n_quads; q++, panel += PANEL_QUAD) {
        int16x8_t a[TILE_M];

#pragma GCC unroll 2
        for (int i = 0; i < mr; i++)
            a[i] = quad_of(rows[i] + q * QK_QUAD);

#pragma GCC unroll 8
        for (int j = 0; j < SUMS; j++) {
            const int16x8_t w = vmovl_s8(vld1_s8(panel + 8 * j));

#pragma GCC unroll 2
            for (int i = 0; i < mr; i++)
                c[i][j] = vpadalq_s16(c[i][j], vmulq_s16(a[i], w));
        }
    }

#pragma GCC unroll 2
    for (int i = 0; i < mr; i++)
        store(acc + (size_t)i * ld_acc, c[i], width);
}

void qk_gemm_u8s8__neon(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k)
{
    const size_t n_quads = (k + QK_QUAD - 1) / QK_QUAD;

    for (size_t j = 0; j < n; j += QK_PANEL, packed += n_quads * PANEL_QUAD) {
        const size_t width = n - j < QK_PANEL ? n - j : QK_PANEL;
        size_t i = 0;
        for (; m - i >= TILE_M; i += TILE_M)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, TILE_M);
        if (i < m)
            tile(acc + i * ld_acc + j, ld_acc, rows + i, packed, n_quads, width, 1);
    }
}
