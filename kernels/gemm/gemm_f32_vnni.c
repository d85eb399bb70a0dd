/* SPDX-License-Identifier: MIT */
/* AVX-512, columns side by side: same terms, same order, same roundings as plain C; no fused
 * multiply-add. */
#include "kernels/gemm/gemm.h"

#include <immintrin.h>

#define INLINE     static inline __attribute__((always_inline))
#define MAX_TILE_M 12
#define MAX_TILE_N 2

typedef struct panels {
    const float *packed; /* the first of them */
    const float *bias;   /* of its columns, or NULL */
    size_t k;
    __mmask16 last; /* columns of the last one that exist */
} panels;

/* mr rows times np panels; both are constants after inlining, so c lives in registers. */
INLINE void tile(float *out, size_t ld_out, const float *const *rows, const panels *b, const int mr,
                 const int np)
{
    const size_t panel_size = b->k * QK_PANEL;
    __m512 c[MAX_TILE_M][MAX_TILE_N];

#pragma GCC unroll 16
    for (int j = 0; j < np; j++) {
        const __mmask16 mask = j == np - 1 ? b->last : 0xffff;
        const __m512 start =
            b->bias ? _mm512_maskz_loadu_ps(mask, b->bias + j * QK_PANEL) : _mm512_setzero_ps();

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
            c[i][j] = start;
    }
    for (size_t p = 0; p < b->k; p++) {
        __m512 w[MAX_TILE_N];

#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            w[j] = _mm512_loadu_ps(b->packed + (size_t)j * panel_size + p * QK_PANEL);

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            const __m512 a = _mm512_set1_ps(rows[i][p]);

#pragma GCC unroll 16
            for (int j = 0; j < np; j++)
                c[i][j] = _mm512_add_ps(c[i][j], _mm512_mul_ps(a, w[j]));
        }
    }

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            _mm512_mask_storeu_ps(out + (size_t)i * ld_out + (size_t)j * QK_PANEL,
                                  j == np - 1 ? b->last : 0xffff, c[i][j]);
}

INLINE void all_rows(float *out, size_t ld_out, const float *const *rows, size_t m, const panels *b,
                     const int np)
{
    size_t i = 0;

    for (; m - i >= 12; i += 12)
        tile(out + i * ld_out, ld_out, rows + i, b, 12, np);
    for (; m - i >= 4; i += 4)
        tile(out + i * ld_out, ld_out, rows + i, b, 4, np);
    for (; i < m; i++)
        tile(out + i * ld_out, ld_out, rows + i, b, 1, np);
}

void qk_gemm_f32__vnni(float *out, size_t ld_out, const float *const *rows, size_t m,
                       const float *packed, const float *bias, size_t n, size_t k)
{
    panels b = {.k = k};

    for (size_t j = 0; j < n;) {
        const size_t np = n - j > QK_PANEL ? 2 : 1;
        const size_t rest = n - j - (np - 1) * QK_PANEL;
        const size_t tail = rest < QK_PANEL ? rest : QK_PANEL;
        b.packed = packed + j * k;
        b.bias = bias ? bias + j : NULL;
        b.last = (__mmask16)(0xffffu >> (QK_PANEL - tail));
        if (np == 2)
            all_rows(out + j, ld_out, rows, m, &b, 2);
        else
            all_rows(out + j, ld_out, rows, m, &b, 1);
        j += np * QK_PANEL;
    }
}
