/* SPDX-License-Identifier: MIT */
/* AVX-512 VNNI: one vpdpbusd adds a quad of one position times a quad of 16 columns, exactly. A
 * block of up to 6 positions times 64 columns (or 8 times 48 and less) stays in registers from the
 * first tap to the code. While a group of 64 columns is computed, the weights of the next one come
 * into the second-level cache, evenly over the positions: a layer's weights are in none of the
 * nearer caches, and 49 positions use a weight no longer than memory needs to give it. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/epilogue_avx512.h"
#include "kernels/gemm/gemm.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    MAX_ROWS = 8,
    MAX_PANELS = 4,
    PANEL_QUAD = QK_PANEL * QK_QUAD,
    STEP = 4, /* quads of a step: fewer scalar instructions compete with the sums */
    LINE = 64,
    STEP_AHEAD = 2, /* lines fetched in a step: eight blocks fetch what 4 panels need */
    FETCHERS = 3    /* panels of a group that fetches: narrower ones have few others beside them */
};

/* A group of panels. */
typedef struct group {
    const qk_conv_tile *t;
    const int8_t *packed, *next, *ahead;  /* next: what to fetch; ahead: what this block fetches */
    size_t n_blocks;                      /* until now */
    size_t panel_size, tap_size, n_steps; /* bytes of a panel; of a tap's codes; steps of a tap */
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

/* Adds one quad of each of mr positions, at byte q of their taps. */
INLINE void add_quad(__m512i c[MAX_ROWS][MAX_PANELS], const uint8_t *const *a, size_t q,
                     const int8_t *w0, size_t size, const int mr, const int np)
{
    __m512i w[MAX_PANELS];

#pragma GCC unroll 16
    for (int j = 0; j < np; j++)
        w[j] = _mm512_loadu_si512(w0 + (size_t)j * size);
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        const __m512i quad = quad_of(a[i] + q);
#pragma GCC unroll 16
        for (int j = 0; j < np; j++)
            c[i][j] = dot(c[i][j], quad, w[j]);
    }
}

INLINE void store(uint8_t *out, size_t ld_out, const qk_epilogue *e,
                  __m512i c[MAX_ROWS][MAX_PANELS], const int mr, const int np, const bool plain)
{
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++, out += ld_out)
        qk_epilogue_store(out, e, c[i], np, plain);
}

/* mr positions times np panels; both are constants after inlining, and so is whether it fetches:
 * even prefetches of what is there slow down the sums by some percent. */
INLINE void block(uint8_t *out, size_t ld_out, const uint8_t *const *rows, const group *g,
                  const int mr, const int np, const bool fetches)
{
    const int8_t *w0 = g->packed, *ahead = g->ahead;
    const size_t size = g->panel_size, in_steps = g->n_steps * STEP * QK_QUAD;
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
        size_t q = 0;

#pragma GCC unroll 16
        for (int i = 0; i < mr; i++)
            a[i] = rows[i];
        for (; q < in_steps; q += STEP * QK_QUAD) {
            /* What lies behind the weights may be asked for, too: a prefetch cannot fault. */
            for (int i = 0; fetches && i < STEP_AHEAD; i++, ahead += LINE)
                _mm_prefetch(ahead, _MM_HINT_T1);
#pragma GCC unroll 16
            for (size_t i = 0; i < STEP; i++, w0 += PANEL_QUAD)
                add_quad(c, a, q + i * QK_QUAD, w0, size, mr, np);
        }
        for (; q < g->tap_size; q += QK_QUAD, w0 += PANEL_QUAD)
            add_quad(c, a, q, w0, size, mr, np);
    }

    if (np == MAX_PANELS && g->e.plain)
        store(out, ld_out, &g->e, c, mr, np, true);
    else
        store(out, ld_out, &g->e, c, mr, np, false);
}

/* Whether the next block fetches, and from where: they share in what the next group needs. */
INLINE bool takes_share(group *g, size_t np)
{
    const size_t share = g->t->n_taps * g->n_steps * STEP_AHEAD * LINE;
    const size_t at = g->n_blocks++ * share;

    g->ahead = g->next + at;
    return at < np * g->panel_size;
}

#define BLOCKS(MR, NP)                                                                             \
    case MR:                                                                                       \
        for (size_t i = 0; i < n; i++)                                                             \
            if (NP >= FETCHERS && takes_share(g, NP))                                              \
                block(out + i * MR * ld_out, ld_out, rows + i * MR, g, MR, NP, true);              \
            else                                                                                   \
                block(out + i * MR * ld_out, ld_out, rows + i * MR, g, MR, NP, false);             \
        break;
#define UP_TO_8(NP)                                                                                \
    static void blocks_##NP(uint8_t *out, size_t ld_out, const uint8_t *const *rows, group *g,     \
                            size_t mr, size_t n)                                                   \
    {                                                                                              \
        switch (mr) {                                                                              \
            BLOCKS(1, NP)                                                                          \
            BLOCKS(2, NP)                                                                          \
            BLOCKS(3, NP)                                                                          \
            BLOCKS(4, NP)                                                                          \
            BLOCKS(5, NP)                                                                          \
            BLOCKS(6, NP)                                                                          \
            BLOCKS_7_8(NP)                                                                         \
        }                                                                                          \
    }
#define BLOCKS_7_8(NP) BLOCKS(7, NP) BLOCKS(8, NP)
UP_TO_8(1)
UP_TO_8(2)
UP_TO_8(3)
#undef BLOCKS_7_8
#define BLOCKS_7_8(NP)
UP_TO_8(4)

/* n blocks of mr positions times np panels. */
static void some_rows(uint8_t *out, size_t ld_out, const uint8_t *const *rows, group *g, size_t mr,
                      size_t n, size_t np)
{
    if (np == 4)
        blocks_4(out, ld_out, rows, g, mr, n);
    else if (np == 3)
        blocks_3(out, ld_out, rows, g, mr, n);
    else if (np == 2)
        blocks_2(out, ld_out, rows, g, mr, n);
    else
        blocks_1(out, ld_out, rows, g, mr, n);
}

/* Rows in blocks of nearly equal height: a block of one or two rows waits for its own sums. */
static void all_rows(uint8_t *out, size_t ld_out, group *g, size_t np)
{
    const size_t m = g->t->m, most = np == 4 ? 6 : 8, n = (m + most - 1) / most;
    const size_t mr = m / n, n_higher = m % n, in_higher = n_higher * (mr + 1);

    some_rows(out, ld_out, g->t->rows, g, mr + 1, n_higher, np);
    some_rows(out + in_higher * ld_out, ld_out, g->t->rows + in_higher, g, mr, n - n_higher, np);
}

void qk_conv_u8s8__vnni(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    const size_t n_quads = (t->tap_k + QK_QUAD - 1) / QK_QUAD;
    const size_t n_panels = (t->n + QK_PANEL - 1) / QK_PANEL;
    const size_t n_groups = (n_panels + MAX_PANELS - 1) / MAX_PANELS;
    group g;

    if (!t->m)
        return;
    g.t = t;
    g.tap_size = n_quads * QK_QUAD;
    g.n_steps = n_quads / STEP;
    g.panel_size = t->n_taps * n_quads * PANEL_QUAD;

    for (size_t i = 0, p = 0; i < n_groups; i++) {
        const size_t end = n_panels * (i + 1) / n_groups, col = p * QK_PANEL;
        const size_t width = (end == n_panels ? t->n : end * QK_PANEL) - col;
        const int8_t *next = t->packed + end * g.panel_size;

        g.next = end == n_panels && t->ahead ? t->ahead : next;
        g.n_blocks = 0;
        g.packed = t->packed + p * g.panel_size;
        qk_epilogue_make(&g.e, t->rq, col, width);
        all_rows(out + col, ld_out, &g, end - p);
        p = end;
    }
}
