/* SPDX-License-Identifier: MIT */
/* AVX-512 VNNI: the rows of every input column of a stretch are interleaved once, for 64 channels;
 * then an output is vpdpbusd over its columns and the epilogue, which packs within lanes and so
 * puts the channels back in order. A block of 32 or 16 channels and less shares its registers
 * among 2 or 4 neighbouring outputs: lanes in the middle begin with the columns of the next one. */
#include "kernels/conv/epilogue_avx512.h"
#include "kernels/dwconv/dwline.h"

#define INLINE static inline __attribute__((always_inline))

/* Interleaved columns of a stretch: with the rows they fit into the first-level cache. */
enum { MAX_RECORDS = 72, MAX_WEIGHTS = 32, PARTS = 4 };

typedef struct line { /* one block of channels */
    const qk_dw_line *t;
    const int8_t *packed;
    size_t first, width, quads;
    size_t share; /* outputs in a record: 1, 2 or 4 */
    size_t stretch;
    int8_t shared[MAX_WEIGHTS * QK_DW_RECORD]; /* weights with their lanes repeated */
    qk_epilogue e;                             /* its columns in the order of a record */
} line;

/* Parameters of a record's columns: sum i of lane l holds channels 16 l + 4 i ... + 3. */
static void sort_by_lanes(line *l)
{
    const qk_epilogue from = l->e;
    qk_epilogue *e = &l->e;

    for (size_t i = 0; i < PARTS; i++)
        for (size_t lane = 0; lane < 4; lane++) {
            const size_t to = 16 * i + 4 * lane, at = 16 * (lane % (4 / l->share)) + 4 * i;
            memcpy(e->mult + to, from.mult + at, 4 * sizeof *e->mult);
            memcpy(e->bias + to, from.bias + at, 4 * sizeof *e->bias);
            memcpy(e->offset + to, from.offset + at, 4 * sizeof *e->offset);
        }
    e->order = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    if (l->share > 1)
        e->mask = ~(__mmask64)0;
}

static void share_weights(line *l)
{
    const size_t n = l->t->n_cols * l->quads * PARTS, part = 64 / l->share;

    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < l->share; k++)
            memcpy(l->shared + i * 64 + k * part, l->packed + i * 64, part);
    l->packed = l->shared;
}

/* Row r at column j of each of the outputs that share a register. Behind the last column there are
 * outputs that nobody keeps. */
INLINE __m512i row_at(const line *l, const uint8_t *const *columns, size_t j, size_t r,
                      const size_t share)
{
    const qk_dw_line *t = l->t;
    const uint8_t *p[4];

    if (r >= t->n_rows)
        return _mm512_setzero_si512();
    for (size_t k = 0; k < share; k++) {
        const size_t at = j + k * t->stride;
        p[k] = columns[(at < t->span ? at : t->span - 1) * t->n_rows + r] + l->first;
    }
    if (share == 1)
        return _mm512_maskz_loadu_epi8(~(__mmask64)0 >> (64 - l->width), p[0]);
    if (share == 2) {
        const __mmask32 m = ~(__mmask32)0 >> (32 - l->width);
        return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_maskz_loadu_epi8(m, p[0])),
                                  _mm256_maskz_loadu_epi8(m, p[1]), 1);
    }
    const __mmask16 m = (__mmask16)(0xffffu >> (16 - l->width));
    __m512i x = _mm512_castsi128_si512(_mm_maskz_loadu_epi8(m, p[0]));
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(m, p[1]), 1);
    x = _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(m, p[2]), 2);
    return _mm512_inserti32x4(x, _mm_maskz_loadu_epi8(m, p[3]), 3);
}

INLINE void interleave(uint8_t *record, const line *l, const uint8_t *const *columns, size_t j,
                       size_t r, const size_t share)
{
    const __m512i x0 = row_at(l, columns, j, r, share), x1 = row_at(l, columns, j, r + 1, share);
    const __m512i x2 = row_at(l, columns, j, r + 2, share);
    const __m512i x3 = row_at(l, columns, j, r + 3, share);
    const __m512i p0 = _mm512_unpacklo_epi8(x0, x1), p1 = _mm512_unpackhi_epi8(x0, x1);
    const __m512i q0 = _mm512_unpacklo_epi8(x2, x3), q1 = _mm512_unpackhi_epi8(x2, x3);

    _mm512_store_si512(record, _mm512_unpacklo_epi16(p0, q0));
    _mm512_store_si512(record + 64, _mm512_unpackhi_epi16(p0, q0));
    _mm512_store_si512(record + 128, _mm512_unpacklo_epi16(p1, q1));
    _mm512_store_si512(record + 192, _mm512_unpackhi_epi16(p1, q1));
}

/* quads and n_cols are constants after inlining, or those of the line. */
INLINE void output(uint8_t *out, const line *l, const uint8_t *column, size_t quads, size_t n_cols)
{
    const size_t step = l->t->dilation * quads * QK_DW_RECORD;
    const int8_t *w = l->packed;
    __m512i c[PARTS];

    for (int i = 0; i < PARTS; i++)
        c[i] = _mm512_loadu_si512(l->e.offset + 16 * i);
    for (size_t x = 0; x < n_cols; x++, column += step)
        for (size_t q = 0; q < quads; q++, w += QK_DW_RECORD) {
            const uint8_t *a = column + q * QK_DW_RECORD;
#pragma GCC unroll 4
            for (int i = 0; i < PARTS; i++)
                c[i] = _mm512_dpbusd_epi32(c[i], _mm512_load_si512(a + 64 * i),
                                           _mm512_loadu_si512(w + 64 * i));
        }
    qk_epilogue_store(out, &l->e, c, PARTS, l->e.plain);
}

/* Spreads codes that share a register over at most n outputs. */
INLINE void spread(uint8_t *out, size_t ld_out, const line *l, const uint8_t *codes, size_t n,
                   const size_t share)
{
    for (size_t k = 0; k < share && k < n; k++, out += ld_out) {
        if (share == 2)
            _mm256_mask_storeu_epi8(out, ~(__mmask32)0 >> (32 - l->width),
                                    _mm256_load_si256((const __m256i *)(codes + 32 * k)));
        else
            _mm_mask_storeu_epi8(out, (__mmask16)(0xffffu >> (16 - l->width)),
                                 _mm_load_si128((const __m128i *)(codes + 16 * k)));
    }
}

INLINE void outputs(uint8_t *out, size_t ld_out, const line *l, const uint8_t *column, size_t n,
                    size_t quads, size_t n_cols, const size_t share)
{
    const size_t step = l->t->stride * quads * QK_DW_RECORD;
    uint8_t codes[64] __attribute__((aligned(64)));

    for (size_t i = 0; i < n; i += share) {
        uint8_t *o = out + i * ld_out;
        output(share == 1 ? o : codes, l, column + i * step, quads, n_cols);
        if (share > 1)
            spread(o, ld_out, l, codes, n - i, share);
    }
}

INLINE void one_line(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns,
                     const size_t share)
{
    const qk_dw_line *t = l->t;
    uint8_t record[MAX_RECORDS * QK_DW_RECORD] __attribute__((aligned(64)));

    for (size_t i = 0; i < t->m; i += l->stretch) {
        const size_t n = t->m - i < l->stretch ? t->m - i : l->stretch;
        const size_t last = (n - 1) / share * share * t->stride + (t->n_cols - 1) * t->dilation;
        uint8_t *to = record;

        for (size_t j = 0; j <= last; j++)
            for (size_t q = 0; q < l->quads; q++, to += QK_DW_RECORD)
                interleave(to, l, columns, i * t->stride + j, 4 * q, share);
        if (l->quads == 1 && t->n_cols == 3)
            outputs(out + i * ld_out, ld_out, l, record, n, 1, 3, share);
        else
            outputs(out + i * ld_out, ld_out, l, record, n, l->quads, t->n_cols, share);
    }
}

static void line_1(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns)
{
    one_line(out, ld_out, l, columns, 1);
}

static void line_2(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns)
{
    one_line(out, ld_out, l, columns, 2);
}

static void line_4(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns)
{
    one_line(out, ld_out, l, columns, 4);
}

/* The outputs whose columns fit into the memory for records, a multiple of 4 where there are as
 * many; 0: not even one's. */
static size_t stretch_of(const line *l)
{
    const size_t span = (l->t->n_cols - 1) * l->t->dilation + 1, room = MAX_RECORDS / l->quads;
    const size_t n = room < span ? 0 : (room - span) / l->t->stride + 1;

    return n < 4 ? n : n / 4 * 4;
}

static void one_block(uint8_t *out, size_t ld_out, line *l)
{
    const qk_dw_line *t = l->t;
    const bool can_share = t->n_cols * l->quads <= MAX_WEIGHTS && l->stretch >= 4;

    l->share = !can_share || l->width > 32 ? 1 : l->width > 16 ? 2 : 4;
    if (l->share > 1)
        share_weights(l);
    qk_epilogue_make(&l->e, t->rq, l->first, l->width);
    sort_by_lanes(l);
    for (size_t k = 0; k < t->n_lines; k++)
        (l->share == 1 ? line_1
         : l->share == 2
             ? line_2
             : line_4)(out + k * t->m * ld_out, ld_out, l, t->columns + k * t->span * t->n_rows);
}

void qk_dwline_u8s8__vnni(uint8_t *out, size_t ld_out, const qk_dw_line *t)
{
    const size_t quads = qk_dw_quads(t->n_rows), block_size = t->n_cols * quads * QK_DW_RECORD;
    line l = {.t = t, .first = t->first, .quads = quads};

    l.stretch = stretch_of(&l);
    if (!l.stretch) { /* a window that large is none that a model has */
        qk_dwline_u8s8__c(out, ld_out, t);
        return;
    }
    for (; l.first < t->end; l.first += QK_DW_BLOCK) {
        l.width = t->end - l.first < QK_DW_BLOCK ? t->end - l.first : QK_DW_BLOCK;
        l.packed = t->packed + l.first / QK_DW_BLOCK * block_size;
        one_block(out + l.first, ld_out, &l);
    }
}
