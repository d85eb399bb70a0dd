/* SPDX-License-Identifier: MIT */
/* AVX2, 4 positions times 16 columns at a time. vpmaddubsw makes 32 products in one step but keeps
 * sums of two in 16 bits. Codes up to 128 cannot exceed those (2 * 128 * 127 = 32,512, and
 * 2 * 128 * -128 = -32,768), and most activations are small. So a row with larger codes is split:
 * the codes cut to 127, and a list of the quads in which something was cut, with what is missing,
 * which is at most 128 again. Both parts go the fast way and their sums are exact. Only where most
 * quads are on the list, codes and weights are widened to words for vpmaddwd, which takes twice the
 * time. */
#include "kernels/conv/conv_tile.h"
#include "kernels/gemm/gemm.h"

#include <immintrin.h>
#include <string.h>

#define INLINE     static inline __attribute__((always_inline))
#define ROWS       4
#define CHUNK      48 /* positions that are split at a time, a multiple of ROWS */
#define PANEL_QUAD (QK_PANEL * QK_QUAD)

/* Parameters of a panel, all written out; columns that do not exist are 0. */
typedef struct panel {
    float mult[QK_PANEL], bias[QK_PANEL];
    int32_t offset[QK_PANEL];
    __m256 rcp;
    __m256i zero, lo, hi; /* words; bytes; bytes */
    size_t width, n_quads;
    const int8_t *packed;
} panel;

static void make_panel(panel *p, const qk_conv_tile *t, size_t col)
{
    const qk_requant *rq = t->rq;

    p->width = t->n - col < QK_PANEL ? t->n - col : QK_PANEL;
    for (size_t j = 0; j < QK_PANEL; j++) {
        const bool is = j < p->width;

        p->mult[j] = is ? rq->mult[rq->per_channel ? col + j : 0] : 0.0f;
        p->bias[j] = is && rq->bias ? rq->bias[col + j] : 0.0f;
        p->offset[j] = is ? rq->offset[col + j] : 0;
    }
    p->rcp = _mm256_set1_ps(rq->prescaled || !rq->bias ? 1.0f : rq->rcp);
    p->zero = _mm256_set1_epi16((int16_t)rq->zero);
    p->lo = _mm256_set1_epi8((char)rq->lo);
    p->hi = _mm256_set1_epi8((char)rq->hi);
    p->n_quads = (t->tap_k + QK_QUAD - 1) / QK_QUAD;
    p->packed = t->packed + col / QK_PANEL * t->n_taps * p->n_quads * PANEL_QUAD;
}

/* What a quad lost when its codes were cut to 127. */
typedef struct missing {
    uint32_t quad, rest;
} missing;

INLINE __m256i quad_of(const uint8_t *row)
{
    int32_t v;
    memcpy(&v, row, sizeof v);
    return _mm256_set1_epi32(v);
}

/* c + sums of two in 16 bits, then of four in 32. */
INLINE __m256i dot_small(__m256i c, __m256i a, __m256i w, __m256i ones)
{
    return _mm256_add_epi32(c, _mm256_madd_epi16(_mm256_maddubs_epi16(a, w), ones));
}

/* Even and odd bytes as words. */
INLINE __m256i dot_any(__m256i c, __m256i a, __m256i w)
{
    const __m256i even_a = _mm256_and_si256(a, _mm256_set1_epi16(0xff));
    const __m256i odd_a = _mm256_srli_epi16(a, 8);
    const __m256i even_w = _mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8);
    const __m256i odd_w = _mm256_srai_epi16(w, 8);

    return _mm256_add_epi32(
        c, _mm256_add_epi32(_mm256_madd_epi16(even_a, even_w), _mm256_madd_epi16(odd_a, odd_w)));
}

INLINE __m256i round8(const panel *p, __m256i t, int j)
{
    const __m256 x = _mm256_fmadd_ps(_mm256_loadu_ps(p->bias + j), p->rcp, _mm256_cvtepi32_ps(t));
    return _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_loadu_ps(p->mult + j)));
}

INLINE void store16(uint8_t *out, __m128i codes, size_t width)
{
    uint8_t bytes[QK_PANEL];

    if (width == QK_PANEL) {
        _mm_storeu_si128((__m128i *)out, codes);
        return;
    }
    _mm_storeu_si128((__m128i *)bytes, codes);
    memcpy(out, bytes, width);
}

/* Codes of two positions. */
INLINE void write_two(uint8_t *out0, uint8_t *out1, const panel *p, const __m256i c0[2],
                      const __m256i c1[2])
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    const __m256i w0 = _mm256_packs_epi32(round8(p, c0[0], 0), round8(p, c0[1], 8));
    const __m256i w1 = _mm256_packs_epi32(round8(p, c1[0], 0), round8(p, c1[1], 8));
    __m256i codes =
        _mm256_packus_epi16(_mm256_adds_epi16(w0, p->zero), _mm256_adds_epi16(w1, p->zero));

    codes = _mm256_min_epu8(_mm256_max_epu8(codes, p->lo), p->hi);
    codes = _mm256_permutevar8x32_epi32(codes, order);
    store16(out0, _mm256_castsi256_si128(codes), p->width);
    store16(out1, _mm256_extracti128_si256(codes, 1), p->width);
}

/* Codes of some positions, ready for the fast way. */
typedef struct split {
    const uint8_t **rows; /* [tap][CHUNK]: where they lie, or a copy that is cut to 127 */
    uint8_t *copy;        /* [CHUNK][k] */
    missing *list;        /* [CHUNK][quads] */
    size_t *n;            /* [CHUNK] */
    size_t k, n_quads;    /* of all taps */
} split;

static size_t lay(split *s, const qk_conv_tile *t, char *base)
{
    size_t used = 0;

    s->n_quads = t->n_taps * ((t->tap_k + QK_QUAD - 1) / QK_QUAD);
    s->k = s->n_quads * QK_QUAD;
    s->rows = (const uint8_t **)(void *)base;
    used += t->n_taps * CHUNK * sizeof *s->rows;
    s->n = (size_t *)(void *)(base + used);
    used += CHUNK * sizeof *s->n;
    s->list = (missing *)(void *)(base + used);
    used += CHUNK * s->n_quads * sizeof *s->list;
    s->copy = (uint8_t *)base + used;
    return used + CHUNK * s->k;
}

/* Up to 32 codes; returns the end of the list. */
INLINE missing *cut(uint8_t *to, missing *list, __m256i a, size_t quad, size_t n_quads)
{
    const __m256i rest = _mm256_subs_epu8(a, _mm256_set1_epi8(127));
    uint32_t r[8];
    uint8_t low[32];

    _mm256_storeu_si256((__m256i *)low, _mm256_min_epu8(a, _mm256_set1_epi8(127)));
    memcpy(to, low, n_quads * QK_QUAD);
    if (!_mm256_movemask_epi8(a))
        return list;
    _mm256_storeu_si256((__m256i *)(void *)r, rest);
    for (size_t i = 0; i < n_quads; i++) {
        *list = (missing){(uint32_t)(quad + i), r[i]};
        list += r[i] != 0;
    }
    return list;
}

static bool is_small(const uint8_t *row, size_t n)
{
    __m256i any = _mm256_setzero_si256();
    uint8_t rest = 0;
    size_t i = 0;

    for (; n - i >= 32; i += 32)
        any = _mm256_or_si256(any, _mm256_loadu_si256((const __m256i *)(row + i)));
    for (; i < n; i++)
        rest |= row[i];
    return !_mm256_movemask_epi8(any) && rest < 128;
}

static missing *split_tap(uint8_t *to, missing *list, const uint8_t *row, size_t quad, size_t k)
{
    const size_t full = k / 32 * 32;
    uint8_t last[32] = {0};

    for (size_t i = 0; i < full; i += 32)
        list = cut(to + i, list, _mm256_loadu_si256((const __m256i *)(row + i)), quad + i / QK_QUAD,
                   8);
    if (full == k)
        return list;
    memcpy(last, row + full, k - full);
    return cut(to + full, list, _mm256_loadu_si256((const __m256i *)last), quad + full / QK_QUAD,
               (k - full + QK_QUAD - 1) / QK_QUAD);
}

/* Position i of the chunk that starts at `first`. */
static void split_row(split *s, const qk_conv_tile *t, size_t first, size_t i)
{
    const size_t tap_quads = s->n_quads / t->n_taps;
    missing *const start = s->list + i * s->n_quads, *list = start;

    for (size_t tap = 0; tap < t->n_taps; tap++) {
        const uint8_t *row = t->rows[tap * t->m + first + i];
        uint8_t *to = s->copy + i * s->k + tap * tap_quads * QK_QUAD;
        const bool small = is_small(row, t->tap_k);

        s->rows[tap * CHUNK + i] = small ? row : to;
        if (!small)
            list = split_tap(to, list, row, tap * tap_quads, t->tap_k);
    }
    s->n[i] = (size_t)(list - start);
}

/* Some positions of a chunk: their pointers, ld from tap to tap, and their lists. */
typedef struct rows {
    const uint8_t *const *at;
    size_t ld;
    const split *s; /* NULL: codes of any size, without lists */
    size_t first;   /* within the chunk */
} rows;

/* mr positions times one panel; mr and any are constants after inlining. */
INLINE void block(uint8_t *out, size_t ld_out, const qk_conv_tile *t, const rows *r, const panel *p,
                  const int mr, const bool any)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const int8_t *w = p->packed;
    __m256i c[ROWS][2];

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        c[i][0] = _mm256_loadu_si256((const __m256i *)p->offset);
        c[i][1] = _mm256_loadu_si256((const __m256i *)(p->offset + 8));
    }
    for (size_t tap = 0; tap < t->n_taps; tap++) {
        const uint8_t *a[ROWS];

#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            a[i] = r->at[tap * r->ld + (size_t)i];
        for (size_t q = 0; q < p->n_quads; q++, w += PANEL_QUAD) {
            const __m256i w0 = _mm256_loadu_si256((const __m256i *)w);
            const __m256i w1 = _mm256_loadu_si256((const __m256i *)(w + 32));

#pragma GCC unroll 4
            for (int i = 0; i < mr; i++) {
                const __m256i quad = quad_of(a[i] + q * QK_QUAD);
                c[i][0] = any ? dot_any(c[i][0], quad, w0) : dot_small(c[i][0], quad, w0, ones);
                c[i][1] = any ? dot_any(c[i][1], quad, w1) : dot_small(c[i][1], quad, w1, ones);
            }
        }
    }

#pragma GCC unroll 4
    for (int i = 0; !any && i < mr; i++) {
        const missing *m = r->s->list + (r->first + (size_t)i) * r->s->n_quads;

        for (const missing *end = m + r->s->n[r->first + (size_t)i]; m < end; m++) {
            const int8_t *at = p->packed + (size_t)m->quad * PANEL_QUAD;
            const __m256i w0 = _mm256_loadu_si256((const __m256i *)at);
            const __m256i w1 = _mm256_loadu_si256((const __m256i *)(at + 32));
            const __m256i rest = _mm256_set1_epi32((int32_t)m->rest);

            c[i][0] = dot_small(c[i][0], rest, w0, ones);
            c[i][1] = dot_small(c[i][1], rest, w1, ones);
        }
    }

#pragma GCC unroll 4
    for (int i = 0; i < mr; i += 2) {
        const int next = i + 1 < mr ? i + 1 : i;
        write_two(out + (size_t)i * ld_out, out + (size_t)next * ld_out, p, c[i], c[next]);
    }
}

#define BLOCK(MR)                                                                                  \
    case MR:                                                                                       \
        if (r->s)                                                                                  \
            block(out, ld_out, t, r, p, MR, false);                                                \
        else                                                                                       \
            block(out, ld_out, t, r, p, MR, true);                                                 \
        break;

static void any_block(uint8_t *out, size_t ld_out, const qk_conv_tile *t, const rows *r, size_t mr,
                      const panel *p)
{
    switch (mr) {
        BLOCK(1)
        BLOCK(2)
        BLOCK(3)
        BLOCK(4)
    }
}

static bool is_long(const split *s, size_t first, size_t n)
{
    for (size_t i = first; i < first + n; i++)
        if (s->n[i] > s->n_quads / 2)
            return true;
    return false;
}

/* Positions first..first + m - 1 times all columns; m <= CHUNK. */
static void chunk(uint8_t *out, size_t ld_out, const qk_conv_tile *t, split *s, size_t first,
                  size_t m)
{
    for (size_t i = 0; i < m; i++)
        split_row(s, t, first, i);
    for (size_t col = 0; col < t->n; col += QK_PANEL) {
        panel p;

        make_panel(&p, t, col);
        for (size_t i = 0; i < m; i += ROWS) {
            const size_t mr = m - i < ROWS ? m - i : ROWS;
            rows r = {.at = s->rows + i, .ld = CHUNK, .s = s, .first = i};

            if (is_long(s, i, mr))
                r = (rows){.at = t->rows + first + i, .ld = t->m};
            any_block(out + (first + i) * ld_out + col, ld_out, t, &r, mr, &p);
        }
    }
}

size_t qk_conv_u8s8_scratch__avx2(const qk_conv_tile *t)
{
    split s;
    return lay(&s, t, NULL);
}

void qk_conv_u8s8__avx2(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    const size_t n_chunks = (t->m + CHUNK - 1) / CHUNK;
    split s;

    lay(&s, t, t->scratch);
    for (size_t i = 0, first = 0; i < n_chunks; i++) {
        const size_t end = t->m * (i + 1) / n_chunks;

        chunk(out, ld_out, t, &s, first, end - first);
        first = end;
    }
}
