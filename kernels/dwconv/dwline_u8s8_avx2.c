/* SPDX-License-Identifier: MIT */
/* AVX2: codes and weights in 16 bits, so that vpmaddwd adds the products of two kernel rows
 * exactly. The rows of every input column are widened and interleaved once, for 16 channels (a lane
 * of a record); weights are widened once for all lines. Sums of a few outputs go to the
 * requantization kernel while they are in the first-level cache. */
#include "kernels/dwconv/dwline.h"
#include "kernels/requant/requant.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* CHANNELS: of a lane. PAIRS: (rows + 1) / 2 of a column; a pair takes two registers. MAX_PAIRS:
 * of a stretch, 16 KiB. OUTPUTS: sums at a time. */
enum { CHANNELS = 16, MAX_PAIRS = 256, MAX_WEIGHTS = 256, OUTPUTS = 16 };

typedef struct line { /* 16 channels */
    const qk_dw_line *t;
    size_t first, width, pairs; /* pairs: of rows, of a column */
    __m256i w[2 * MAX_WEIGHTS]; /* [kernel column][pair][half] */
} line;

/* 16 codes of a row as words; channels that do not exist are 0. */
INLINE __m256i row_at(const line *l, const uint8_t *const *rows, size_t r)
{
    uint8_t part[CHANNELS] = {0};

    if (r >= l->t->n_rows)
        return _mm256_setzero_si256();
    if (l->width == CHANNELS)
        return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(rows[r] + l->first)));
    memcpy(part, rows[r] + l->first, l->width);
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)part));
}

INLINE void interleave(__m256i out[2], const line *l, const uint8_t *const *rows, size_t r)
{
    const __m256i a = row_at(l, rows, r), b = row_at(l, rows, r + 1);

    out[0] = _mm256_unpacklo_epi16(a, b);
    out[1] = _mm256_unpackhi_epi16(a, b);
}

/* Weights of the lane's channels in the order of interleave(): half h, lane v has channels
 * 8 v + 4 h ... + 3, which lie at part 2 v + h of the record. */
static void widen_weights(line *l, const int8_t *packed, size_t lane)
{
    const size_t quads = qk_dw_quads(l->t->n_rows);

    for (size_t x = 0; x < l->t->n_cols; x++)
        for (size_t p = 0; p < l->pairs; p++)
            for (size_t h = 0; h < 2; h++) {
                const int8_t *record = packed + (x * quads + p / 2) * QK_DW_RECORD;
                int16_t word[16];

                for (size_t i = 0; i < 16; i++) {
                    const size_t part = i / 8 * 2 + h, channel = i % 8 / 2, row = p % 2 * 2 + i % 2;
                    word[i] = record[part * 64 + lane * 16 + channel * 4 + row];
                }
                l->w[(x * l->pairs + p) * 2 + h] = _mm256_loadu_si256((const __m256i *)word);
            }
}

/* pairs and n_cols are constants after inlining, or those of the line. */
INLINE void output(int32_t *acc, const line *l, const __m256i *column, size_t pairs, size_t n_cols)
{
    const size_t step = l->t->dilation * pairs * 2;
    __m256i lo = _mm256_setzero_si256(), hi = lo;

    for (size_t x = 0; x < n_cols; x++, column += step)
        for (size_t p = 0; p < pairs; p++) {
            const __m256i *w = l->w + (x * pairs + p) * 2;
            lo = _mm256_add_epi32(lo, _mm256_madd_epi16(column[2 * p], w[0]));
            hi = _mm256_add_epi32(hi, _mm256_madd_epi16(column[2 * p + 1], w[1]));
        }
    /* Lanes of lo: channels 0..3 and 8..11; of hi: 4..7 and 12..15. */
    _mm256_storeu_si256((__m256i *)acc, _mm256_permute2x128_si256(lo, hi, 0x20));
    _mm256_storeu_si256((__m256i *)(acc + 8), _mm256_permute2x128_si256(lo, hi, 0x31));
}

static void outputs(uint8_t *out, size_t ld_out, const line *l, const __m256i *column, size_t n,
                    const qk_requant *rq)
{
    const size_t step = l->t->stride * l->pairs * 2;
    const bool usual = l->pairs == 2 && l->t->n_cols == 3;
    int32_t acc[OUTPUTS * CHANNELS];

    for (size_t i = 0, some; i < n; i += some) {
        some = n - i < OUTPUTS ? n - i : OUTPUTS;
        for (size_t k = 0; k < some; k++) {
            const __m256i *at = column + (i + k) * step;
            if (usual)
                output(acc + k * CHANNELS, l, at, 2, 3);
            else
                output(acc + k * CHANNELS, l, at, l->pairs, l->t->n_cols);
        }
        qk_requant__avx2(out + i * ld_out, ld_out, acc, CHANNELS, some, l->width, NULL, rq);
    }
}

static void one_line(uint8_t *out, size_t ld_out, const line *l, const uint8_t *const *columns,
                     size_t stretch, const qk_requant *rq)
{
    const qk_dw_line *t = l->t;
    __m256i column[2 * MAX_PAIRS];

    for (size_t i = 0; i < t->m; i += stretch) {
        const size_t n = t->m - i < stretch ? t->m - i : stretch;
        const size_t last = (n - 1) * t->stride + (t->n_cols - 1) * t->dilation;
        const uint8_t *const *rows = columns + i * t->stride * t->n_rows;
        __m256i *to = column;

        for (size_t j = 0; j <= last; j++, rows += t->n_rows)
            for (size_t p = 0; p < l->pairs; p++, to += 2)
                interleave(to, l, rows, 2 * p);
        outputs(out + i * ld_out, ld_out, l, column, n, rq);
    }
}

/* The outputs whose columns fit into the memory for them; 0: not even one's. */
static size_t stretch_of(const line *l)
{
    const size_t span = (l->t->n_cols - 1) * l->t->dilation + 1, room = MAX_PAIRS / l->pairs;

    if (room < span || l->t->n_cols * l->pairs > MAX_WEIGHTS)
        return 0;
    return (room - span) / l->t->stride + 1;
}

void qk_dwline_u8s8__avx2(uint8_t *out, size_t ld_out, const qk_dw_line *t)
{
    const size_t block_size = t->n_cols * qk_dw_quads(t->n_rows) * QK_DW_RECORD;
    line l = {.t = t, .first = t->first, .pairs = (t->n_rows + 1) / 2};
    const size_t stretch = stretch_of(&l);

    if (!stretch) { /* a window that large is none that a model has */
        qk_dwline_u8s8__c(out, ld_out, t);
        return;
    }
    for (; l.first < t->end; l.first += CHANNELS) {
        const qk_requant rq = qk_dw_requant(t->rq, l.first);

        l.width = t->end - l.first < CHANNELS ? t->end - l.first : CHANNELS;
        widen_weights(&l, t->packed + l.first / QK_DW_BLOCK * block_size,
                      l.first % QK_DW_BLOCK / CHANNELS);
        for (size_t k = 0; k < t->n_lines; k++)
            one_line(out + l.first + k * t->m * ld_out, ld_out, &l,
                     t->columns + k * t->span * t->n_rows, stretch, &rq);
    }
}
