/* SPDX-License-Identifier: MIT */
/* AVX2: two taps of 16 channels are interleaved byte by byte and widened to words, so that one
 * vpmaddwd gives both products of a channel, added in 32 bits. */
#include "kernels/dwconv/dwconv.h"

#include <immintrin.h>

enum { STEP = 16 };

static void block(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                  size_t n, size_t c)
{
    __m256i sum0 = _mm256_setzero_si256(), sum1 = _mm256_setzero_si256();

    for (size_t t = 0; t < n_taps; t += 2) {
        const __m128i a0 = _mm_loadu_si128((const __m128i *)(taps[t] + c));
        const __m128i w0 = _mm_loadu_si128((const __m128i *)(w + t * n + c));
        __m128i a1 = _mm_setzero_si128(), w1 = _mm_setzero_si128();
        if (t + 1 < n_taps) {
            a1 = _mm_loadu_si128((const __m128i *)(taps[t + 1] + c));
            w1 = _mm_loadu_si128((const __m128i *)(w + (t + 1) * n + c));
        }
        const __m256i a_lo = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a0, a1));
        const __m256i a_hi = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a0, a1));
        const __m256i w_lo = _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(w0, w1));
        const __m256i w_hi = _mm256_cvtepi8_epi16(_mm_unpackhi_epi8(w0, w1));
        sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(a_lo, w_lo));
        sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(a_hi, w_hi));
    }
    _mm256_storeu_si256((__m256i *)(acc + c), sum0);
    _mm256_storeu_si256((__m256i *)(acc + c + 8), sum1);
}

void qk_dwconv_u8s8__avx2(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n)
{
    size_t c = 0;

    if (n < STEP) {
        qk_dwconv_u8s8__c(acc, taps, n_taps, w, n);
        return;
    }
    for (; n - c >= STEP; c += STEP)
        block(acc, taps, n_taps, w, n, c);
    if (c < n) /* the last block once more, overlapping: same channels, same sums */
        block(acc, taps, n_taps, w, n, n - STEP);
}
