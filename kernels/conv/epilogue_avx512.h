/* SPDX-License-Identifier: MIT */
/* Sums to codes in 512-bit registers, for the kernels of several instruction sets. */
#ifndef QK_EPILOGUE_AVX512_H
#define QK_EPILOGUE_AVX512_H

#include "kernels/types.h"

#include <immintrin.h>
#include <string.h>

enum { QK_EPILOGUE_COLS = 64 };

/* Parameters of up to 64 columns, all written out. Columns that do not exist are 0. */
typedef struct qk_epilogue {
    float mult[QK_EPILOGUE_COLS], bias[QK_EPILOGUE_COLS];
    int32_t offset[QK_EPILOGUE_COLS];
    __m512 rcp;
    __m512i zero, lo, hi; /* 16-bit lanes; bytes; bytes */
    __m512i order;        /* undoes what packing in 128-bit lanes does */
    __mmask64 mask;       /* columns that exist */
    bool plain;           /* 64 columns, and lo..hi is what packing leaves */
} qk_epilogue;

/* For `width` columns from column col on. */
static inline void qk_epilogue_make(qk_epilogue *e, const qk_requant *rq, size_t col, size_t width)
{
    e->mask = ~(__mmask64)0 >> (64 - width);
    for (size_t j = 0; j < QK_EPILOGUE_COLS; j += 16) {
        const __mmask16 is = (__mmask16)(e->mask >> j);
        const __m512 mult = rq->per_channel ? _mm512_maskz_loadu_ps(is, rq->mult + col + j)
                                            : _mm512_maskz_mov_ps(is, _mm512_set1_ps(rq->mult[0]));
        const __m512 bias =
            rq->bias ? _mm512_maskz_loadu_ps(is, rq->bias + col + j) : _mm512_setzero_ps();

        _mm512_storeu_ps(e->mult + j, mult);
        _mm512_storeu_ps(e->bias + j, bias);
        _mm512_storeu_si512(e->offset + j, _mm512_maskz_loadu_epi32(is, rq->offset + col + j));
    }
    e->rcp = _mm512_set1_ps(rq->prescaled || !rq->bias ? 1.0f : rq->rcp);
    e->zero = _mm512_set1_epi16((int16_t)rq->zero);
    e->lo = _mm512_set1_epi8((char)rq->lo);
    e->hi = _mm512_set1_epi8((char)rq->hi);
    e->order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    e->plain = width == QK_EPILOGUE_COLS && rq->lo == 0 && rq->hi == 255;
}

/* Stores the codes of the sums t[0..np - 1], 16 columns each; np is a constant after inlining, and
 * so should be plain (e->plain). Every instruction but loads and stores takes the place of a
 * multiplication: 16 to round, 6 to pack, 2 to clip. */
static inline __attribute__((always_inline)) void qk_epilogue_store(uint8_t *out,
                                                                    const qk_epilogue *e,
                                                                    const __m512i *t, const int np,
                                                                    const bool plain)
{
    __m512i r[4], low, high, codes;

#pragma GCC unroll 4
    for (int j = 0; j < np; j++) {
        const __m512 x =
            _mm512_fmadd_ps(_mm512_loadu_ps(e->bias + 16 * j), e->rcp, _mm512_cvtepi32_ps(t[j]));
        r[j] = _mm512_cvtps_epi32(_mm512_mul_ps(x, _mm512_loadu_ps(e->mult + 16 * j)));
    }
    low = _mm512_adds_epi16(_mm512_packs_epi32(r[0], r[np > 1 ? 1 : 0]), e->zero);
    high = low;
    if (np > 2)
        high = _mm512_adds_epi16(_mm512_packs_epi32(r[2], r[np > 3 ? 3 : 2]), e->zero);
    codes = _mm512_packus_epi16(low, high);
    if (plain) {
        _mm512_storeu_si512(out, _mm512_permutexvar_epi32(e->order, codes));
        return;
    }
    codes = _mm512_min_epu8(_mm512_max_epu8(codes, e->lo), e->hi);
    _mm512_mask_storeu_epi8(out, e->mask, _mm512_permutexvar_epi32(e->order, codes));
}

#endif
