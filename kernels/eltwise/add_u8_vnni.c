/* SPDX-License-Identifier: MIT */
/* AVX-512: the vector formula of eltwise.h on whole blocks; the tail is plain C. */
#include "kernels/eltwise/eltwise.h"

#include "kernels/round.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16 };

INLINE __m512 dequantized(const uint8_t *q, float scale, float pre)
{
    const __m512i codes = _mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)q));
    return _mm512_fmadd_ps(_mm512_set1_ps(scale), _mm512_cvtepi32_ps(codes), _mm512_set1_ps(pre));
}

static void add_tame(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    const __m512 inv = _mm512_set1_ps(p->inv_out);
    const __m512i zero = _mm512_set1_epi16((int16_t)p->zero_out);
    const __m512i lo = _mm512_set1_epi8(p->relu ? (char)p->zero_out : 0);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);

    for (size_t i = 0; i < n; i += QK_ADD_BLOCK) {
        __m512i r[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m512 y = _mm512_add_ps(dequantized(a + i + j * STEP, p->scale_a, pre_a),
                                           dequantized(b + i + j * STEP, p->scale_b, pre_b));
            r[j] = _mm512_cvtps_epi32(_mm512_mul_ps(y, inv));
        }
        __m512i low = _mm512_packs_epi32(r[0], r[1]), high = _mm512_packs_epi32(r[2], r[3]);
        if (p->zero_out) {
            low = _mm512_adds_epi16(low, zero);
            high = _mm512_adds_epi16(high, zero);
        }
        const __m512i codes = _mm512_max_epu8(_mm512_packus_epi16(low, high), lo);
        _mm512_storeu_si512(out + i, _mm512_permutexvar_epi32(order, codes));
    }
}

void qk_add_u8__vnni(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    const size_t n_vector = n / QK_ADD_BLOCK * QK_ADD_BLOCK;
    const bool tame = qk_add_is_tame(p);

    if (tame)
        add_tame(out, a, b, n_vector, p);
    for (size_t i = tame ? n_vector : 0; i < n_vector; i += STEP) {
        __m512 y = _mm512_add_ps(dequantized(a + i, p->scale_a, pre_a),
                                 dequantized(b + i, p->scale_b, pre_b));
        if (p->relu)
            y = _mm512_max_ps(y, _mm512_setzero_ps()); /* NaN: the second operand */
        y = _mm512_min_ps(_mm512_mul_ps(y, _mm512_set1_ps(p->inv_out)),
                          _mm512_set1_ps(QK_INT32_FMAX));
        const __m512i r = _mm512_add_epi32(_mm512_cvtps_epi32(y), _mm512_set1_epi32(p->zero_out));
        _mm_storeu_si128((__m128i *)(out + i),
                         _mm512_cvtusepi32_epi8(_mm512_max_epi32(r, _mm512_setzero_si512())));
    }
    qk_add_u8_tail__c(out + n_vector, a + n_vector, b + n_vector, n - n_vector, p);
}
