/* SPDX-License-Identifier: MIT */
/* AVX2, 32 codes at a time. */
#include "kernels/eltwise/eltwise.h"

#include <immintrin.h>

enum { STEP = 32 };

void qk_clamp_u8__avx2(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi)
{
    const __m256i lo32 = _mm256_set1_epi8((char)lo), hi32 = _mm256_set1_epi8((char)hi);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(in + i));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_min_epu8(_mm256_max_epu8(v, lo32), hi32));
    }
    qk_clamp_u8__c(out + i, in + i, n - i, lo, hi);
}

void qk_clamp_s8__avx2(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi)
{
    const __m256i lo32 = _mm256_set1_epi8(lo), hi32 = _mm256_set1_epi8(hi);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        const __m256i v = _mm256_loadu_si256((const __m256i *)(in + i));
        _mm256_storeu_si256((__m256i *)(out + i), _mm256_min_epi8(_mm256_max_epi8(v, lo32), hi32));
    }
    qk_clamp_s8__c(out + i, in + i, n - i, lo, hi);
}
