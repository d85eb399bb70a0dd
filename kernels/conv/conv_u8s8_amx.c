/* SPDX-License-Identifier: MIT */
/* AMX: one tdpbusd adds 16 positions times 16 columns times 64 codes, exactly. A panel of packed
 * weights is, 16 quads at a time, the right tile as it stands; the left tile is read from the
 * activations where 16 positions lie at equal distances, else from a copy.
 *
 *   tmm0..3  sums of 16 positions times 4 panels       tmm4  codes       tmm5..7  weights
 *
 * The sum over k is cut into stages whose weights (64 columns) stay in the first-level cache while
 * all positions pass; between stages the sums lie in scratch memory. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/epilogue_avx512.h"
#include "kernels/gemm/gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    ROWS = 16,   /* of a tile */
    STEP = 64,   /* codes of a tile's row */
    PANELS = 4,  /* of a group */
    TILE = 1024, /* bytes of a tile */
    STAGE = 10,  /* steps whose weights fit into the cache */
    PAD = 64, /* keeps rows of copies apart in the cache, and takes what is written behind them */
    LINE = 64,
    SUM_LD = 256, /* bytes between rows of sums: 4 panels */
    FEW = 4       /* fewer positions leave most of a tile empty */
};

/* Unlike the compiler's own, these say that they touch memory. */
#define LOAD(TMM, P, LD)                                                                           \
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm" #TMM : : "r"(P), "r"((size_t)(LD)) : "memory")
#define STORE(TMM, TO, LD)                                                                         \
    __asm__ volatile("tilestored %%tmm" #TMM ", (%0,%1,1)"                                         \
                     :                                                                             \
                     : "r"(TO), "r"((size_t)(LD))                                                  \
                     : "memory")

/* Where 16 positions have some steps of their codes. */
typedef struct piece {
    const uint8_t *at;
    ptrdiff_t stride;
} piece;

typedef struct plan {
    const qk_conv_tile *t;
    size_t k, ld;             /* of a position: codes; bytes of its copy */
    size_t n_steps, n_blocks; /* of k; of 16 positions, the last may overlap the one before */
    size_t seg_steps, n_seg;  /* steps of a tap that is read in place; else one for all */
    piece *piece;             /* [block][segment] */
    uint8_t *copy;            /* [block][16][ld] */
    int32_t *sums;            /* [block][4 panels] tiles, between stages */
    int32_t *last;            /* one such block */
    int8_t *tail;             /* right tiles of a last step that is not full */
} plan;

static size_t round_up(size_t v, size_t unit)
{
    return (v + unit - 1) / unit * unit;
}

static void *take(char **at, size_t bytes)
{
    void *p = *at;
    *at += round_up(bytes, LINE);
    return p;
}

/* Lays out scratch memory from base on; returns its size. */
static size_t lay(plan *p, const qk_conv_tile *t, char *base)
{
    char *at = base;

    p->t = t;
    p->k = t->n_taps * t->tap_k;
    p->ld = round_up(p->k, STEP) + PAD;
    p->n_steps = (p->k + STEP - 1) / STEP;
    p->n_blocks = (t->m + ROWS - 1) / ROWS;
    p->n_seg = t->tap_k % STEP ? 1 : t->n_taps;
    p->seg_steps = p->n_seg ? p->n_steps / p->n_seg : 0;
    p->piece = take(&at, p->n_blocks * p->n_seg * sizeof *p->piece);
    p->last = take(&at, PANELS * TILE);
    p->tail = take(&at, PANELS * TILE);
    p->sums = take(&at, p->n_steps > STAGE ? p->n_blocks * PANELS * TILE : 0);
    p->copy = take(&at, p->n_blocks * ROWS * p->ld);
    return (size_t)(at - base);
}

static size_t first_row(const plan *p, size_t block)
{
    const size_t m = p->t->m, at = block * ROWS;
    return at + ROWS <= m || m < ROWS ? at : m - ROWS;
}

/* Copies one tap of n positions; what stands behind it up to a full step is 0. */
static void copy_rows(uint8_t *to, size_t ld, const uint8_t *const *rows, size_t n, size_t bytes)
{
    const size_t full = bytes / STEP * STEP;
    const __mmask64 rest = ((__mmask64)1 << (bytes - full)) - 1;

    /* Short taps overlap; narrow stores cross fewer cache lines. */
    if (bytes <= STEP / 2) {
        for (size_t i = 0; i < n; i++, to += ld)
            _mm256_storeu_si256((__m256i *)to, _mm256_maskz_loadu_epi8((__mmask32)rest, rows[i]));
        return;
    }
    for (size_t i = 0; i < n; i++, to += ld) {
        const uint8_t *from = rows[i];
        for (size_t j = 0; j < full; j += STEP)
            _mm512_storeu_si512(to + j, _mm512_loadu_si512(from + j));
        if (rest)
            _mm512_storeu_si512(to + full, _mm512_maskz_loadu_epi8(rest, from + full));
    }
}

static bool in_steps(ptrdiff_t *stride, const uint8_t *const *rows)
{
    const __m512i low = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    __m512i step, want;

    *stride = rows[1] - rows[0];
    step = _mm512_set1_epi64(*stride);
    want = _mm512_add_epi64(_mm512_set1_epi64((long long)rows[0]), _mm512_mullo_epi64(step, low));
    return _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(rows), want) == 0 &&
           _mm512_cmpneq_epi64_mask(_mm512_loadu_si512(rows + ROWS / 2),
                                    _mm512_add_epi64(want, _mm512_slli_epi64(step, 3))) == 0;
}

/* Finds the codes of one block of positions, or copies them. */
static void find_block(plan *p, size_t block)
{
    const qk_conv_tile *t = p->t;
    const size_t first = first_row(p, block), n = t->m < ROWS ? t->m : ROWS;
    const bool whole_taps = t->tap_k % STEP == 0;
    uint8_t *copy = p->copy + block * ROWS * p->ld;

    for (size_t tap = 0; tap < t->n_taps; tap++) {
        const uint8_t *const *rows = t->rows + tap * t->m + first;
        piece q = {.at = copy + tap * t->tap_k, .stride = (ptrdiff_t)p->ld};
        ptrdiff_t stride;

        if (whole_taps && n == ROWS && in_steps(&stride, rows))
            q = (piece){.at = rows[0], .stride = stride};
        else
            copy_rows(copy + tap * t->tap_k, p->ld, rows, n, t->tap_k);
        if (tap < p->n_seg)
            p->piece[block * p->n_seg + tap] = q;
    }
}

/* A group of up to 4 panels on its way through the stages. */
typedef struct group {
    const plan *p;
    const int8_t *packed, *ahead; /* ahead: the weights to fetch next */
    size_t panel_size, ahead_lines;
    const qk_epilogue *e;
    bool has_tail;
} group;

/* n steps of one block of positions times np panels; np is a constant after inlining. */
INLINE void steps(const uint8_t *a, size_t stride, const int8_t *w, size_t size, size_t n,
                  const int np)
{
    for (; n > 0; n--, a += STEP, w += TILE) {
        LOAD(4, a, stride);
        LOAD(5, w, STEP);
        _tile_dpbusd(0, 4, 5);
        if (np > 1) {
            LOAD(6, w + size, STEP);
            _tile_dpbusd(1, 4, 6);
        }
        if (np > 2) {
            LOAD(7, w + 2 * size, STEP);
            _tile_dpbusd(2, 4, 7);
        }
        if (np > 3) {
            LOAD(5, w + 3 * size, STEP);
            _tile_dpbusd(3, 4, 5);
        }
    }
}

/* Steps from..to. */
INLINE void multiply(const group *g, size_t block, size_t from, size_t to, const int np)
{
    const plan *p = g->p;
    const size_t full = g->has_tail && to == p->n_steps ? to - 1 : to;

    for (size_t s = from; s < to;) {
        const size_t seg = s / p->seg_steps, end = (seg + 1) * p->seg_steps;
        const size_t n = (end < full ? end : full) - s;
        const piece *q = p->piece + block * p->n_seg + seg;
        const uint8_t *a = q->at + (s - seg * p->seg_steps) * STEP;

        steps(a, (size_t)q->stride, g->packed + s * TILE, g->panel_size, n, np);
        s += n;
        if (s == full && full < to) {
            steps(a + n * STEP, (size_t)q->stride, p->tail, TILE, 1, np);
            s++;
        }
    }
}

/* Sums start as the 16 times repeated row of offsets (ld 0), or where the last stage left them. */
INLINE void start(const int32_t *from, size_t ld, const int np)
{
    LOAD(0, from, ld);
    if (np > 1)
        LOAD(1, from + QK_PANEL, ld);
    if (np > 2)
        LOAD(2, from + 2 * QK_PANEL, ld);
    if (np > 3)
        LOAD(3, from + 3 * QK_PANEL, ld);
}

INLINE void leave(int32_t *to, const int np)
{
    STORE(0, to, SUM_LD);
    if (np > 1)
        STORE(1, to + QK_PANEL, SUM_LD);
    if (np > 2)
        STORE(2, to + 2 * QK_PANEL, SUM_LD);
    if (np > 3)
        STORE(3, to + 3 * QK_PANEL, SUM_LD);
}

/* The sums of n positions, which lie in p->last. plain is a constant after inlining. */
INLINE void write_rows(uint8_t *out, size_t ld_out, const group *g, size_t n, const int np,
                       const bool plain)
{
    const int32_t *sum = g->p->last;

    for (size_t i = 0; i < n; i++, sum += PANELS * QK_PANEL) {
        __m512i t[PANELS];
#pragma GCC unroll 4
        for (int j = 0; j < np; j++)
            t[j] = _mm512_loadu_si512(sum + j * QK_PANEL);
        qk_epilogue_store(out + i * ld_out, g->e, t, np, plain);
    }
}

INLINE void write_codes(uint8_t *out, size_t ld_out, const group *g, size_t n, const int np)
{
    if (np == PANELS && g->e->plain)
        write_rows(out, ld_out, g, n, np, true);
    else
        write_rows(out, ld_out, g, n, np, false);
}

/* One stage of one block. */
INLINE void advance(uint8_t *out, size_t ld_out, group *g, size_t block, size_t from, size_t to,
                    const int np)
{
    const plan *p = g->p;
    const size_t m = p->t->m;
    int32_t *sums = p->sums + block * (PANELS * TILE / sizeof *p->sums);

    if (from == 0)
        start(g->e->offset, 0, np);
    else
        start(sums, SUM_LD, np);
    multiply(g, block, from, to, np);
    for (size_t i = 0; i < g->ahead_lines; i++, g->ahead += LINE)
        _mm_prefetch(g->ahead, _MM_HINT_T1);
    leave(to == p->n_steps ? p->last : sums, np);
    if (to == p->n_steps)
        write_codes(out + first_row(p, block) * ld_out, ld_out, g, m < ROWS ? m : ROWS, np);
}

INLINE void run_group(uint8_t *out, size_t ld_out, group *g, const int np)
{
    const plan *p = g->p;
    const size_t n_stages = (p->n_steps + STAGE - 1) / STAGE;

    for (size_t s = 0; s < n_stages; s++)
        for (size_t block = 0; block < p->n_blocks; block++)
            advance(out, ld_out, g, block, p->n_steps * s / n_stages,
                    p->n_steps * (s + 1) / n_stages, np);
}

/* The last step of each panel of the group, filled up with zeros. */
static void make_tail(const plan *p, const group *g, size_t np)
{
    const size_t at = (p->n_steps - 1) * TILE;

    memset(p->tail, 0, PANELS * TILE);
    for (size_t j = 0; j < np; j++)
        memcpy(p->tail + j * TILE, g->packed + j * g->panel_size + at, g->panel_size - at);
}

static void load_config(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t colsb[16];
        uint8_t rows[16];
    } config;

    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < 8; i++) {
        config.colsb[i] = STEP;
        config.rows[i] = ROWS;
    }
    /* GCC 12 thinks that only the first 8 bytes are read. */
    __asm__ volatile("" : : "r"(&config) : "memory");
    _tile_loadconfig(&config);
}

size_t qk_conv_u8s8_scratch__amx(const qk_conv_tile *t)
{
    plan p;
    return lay(&p, t, NULL);
}

size_t qk_conv_u8s8_even__amx(void)
{
    return ROWS;
}

void qk_conv_u8s8__amx(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    const size_t n_panels = (t->n + QK_PANEL - 1) / QK_PANEL;
    const size_t n_groups = (n_panels + PANELS - 1) / PANELS;
    qk_epilogue e;
    plan p;

    lay(&p, t, t->scratch);
    if (t->m < FEW || !p.k) {
        qk_conv_u8s8__vnni(out, ld_out, t);
        return;
    }
    load_config();
    for (size_t block = 0; block < p.n_blocks; block++)
        find_block(&p, block);

    group g = {.p = &p, .e = &e, .panel_size = round_up(p.k, QK_QUAD) * QK_PANEL};
    g.has_tail = g.panel_size % TILE != 0;
    for (size_t i = 0, panel = 0; i < n_groups; i++) {
        const size_t end = n_panels * (i + 1) / n_groups, np = end - panel;
        const size_t col = panel * QK_PANEL;
        const size_t group_lines = np * g.panel_size / LINE;

        g.packed = t->packed + panel * g.panel_size;
        g.ahead = end == n_panels && t->ahead ? t->ahead : g.packed + np * g.panel_size;
        /* Long sums are read as fast as memory gives them, and ask for nothing on top. */
        g.ahead_lines = p.n_steps > STAGE ? 0 : group_lines / p.n_blocks + 1;
        qk_epilogue_make(&e, t->rq, col, (end == n_panels ? t->n : end * QK_PANEL) - col);
        if (g.has_tail)
            make_tail(&p, &g, np);
        if (np == 4)
            run_group(out + col, ld_out, &g, 4);
        else if (np == 3)
            run_group(out + col, ld_out, &g, 3);
        else if (np == 2)
            run_group(out + col, ld_out, &g, 2);
        else
            run_group(out + col, ld_out, &g, 1);
        panel = end;
    }
    _tile_release();
}
