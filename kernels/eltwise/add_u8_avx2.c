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

void qk_add_u8__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    const size_t n_vector = n / QK_ADD_BLOCK * QK_ADD_BLOCK;

    for (size_t i = 0; i < n_vector; i += STEP) {
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
