/* SPDX-License-Identifier: MIT */
/* AVX2, 8 columns at a time; each step of requant.c has its instruction. */
#include "kernels/requant/requant.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 8 };

INLINE __m256i load8(const int32_t *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE __m256i codes8(const int32_t *acc, size_t j, __m256i row_sum, const qk_requant *rq)
{
    __m256i t = _mm256_add_epi32(load8(acc + j), load8(rq->offset + j));
    if (rq->zero_w)
        t = _mm256_sub_epi32(t, _mm256_mullo_epi32(load8(rq->zero_w + j), row_sum));
    __m256 x = _mm256_cvtepi32_ps(t);
    if (rq->bias) {
        const __m256 bias = _mm256_loadu_ps(rq->bias + j);
        x = rq->prescaled ? _mm256_add_ps(x, bias)
                          : _mm256_fmadd_ps(bias, _mm256_set1_ps(rq->rcp), x);
    }
    const __m256 mult =
        rq->per_channel ? _mm256_loadu_ps(rq->mult + j) : _mm256_set1_ps(rq->mult[0]);
    __m256i r = _mm256_cvtps_epi32(_mm256_mul_ps(x, mult));
    r = _mm256_max_epi32(r, _mm256_set1_epi32(rq->lo - rq->zero));
    r = _mm256_min_epi32(r, _mm256_set1_epi32(rq->hi - rq->zero));
    return _mm256_add_epi32(r, _mm256_set1_epi32(rq->zero));
}

/* The low bytes of 8 words: signed and unsigned codes are stored alike. */
INLINE void store8(uint8_t *out, __m256i codes)
{
    const __m256i low =
        _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12,
                         -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i bytes = _mm256_shuffle_epi8(codes, low);

    _mm_storel_epi64((__m128i *)out, _mm_unpacklo_epi32(_mm256_castsi256_si128(bytes),
                                                        _mm256_extracti128_si256(bytes, 1)));
}

void qk_requant__avx2(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq)
{
    for (size_t i = 0; i < m; i++, out += ld_out, acc += ld_acc) {
        const int32_t sum = rq->zero_w ? row_sum[i] : 0;
        size_t j = 0;
        for (; n - j >= STEP; j += STEP)
            store8(out + j, codes8(acc, j, _mm256_set1_epi32(sum), rq));
        qk_requant_row__c(out, acc, j, n, sum, rq);
    }
}
