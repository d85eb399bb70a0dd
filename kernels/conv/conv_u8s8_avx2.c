/* SPDX-License-Identifier: MIT */
/* AVX2, 4 positions times 16 columns at a time. vpmaddubsw makes 32 products in one step but keeps
 * sums of two in 16 bits. Codes up to 128 cannot exceed those (2 * 128 * 127 = 32,512, and
 * 2 * 128 * -128 = -32,768), and most activations are small. So a row with larger codes is split:
 * the codes cut to 127, and a list of the quads in which something was cut, with what is missing,
 * which is at most 128 again. Both parts go the fast way and their sums are exact. Only where most
 * quads are on the list, codes and weights are widened to words for vpmaddwd, which takes twice the
 * time.
 *
 * With codes up to 127, two sums of two still fit into 16 bits if the weights of the four products
 * add up to at most 258 on either side of 0, and most do: the largest weight of a channel is 127,
 * the others are smaller. Then one vpmaddwd widens two quads. Pairs of quads in which a column
 * exceeds that, wide pairs, are found when the weights are packed (notes_avx2.c), and are added
 * behind the others, quad by quad. */
#include "kernels/conv/conv_tile.h"
#include "kernels/conv/parts_avx2.h"

enum {
    ROWS = 4,
    CHUNK = 64,                       /* positions that are split at a time, a multiple of ROWS */
    FETCHING = 4,                     /* blocks that fetch the next panel, */
    FETCH = 2 * PANEL_QUAD / FETCHING /* so many bytes of it for two quads */
};

/* What a quad lost when its codes were cut to 127. */
typedef struct missing {
    uint32_t quad, rest;
} missing;

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

/* Whether row i of a tap has small codes only. At stride 1 it is row i + 1 of the tap before. */
static bool is_small_row(const split *s, const qk_conv_tile *t, size_t tap, size_t first, size_t i,
                         size_t m)
{
    const uint8_t *row = t->rows[tap * t->m + first + i];

    if (tap > 0 && i + 1 < m && t->rows[(tap - 1) * t->m + first + i + 1] == row)
        return s->rows[(tap - 1) * CHUNK + i + 1] == row;
    return is_small(row, t->tap_k);
}

/* Positions first..first + m - 1. */
static void split_rows(split *s, const qk_conv_tile *t, size_t first, size_t m)
{
    const size_t tap_quads = s->n_quads / t->n_taps;

    memset(s->n, 0, m * sizeof *s->n);
    for (size_t tap = 0; tap < t->n_taps; tap++)
        for (size_t i = 0; i < m; i++) {
            const uint8_t *row = t->rows[tap * t->m + first + i];
            uint8_t *to = s->copy + i * s->k + tap * tap_quads * QK_QUAD;
            missing *const list = s->list + i * s->n_quads, *end = list + s->n[i];
            const bool small = is_small_row(s, t, tap, first, i, m);

            s->rows[tap * CHUNK + i] = small ? row : to;
            if (!small)
                s->n[i] = (size_t)(split_tap(to, end, row, tap * tap_quads, t->tap_k) - list);
        }
}

/* Some positions of a chunk: their pointers, ld from tap to tap, and their lists. */
typedef struct rows {
    const uint8_t *const *at;
    size_t ld;
    const split *s;      /* NULL: codes of any size, without lists */
    size_t first;        /* within the chunk */
    const int8_t *ahead; /* what they fetch, */
    size_t step; /* so many bytes for two quads; 0: nothing, the same line again and again */
} rows;

/* Quad q of a row or the one behind it: for the compiler another value each time, from an address
 * that costs no instruction of its own. */
INLINE __m256i quad_anew(const uint8_t *row, size_t q, const bool behind)
{
    __m256i v;
    if (behind)
        __asm__ volatile("vpbroadcastd 4(%1,%2,4), %0" : "=x"(v) : "r"(row), "r"(q) : "memory");
    else
        __asm__ volatile("vpbroadcastd (%1,%2,4), %0" : "=x"(v) : "r"(row), "r"(q) : "memory");
    return v;
}

INLINE __m256i load(const int8_t *w)
{
    return _mm256_loadu_si256((const __m256i *)w);
}

/* One quad of mr positions, from byte k of their taps on. */
INLINE void add_one(__m256i c[ROWS][2], const uint8_t *const *a, size_t k, const int8_t *w,
                    const int mr, const bool any)
{
    const __m256i ones = _mm256_set1_epi16(1), w0 = load(w), w1 = load(w + 32);

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        const __m256i quad = quad_of(a[i] + k);
        c[i][0] = any ? dot_any(c[i][0], quad, w0) : dot_small(c[i][0], quad, w0, ones);
        c[i][1] = any ? dot_any(c[i][1], quad, w1) : dot_small(c[i][1], quad, w1, ones);
    }
}

/* Quads q and q + 1, which fit into 16 bits. Codes are loaded for each half of the columns anew:
 * kept, they would leave no registers for the sums. */
INLINE void add_two(__m256i c[ROWS][2], const uint8_t *const *a, size_t q, const int8_t *w,
                    const int mr)
{
    const __m256i ones = _mm256_set1_epi16(1);

#pragma GCC unroll 2
    for (int h = 0; h < 2; h++) {
        const __m256i w0 = load(w + 32 * h), w1 = load(w + PANEL_QUAD + 32 * h);
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++) {
            const __m256i sum =
                _mm256_add_epi16(_mm256_maddubs_epi16(quad_anew(a[i], q, false), w0),
                                 _mm256_maddubs_epi16(quad_anew(a[i], q, true), w1));
            c[i][h] = _mm256_add_epi32(c[i][h], _mm256_madd_epi16(sum, ones));
        }
    }
}

/* A tap of mr positions whose codes are below 128; returns the list of the next tap. */
INLINE const int32_t *add_tap(__m256i c[ROWS][2], const uint8_t *const *a, const int8_t *w,
                              size_t n_quads, const int32_t *pairs, const int8_t *ahead,
                              size_t step, const int mr)
{
    const int32_t *wide = pairs + 1 + *pairs, *end = pairs + 1 + n_quads / 2;

    for (pairs++; pairs < wide; pairs++, ahead += step) {
        const size_t q = (size_t)*pairs;

        _mm_prefetch(ahead, _MM_HINT_T1);
        add_two(c, a, q, w + q * PANEL_QUAD, mr);
    }
    for (; pairs < end; pairs++, ahead += step) {
        const size_t q = (size_t)*pairs;

        _mm_prefetch(ahead, _MM_HINT_T1);
        add_one(c, a, q * QK_QUAD, w + q * PANEL_QUAD, mr, false);
        add_one(c, a, (q + 1) * QK_QUAD, w + (q + 1) * PANEL_QUAD, mr, false);
    }
    if (n_quads % 2)
        add_one(c, a, (n_quads - 1) * QK_QUAD, w + (n_quads - 1) * PANEL_QUAD, mr, false);
    return end;
}

/* What the codes lost when they were cut. */
INLINE void add_missing(__m256i c[2], const split *s, size_t row, const int8_t *packed)
{
    const __m256i ones = _mm256_set1_epi16(1);
    const missing *m = s->list + row * s->n_quads;
    __m256i c0 = c[0], c1 = c[1];

    for (const missing *end = m + s->n[row]; m < end; m++) {
        const int8_t *at = packed + (size_t)m->quad * PANEL_QUAD;
        const __m256i rest = _mm256_set1_epi32((int32_t)m->rest);

        c0 = dot_small(c0, rest, load(at), ones);
        c1 = dot_small(c1, rest, load(at + 32), ones);
    }
    c[0] = c0;
    c[1] = c1;
}

/* mr positions times one panel; mr and any (codes, without lists) are constants after inlining. */
INLINE void block(uint8_t *out, size_t ld_out, const qk_conv_tile *t, const rows *r, const panel *p,
                  const int mr, const bool any)
{
    const int8_t *w = p->packed, *ahead = r->ahead;
    const int32_t *pairs = p->pairs;
    __m256i c[ROWS][2];

#pragma GCC unroll 4
    for (int i = 0; i < mr; i++) {
        c[i][0] = _mm256_loadu_si256((const __m256i *)p->offset);
        c[i][1] = _mm256_loadu_si256((const __m256i *)(p->offset + 8));
    }
    for (size_t tap = 0; tap < t->n_taps; tap++, w += p->n_quads * PANEL_QUAD) {
        const uint8_t *a[ROWS];

#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            a[i] = r->at[tap * r->ld + (size_t)i];
        if (!any)
            pairs = add_tap(c, a, w, p->n_quads, pairs, ahead, r->step, mr);
        for (size_t q = 0; any && q < p->n_quads; q++)
            add_one(c, a, q * QK_QUAD, w + q * PANEL_QUAD, mr, true);
        ahead += p->n_quads / 2 * r->step;
    }

#pragma GCC unroll 4
    for (int i = 0; !any && i < mr; i++)
        add_missing(c[i], r->s, r->first + (size_t)i, p->packed);

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

INLINE void any_block(uint8_t *out, size_t ld_out, const qk_conv_tile *t, const rows *r, size_t mr,
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

/* Positions first..first + m - 1 times one panel. Not inlined: there the compiler sees that no code
 * it stores changes the panel, and fills the registers that the sums need with what is in it. */
static __attribute__((noinline)) void all_blocks(uint8_t *out, size_t ld_out, const qk_conv_tile *t,
                                                 const split *s, size_t first, size_t m,
                                                 const panel *p)
{
    const size_t share = t->n_taps * (p->n_quads / 2) * FETCH;

    for (size_t i = 0; i < m; i += ROWS) {
        const size_t mr = m - i < ROWS ? m - i : ROWS, b = i / ROWS;
        rows r = {.at = s->rows + i, .ld = CHUNK, .s = s, .first = i};

        if (is_long(s, i, mr))
            r = (rows){.at = t->rows + first + i, .ld = t->m};
        /* The panel's parameters are always near. */
        r.ahead = b < FETCHING ? p->next + b * share : (const int8_t *)p;
        r.step = b < FETCHING ? FETCH : 0;
        any_block(out + i * ld_out, ld_out, t, &r, mr, p);
    }
}

/* Positions first..first + m - 1 times all columns; m <= CHUNK. */
static void chunk(uint8_t *out, size_t ld_out, const qk_conv_tile *t, split *s, size_t first,
                  size_t m)
{
    split_rows(s, t, first, m);
    for (size_t col = 0; col < t->n; col += QK_PANEL) {
        panel p;

        make_panel(&p, t, col);
        all_blocks(out + first * ld_out + col, ld_out, t, s, first, m, &p);
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
