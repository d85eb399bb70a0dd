/* SPDX-License-Identifier: MIT */
/* AVX-512 VNNI: one vpdpbusd adds a quad of one row times a quad of 16 columns, exactly (the four
 * products are added in 32 bits, no saturation). A tile keeps up to 24 accumulators in registers.
 */
#include "kernels/gemm/gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE     static inline __attribute__((always_inline))
#define MAX_TILE_M 12
#define MAX_TILE_N 4
#define PANEL_QUAD (QK_PANEL * QK_QUAD)

typedef struct panels {
    const int8_t *packed; /* the first of them */
    size_t size;          /* of one, in bytes */
    size_t n_quads;
    __mmask16 last; /* columns of the last one that exist */
} panels;

INLINE __m512i quad_of(const uint8_t *row)
{
    int32_t v;
    memcpy(&v, row, sizeof v);
    return _mm512_set1_epi32(v);
}

/* _mm512_dpbusd_epi32, spelled so that the compiler sees one register for c: GCC 12 otherwise
 * copies accumulators around in the inner loop and spills them, which halves the speed. */
INLINE __m512i dot(__m512i c, __m512i a, __m512i w)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(c) : "v"(a), "v"(w));
    return c;
}

/* mr rows times np panels; both are constants after inlining, so c lives in registers. */
INLINE void tile(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, const panels *b,
                 const int mr, const int np)
{
    __m512i c[MAX_TILE_M][MAX_TILE_N];

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            c[i][j] = _mm512_setzero_si512();
    for (size_t q = 0; q < b->n_quads; q++) {
        __m512i w[MAX_TILE_N];

#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            w[j] = _mm512_loadu_si512(b->packed + (size_t)j * b->size + q * PANEL_QUAD);

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            const __m512i a = quad_of(rows[i] + q * QK_QUAD);

#pragma GCC unroll 16
            for (int j = 0; j < np; j++)
                c[i][j] = dot(c[i][j], a, w[j]);
        }
    }

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            _mm512_mask_storeu_epi32(acc + (size_t)i * ld_acc + (size_t)j * QK_PANEL,
                                     j == np - 1 ? b->last : 0xffff, c[i][j]);
}

INLINE void all_rows(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                     const panels *b, const int np)
{
    size_t i = 0;

    for (; np <= 2 && m - i >= 12; i += 12)
        tile(acc + i * ld_acc, ld_acc, rows + i, b, 12, np);
    for (; m - i >= 6; i += 6)
        tile(acc + i * ld_acc, ld_acc, rows + i, b, 6, np);
    for (; m - i >= 3; i += 3)
        tile(acc + i * ld_acc, ld_acc, rows + i, b, 3, np);
    for (; i < m; i++)
        tile(acc + i * ld_acc, ld_acc, rows + i, b, 1, np);
}

void qk_gemm_u8s8__vnni(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k)
{
    panels b = {.n_quads = (k + QK_QUAD - 1) / QK_QUAD};

    b.size = b.n_quads * PANEL_QUAD;
    for (size_t j = 0; j < n;) {
        const size_t left = (n - j + QK_PANEL - 1) / QK_PANEL;
        const size_t np = left >= 4 ? 4 : left >= 2 ? 2 : 1;
        const size_t tail = np == left ? n - j - (np - 1) * QK_PANEL : QK_PANEL;
        b.packed = packed + j / QK_PANEL * b.size;
        b.last = (__mmask16)(0xffffu >> (QK_PANEL - tail));
        if (np == 4)
            all_rows(acc + j, ld_acc, rows, m, &b, 4);
        else if (np == 2)
            all_rows(acc + j, ld_acc, rows, m, &b, 2);
        else
            all_rows(acc + j, ld_acc, rows, m, &b, 1);
        j += np * QK_PANEL;
    }
}
