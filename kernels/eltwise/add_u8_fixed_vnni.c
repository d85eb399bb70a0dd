/* SPDX-License-Identifier: MIT */
/* AVX-512, 64 codes at a time: the words (a, b) of 16 elements times the words of the multipliers
 * (eltwise.h). */
#include "kernels/eltwise/eltwise.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 64 };

typedef struct factors {
    __m512i high, low, start, zero, lo, hi;
    __m128i shift;
} factors;

static factors make(const qk_add_fixed *p)
{
    return (factors){.high = _mm512_set1_epi32(qk_add_fixed_high(p)),
                     .low = _mm512_set1_epi32(qk_add_fixed_low(p)),
                     .start = _mm512_set1_epi32(-(p->a * p->zero_a + p->b * p->zero_b)),
                     .zero = _mm512_set1_epi16((int16_t)p->zero_out),
                     .lo = _mm512_set1_epi8((char)p->lo),
                     .hi = _mm512_set1_epi8((char)p->hi),
                     .shift = _mm_cvtsi32_si128(p->shift - 1)};
}

/* 16 sums without all but one of the bits that are rounded away. */
INLINE __m512i sum16(__m512i q, const factors *f)
{
    const __m512i high = _mm512_slli_epi32(_mm512_madd_epi16(q, f->high), QK_FIXED_LOW);
    const __m512i acc = _mm512_dpwssd_epi32(_mm512_add_epi32(high, f->start), q, f->low);

    return _mm512_sra_epi32(_mm512_add_epi32(acc, _mm512_srai_epi32(acc, 31)), f->shift);
}

/* 32 codes as words, from the bytes a, b, a, b ... */
INLINE __m512i code32(__m512i ab, const factors *f)
{
    const __m512i none = _mm512_setzero_si512();
    const __m512i twice = _mm512_packs_epi32(sum16(_mm512_unpacklo_epi8(ab, none), f),
                                             sum16(_mm512_unpackhi_epi8(ab, none), f));
    const __m512i r = _mm512_srai_epi16(_mm512_adds_epi16(twice, _mm512_set1_epi16(1)), 1);

    return _mm512_add_epi16(r, f->zero);
}

INLINE __m512i code64(__m512i a, __m512i b, const factors *f)
{
    const __m512i codes = _mm512_packus_epi16(code32(_mm512_unpacklo_epi8(a, b), f),
                                              code32(_mm512_unpackhi_epi8(a, b), f));

    return _mm512_min_epu8(_mm512_max_epu8(codes, f->lo), f->hi);
}

void qk_add_u8_fixed__vnni(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p)
{
    const factors f = make(p);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP)
        _mm512_storeu_si512(out + i,
                            code64(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i), &f));
    if (i < n) {
        const __mmask64 rest = ~(__mmask64)0 >> (STEP - (n - i));
        _mm512_mask_storeu_epi8(
            out + i, rest,
            code64(_mm512_maskz_loadu_epi8(rest, a + i), _mm512_maskz_loadu_epi8(rest, b + i), &f));
    }
}
