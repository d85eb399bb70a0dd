/* SPDX-License-Identifier: MIT */
/* AVX2, 32 codes at a time: the words (a, b) of 8 elements times the words of the multipliers
 * (eltwise.h). */
#include "kernels/eltwise/eltwise.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 32 };

typedef struct factors {
    __m256i high, low, start, zero, lo, hi;
    __m128i shift;
} factors;

static factors make(const qk_add_fixed *p)
{
    return (factors){.high = _mm256_set1_epi32(qk_add_fixed_high(p)),
                     .low = _mm256_set1_epi32(qk_add_fixed_low(p)),
                     .start = _mm256_set1_epi32(-(p->a * p->zero_a + p->b * p->zero_b)),
                     .zero = _mm256_set1_epi16((int16_t)p->zero_out),
                     .lo = _mm256_set1_epi8((char)p->lo),
                     .hi = _mm256_set1_epi8((char)p->hi),
                     .shift = _mm_cvtsi32_si128(p->shift - 1)};
}

/* 8 sums without all but one of the bits that are rounded away. */
INLINE __m256i sum8(__m256i q, const factors *f)
{
    const __m256i high = _mm256_slli_epi32(_mm256_madd_epi16(q, f->high), QK_FIXED_LOW);
    const __m256i low = _mm256_add_epi32(_mm256_madd_epi16(q, f->low), f->start);
    const __m256i acc = _mm256_add_epi32(high, low);

    return _mm256_sra_epi32(_mm256_add_epi32(acc, _mm256_srai_epi32(acc, 31)), f->shift);
}

/* 16 codes as words, from the bytes a, b, a, b ... */
INLINE __m256i code16(__m256i ab, const factors *f)
{
    const __m256i none = _mm256_setzero_si256();
    const __m256i twice = _mm256_packs_epi32(sum8(_mm256_unpacklo_epi8(ab, none), f),
                                             sum8(_mm256_unpackhi_epi8(ab, none), f));
    const __m256i r = _mm256_srai_epi16(_mm256_adds_epi16(twice, _mm256_set1_epi16(1)), 1);

    return _mm256_add_epi16(r, f->zero);
}

void qk_add_u8_fixed__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p)
{
    const factors f = make(p);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        const __m256i x = _mm256_loadu_si256((const __m256i *)(a + i));
        const __m256i y = _mm256_loadu_si256((const __m256i *)(b + i));
        const __m256i codes = _mm256_packus_epi16(code16(_mm256_unpacklo_epi8(x, y), &f),
                                                  code16(_mm256_unpackhi_epi8(x, y), &f));
        _mm256_storeu_si256((__m256i *)(out + i),
                            _mm256_min_epu8(_mm256_max_epu8(codes, f.lo), f.hi));
    }
    qk_add_u8_fixed__c(out + i, a + i, b + i, n - i, p);
}
