/* SPDX-License-Identifier: MIT */
/* AVX2: the vector formula of eltwise.h on whole blocks; the tail is plain C. */
#include "kernels/eltwise/eltwise.h"

#include "kernels/round.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16 };

INLINE __m256 dequantized(const uint8_t *q, float scale, float pre)
{
    const __m256i codes = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)q));
    return _mm256_fmadd_ps(_mm256_set1_ps(scale), _mm256_cvtepi32_ps(codes), _mm256_set1_ps(pre));
}

INLINE __m256i sum8(const uint8_t *a, const uint8_t *b, const qk_add *p, float pre_a, float pre_b)
{
    __m256 y = _mm256_add_ps(dequantized(a, p->scale_a, pre_a), dequantized(b, p->scale_b, pre_b));

    if (p->relu)
        y = _mm256_max_ps(y, _mm256_setzero_ps()); /* NaN: the second operand, as y > 0 ? y : 0 */
    y = _mm256_min_ps(_mm256_mul_ps(y, _mm256_set1_ps(p->inv_out)), _mm256_set1_ps(QK_INT32_FMAX));
    return _mm256_add_epi32(_mm256_cvtps_epi32(y), _mm256_set1_epi32(p->zero_out));
}

static void add_tame(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    const __m256 inv = _mm256_set1_ps(p->inv_out);
    const __m256i zero = _mm256_set1_epi16((int16_t)p->zero_out);
    const __m256i lo = _mm256_set1_epi8(p->relu ? (char)p->zero_out : 0);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);

    for (size_t i = 0; i < n; i += 2 * STEP) {
        __m256i r[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m256 y = _mm256_add_ps(dequantized(a + i + 8 * j, p->scale_a, pre_a),
                                           dequantized(b + i + 8 * j, p->scale_b, pre_b));
            r[j] = _mm256_cvtps_epi32(_mm256_mul_ps(y, inv));
        }
        __m256i low = _mm256_packs_epi32(r[0], r[1]), high = _mm256_packs_epi32(r[2], r[3]);
        if (p->zero_out) {
            low = _mm256_adds_epi16(low, zero);
            high = _mm256_adds_epi16(high, zero);
        }
        const __m256i codes = _mm256_max_epu8(_mm256_packus_epi16(low, high), lo);
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_permutevar8x32_epi32(codes, order));
    }
}

void qk_add_u8__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    const size_t n_vector = n / QK_ADD_BLOCK * QK_ADD_BLOCK;
    const bool tame = qk_add_is_tame(p);

    if (tame)
        add_tame(out, a, b, n_vector, p);
    for (size_t i = tame ? n_vector : 0; i < n_vector; i += STEP) {
        const __m256i words = _mm256_permute4x64_epi64(
            _mm256_packs_epi32(sum8(a + i, b + i, p, pre_a, pre_b),
                               sum8(a + i + 8, b + i + 8, p, pre_a, pre_b)),
            0xd8);
        _mm_storeu_si128(
            (__m128i *)(out + i),
            _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
    qk_add_u8_tail__c(out + n_vector, a + n_vector, b + n_vector, n - n_vector, p);
}
