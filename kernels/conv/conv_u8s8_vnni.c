/* SPDX-License-Identifier: MIT */
/* AVX-512 VNNI: one vpdpbusd adds a quad of one position times a quad of 16 columns, exactly. A
 * block of up to 6 positions times 64 columns (or 8 times 48 and less) stays in registers from the
 * first tap to the code. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/epilogue_avx512.h"
#include "kernels/gemm/gemm.h"

#include <string.h>

#define INLINE     static inline __attribute__((always_inline))
#define MAX_ROWS   8
#define MAX_PANELS 4
#define PANEL_QUAD (QK_PANEL * QK_QUAD)

/* A group of panels and where its results go. */
typedef struct group {
    const qk_conv_tile *t;
    const int8_t *packed;
    const int8_t *ahead; /* what the sweep over the rows fetches: of the group that comes next */
    size_t panel_size, n_quads; /* bytes of a panel; quads of a tap */
    qk_epilogue e;
} group;

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

/* mr positions times np panels; both are constants after inlining. */
INLINE void block(uint8_t *out, size_t ld_out, const uint8_t *const *rows, const group *g,
                  const int mr, const int np)
{
    const int8_t *w0 = g->packed, *w3 = g->packed + 3 * g->panel_size, *ahead = g->ahead;
    const size_t size = g->panel_size;
    __m512i c[MAX_ROWS][MAX_PANELS];

#pragma GCC unroll 16
    for (int j = 0; j < np; j++) {
        const __m512i start = _mm512_loadu_si512(g->e.offset + j * QK_PANEL);
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
            c[i][j] = start;
    }
    for (size_t tap = 0; tap < g->t->n_taps; tap++, rows += g->t->m) {
        const uint8_t *a[MAX_ROWS];

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
            a[i] = rows[i];
        for (size_t q = 0; q < g->n_quads; q++, w0 += PANEL_QUAD, w3 += PANEL_QUAD) {
            __m512i w[MAX_PANELS];

            _mm_prefetch(ahead, _MM_HINT_T1);
            ahead += PANEL_QUAD;

#pragma GCC unroll 16
            for (int j = 0; j < np; j++)
                w[j] = _mm512_loadu_si512(j == 3 ? w3 : w0 + (size_t)j * size);
#pragma GCC unroll 16
            for (int i = 0; i < mr; i++) {
                const __m512i quad = quad_of(a[i] + q * QK_QUAD);
#pragma GCC unroll 16
                for (int j = 0; j < np; j++)
                    c[i][j] = dot(c[i][j], quad, w[j]);
            }
        }
    }

#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
        qk_epilogue_store(out + (size_t)i * ld_out, &g->e, c[i], np);
}

#define BLOCK(MR, NP)                                                                              \
    case MR:                                                                                       \
        block(out, ld_out, rows, g, MR, NP);                                                       \
        break;
#define BLOCKS(NP)                                                                                 \
    static void blocks_##NP(uint8_t *out, size_t ld_out, const uint8_t *const *rows,               \
                            const group *g, size_t mr)                                             \
    {                                                                                              \
        switch (mr) {                                                                              \
            BLOCK(1, NP)                                                                           \
            BLOCK(2, NP)                                                                           \
            BLOCK(3, NP)                                                                           \
            BLOCK(4, NP)                                                                           \
            BLOCK(5, NP)                                                                           \
            BLOCK(6, NP)                                                                           \
            BLOCK_7_8(NP)                                                                          \
        }                                                                                          \
    }
#define BLOCK_7_8(NP) BLOCK(7, NP) BLOCK(8, NP)
BLOCKS(1)
BLOCKS(2)
BLOCKS(3)
#undef BLOCK_7_8
#define BLOCK_7_8(NP)
BLOCKS(4)

/* Rows in blocks of nearly equal height: a block of one or two rows waits for its own sums. */
static void all_rows(uint8_t *out, size_t ld_out, group *g, size_t np)
{
    const size_t m = g->t->m, most = np == 4 ? 6 : 8, n_blocks = (m + most - 1) / most;
    const int8_t *next = g->packed + np * g->panel_size;

    for (size_t b = 0, i = 0; b < n_blocks; b++) {
        const size_t end = m * (b + 1) / n_blocks;
        uint8_t *o = out + i * ld_out;
        const uint8_t *const *rows = g->t->rows + i;

        /* The first blocks fetch one panel of the next group each; a prefetch cannot fault. */
        g->ahead = b < MAX_PANELS ? next + b * g->panel_size : g->packed;
        if (np == 4)
            blocks_4(o, ld_out, rows, g, end - i);
        else if (np == 3)
            blocks_3(o, ld_out, rows, g, end - i);
        else if (np == 2)
            blocks_2(o, ld_out, rows, g, end - i);
        else
            blocks_1(o, ld_out, rows, g, end - i);
        i = end;
    }
}

void qk_conv_u8s8__vnni(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    const size_t n_quads = (t->tap_k + QK_QUAD - 1) / QK_QUAD;
    const size_t n_panels = (t->n + QK_PANEL - 1) / QK_PANEL;
    const size_t n_groups = (n_panels + MAX_PANELS - 1) / MAX_PANELS;
    group g;

    g.t = t;
    g.n_quads = n_quads;
    g.panel_size = t->n_taps * n_quads * PANEL_QUAD;

    for (size_t i = 0, p = 0; i < n_groups; i++) {
        const size_t end = n_panels * (i + 1) / n_groups, col = p * QK_PANEL;
        const size_t width = (end == n_panels ? t->n : end * QK_PANEL) - col;

        g.packed = t->packed + p * g.panel_size;
        qk_epilogue_make(&g.e, t->rq, col, width);
        all_rows(out + col, ld_out, &g, end - p);
        p = end;
    }
}
