/* SPDX-License-Identifier: MIT */
/* What the AVX2 kernels of a convolution share: the product of quads, and sums to codes. */
#ifndef QK_CONV_PARTS_AVX2_H
#define QK_CONV_PARTS_AVX2_H

#include "kernels/gemm/gemm.h"
#include "kernels/types.h"

#include <immintrin.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { PANEL_QUAD = QK_PANEL * QK_QUAD };

/* Parameters of a panel, all written out; columns that do not exist are 0. */
typedef struct panel {
    float mult[QK_PANEL], bias[QK_PANEL];
    int32_t offset[QK_PANEL];
    __m256 rcp;
    __m256i zero, lo, hi; /* words; bytes; bytes */
    bool clips;           /* lo..hi is narrower than what packing leaves */
    size_t width, n_quads;
    const int8_t *packed, *next; /* next: the weights to fetch meanwhile */
    const int32_t *pairs;        /* its lists (notes_avx2.c) */
} panel;

static inline void make_panel(panel *p, const qk_conv_tile *t, size_t col)
{
    const qk_requant *rq = t->rq;

    p->width = t->n - col < QK_PANEL ? t->n - col : QK_PANEL;
    memset(p, 0, offsetof(panel, rcp));
    memcpy(p->offset, rq->offset + col, p->width * sizeof *p->offset);
    if (rq->bias)
        memcpy(p->bias, rq->bias + col, p->width * sizeof *p->bias);
    if (rq->per_channel)
        memcpy(p->mult, rq->mult + col, p->width * sizeof *p->mult);
    for (size_t j = 0; !rq->per_channel && j < p->width; j++)
        p->mult[j] = rq->mult[0];
    p->rcp = _mm256_set1_ps(rq->prescaled || !rq->bias ? 1.0f : rq->rcp);
    p->zero = _mm256_set1_epi16((int16_t)rq->zero);
    p->lo = _mm256_set1_epi8((char)rq->lo);
    p->hi = _mm256_set1_epi8((char)rq->hi);
    p->clips = rq->lo != 0 || rq->hi != 255;
    p->n_quads = (t->tap_k + QK_QUAD - 1) / QK_QUAD;
    p->packed = t->packed + col / QK_PANEL * t->n_taps * p->n_quads * PANEL_QUAD;
    p->next = p->packed + t->n_taps * p->n_quads * PANEL_QUAD;
    if (col + QK_PANEL >= t->n && t->ahead)
        p->next = t->ahead;
    p->pairs = t->notes + col / QK_PANEL;
    p->pairs += *p->pairs;
}

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

    if (p->clips)
        codes = _mm256_min_epu8(_mm256_max_epu8(codes, p->lo), p->hi);
    codes = _mm256_permutevar8x32_epi32(codes, order);
    store16(out0, _mm256_castsi256_si128(codes), p->width);
    store16(out1, _mm256_extracti128_si256(codes, 1), p->width);
}

#endif
