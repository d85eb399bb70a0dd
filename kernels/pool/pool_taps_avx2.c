/* SPDX-License-Identifier: MIT */
/* AVX2: channels side by side, the taps of one block of channels in registers. What does not fill a
 * block is done by the last block once more, overlapping; fewer channels than a block by plain C.
 */
#include "kernels/pool/pool_taps.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { BYTES = 32, FLOATS = 8, SUMS = 16 };

INLINE __m256i load32(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE size_t next(size_t c, size_t n, size_t step)
{
    return n - c >= 2 * step || n - c == step ? c + step : n - step;
}

void qk_max_u8__avx2(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    if (n < BYTES) {
        qk_max_u8__c(out, taps, n_taps, n);
        return;
    }
    for (size_t c = 0; c < n; c = next(c, n, BYTES)) {
        __m256i m = load32(taps[0] + c);
        for (size_t t = 1; t < n_taps; t++)
            m = _mm256_max_epu8(m, load32(taps[t] + c));
        _mm256_storeu_si256((__m256i *)(out + c), m);
    }
}

void qk_max_s8__avx2(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n)
{
    if (n < BYTES) {
        qk_max_s8__c(out, taps, n_taps, n);
        return;
    }
    for (size_t c = 0; c < n; c = next(c, n, BYTES)) {
        __m256i m = load32(taps[0] + c);
        for (size_t t = 1; t < n_taps; t++)
            m = _mm256_max_epi8(m, load32(taps[t] + c));
        _mm256_storeu_si256((__m256i *)(out + c), m);
    }
}

void qk_max_f32__avx2(float *out, const float *const *taps, size_t n_taps, size_t n)
{
    if (n < FLOATS) {
        qk_max_f32__c(out, taps, n_taps, n);
        return;
    }
    for (size_t c = 0; c < n; c = next(c, n, FLOATS)) {
        __m256 m = _mm256_loadu_ps(taps[0] + c);
        for (size_t t = 1; t < n_taps; t++) {
            const __m256 v = _mm256_loadu_ps(taps[t] + c);
            const __m256 take =
                _mm256_or_ps(_mm256_cmp_ps(v, m, _CMP_GT_OQ), _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
            m = _mm256_blendv_ps(m, v, take);
        }
        _mm256_storeu_ps(out + c, m);
    }
}

void qk_sum_u8__avx2(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    const size_t fits = 65535 / 255; /* taps whose sum fits into an unsigned word */

    if (n < SUMS) {
        qk_sum_u8__c(acc, taps, n_taps, n);
        return;
    }
    for (size_t c = 0; c < n; c = next(c, n, SUMS)) {
        __m256i lo = _mm256_setzero_si256(), hi = lo;
        for (size_t t = 0; t < n_taps;) {
            const size_t end = n_taps - t < fits ? n_taps : t + fits;
            __m256i sum = _mm256_setzero_si256();
            for (; t < end; t++)
                sum = _mm256_add_epi16(
                    sum, _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(taps[t] + c))));
            lo = _mm256_add_epi32(lo, _mm256_cvtepu16_epi32(_mm256_castsi256_si128(sum)));
            hi = _mm256_add_epi32(hi, _mm256_cvtepu16_epi32(_mm256_extracti128_si256(sum, 1)));
        }
        _mm256_storeu_si256((__m256i *)(acc + c), lo);
        _mm256_storeu_si256((__m256i *)(acc + c + 8), hi);
    }
}
