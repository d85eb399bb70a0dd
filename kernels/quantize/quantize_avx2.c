/* SPDX-License-Identifier: MIT */
/* AVX2. vminps gives its second operand when the first is NaN, which is the rule of quantize.h, and
 * vcvtps2dq gives INT32_MIN below -2^31. Saturating packs are the clamp. */
#include "kernels/quantize/quantize.h"

#include "kernels/round.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 32, LANES = 8 };

INLINE __m256i to_int(const float *x, __m256 inv, __m256i zero)
{
    const __m256 t =
        _mm256_min_ps(_mm256_mul_ps(_mm256_loadu_ps(x), inv), _mm256_set1_ps(QK_INT32_FMAX));
    return _mm256_add_epi32(_mm256_cvtps_epi32(t), zero);
}

/* 32 floats to words, in the order that packing by 128-bit lanes leaves */
INLINE void to_words(__m256i out[2], const float *x, __m256 inv, __m256i zero)
{
    out[0] = _mm256_packs_epi32(to_int(x, inv, zero), to_int(x + 8, inv, zero));
    out[1] = _mm256_packs_epi32(to_int(x + 16, inv, zero), to_int(x + 24, inv, zero));
}

INLINE void store32(void *out, __m256i bytes)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    _mm256_storeu_si256((__m256i *)out, _mm256_permutevar8x32_epi32(bytes, order));
}

void qk_quantize_u8__avx2(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    const __m256 inv8 = _mm256_set1_ps(inv);
    const __m256i zero8 = _mm256_set1_epi32(zero);
    __m256i w[2];
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        to_words(w, x + i, inv8, zero8);
        store32(out + i, _mm256_packus_epi16(w[0], w[1]));
    }
    qk_quantize_u8__c(out + i, x + i, n - i, inv, zero);
}

void qk_quantize_s8__avx2(int8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    const __m256 inv8 = _mm256_set1_ps(inv);
    const __m256i zero8 = _mm256_set1_epi32(zero);
    __m256i w[2];
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        to_words(w, x + i, inv8, zero8);
        store32(out + i, _mm256_packs_epi16(w[0], w[1]));
    }
    qk_quantize_s8__c(out + i, x + i, n - i, inv, zero);
}

INLINE void store_float(float *out, __m256i q, __m256 scale, __m256i zero)
{
    const __m256 d = _mm256_cvtepi32_ps(_mm256_sub_epi32(q, zero));
    _mm256_storeu_ps(out, _mm256_mul_ps(scale, d));
}

void qk_dequantize_u8__avx2(float *out, const uint8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;

    for (; n - i >= LANES; i += LANES)
        store_float(out + i, _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(q + i))),
                    _mm256_set1_ps(scale), _mm256_set1_epi32(zero));
    qk_dequantize_u8__c(out + i, q + i, n - i, scale, zero);
}

void qk_dequantize_s8__avx2(float *out, const int8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;

    for (; n - i >= LANES; i += LANES)
        store_float(out + i, _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(q + i))),
                    _mm256_set1_ps(scale), _mm256_set1_epi32(zero));
    qk_dequantize_s8__c(out + i, q + i, n - i, scale, zero);
}

/* Eight codes as 32-bit integers. */
INLINE void store_wide(float *out, __m256i q, double scale, float zero)
{
    const __m256 d = _mm256_sub_ps(_mm256_cvtepi32_ps(q), _mm256_set1_ps(zero));
    const __m256d s = _mm256_set1_pd(scale);
    const __m256d lo = _mm256_mul_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(d)), s);
    const __m256d hi = _mm256_mul_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(d, 1)), s);
    _mm_storeu_ps(out, _mm256_cvtpd_ps(lo));
    _mm_storeu_ps(out + 4, _mm256_cvtpd_ps(hi));
}

void qk_dequantize_wide_u8__avx2(float *out, const uint8_t *q, size_t n, double scale, float zero)
{
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store_wide(out + i, _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(q + i))), scale,
                   zero);
    qk_dequantize_wide_u8__c(out + i, q + i, n - i, scale, zero);
}

void qk_dequantize_wide_s8__avx2(float *out, const int8_t *q, size_t n, double scale, float zero)
{
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        store_wide(out + i, _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(q + i))), scale,
                   zero);
    qk_dequantize_wide_s8__c(out + i, q + i, n - i, scale, zero);
}
