/* SPDX-License-Identifier: MIT */
/* AVX-512. vminps gives its second operand when the first is NaN, which is the rule of quantize.h,
 * and vcvtps2dq gives INT32_MIN below -2^31. Saturating conversions are the clamp. */
#include "kernels/quantize/quantize.h"

#include "kernels/round.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16 };

INLINE __mmask16 mask_of(size_t left)
{
    return left >= STEP ? 0xffff : (__mmask16)(0xffffu >> (STEP - left));
}

INLINE __m512i to_int(__m512 x, float inv, int32_t zero)
{
    const __m512 t =
        _mm512_min_ps(_mm512_mul_ps(x, _mm512_set1_ps(inv)), _mm512_set1_ps(QK_INT32_FMAX));
    return _mm512_add_epi32(_mm512_cvtps_epi32(t), _mm512_set1_epi32(zero));
}

/* 64 numbers as words of 16 bits, saturated, in the order in which packs takes lanes apart. */
INLINE void to_words(__m512i w[2], const float *x, float inv, int32_t zero)
{
    for (int i = 0; i < 2; i++)
        w[i] = _mm512_packs_epi32(to_int(_mm512_loadu_ps(x + 32 * i), inv, zero),
                                  to_int(_mm512_loadu_ps(x + 32 * i + STEP), inv, zero));
}

/* Each of the four lanes holds four numbers of each of four registers. */
INLINE void store64(void *out, __m512i bytes)
{
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    _mm512_storeu_si512(out, _mm512_permutexvar_epi32(order, bytes));
}

void qk_quantize_u8__vnni(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    __m512i w[2];
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        to_words(w, x + i, inv, zero);
        store64(out + i, _mm512_packus_epi16(w[0], w[1]));
    }
    for (; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        const __m512i r = to_int(_mm512_maskz_loadu_ps(mask, x + i), inv, zero);
        const __m512i code = _mm512_max_epi32(r, _mm512_setzero_si512());
        _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtusepi32_epi8(code));
    }
}

void qk_quantize_s8__vnni(int8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    __m512i w[2];
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        to_words(w, x + i, inv, zero);
        store64(out + i, _mm512_packs_epi16(w[0], w[1]));
    }
    for (; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        const __m512i r = to_int(_mm512_maskz_loadu_ps(mask, x + i), inv, zero);
        _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtsepi32_epi8(r));
    }
}

/* The codes of one register, widened. */
#define LOAD_U8(mask, q) _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, q))
#define LOAD_S8(mask, q) _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, q))

INLINE __m512 to_float(__m512i q, float scale, int32_t zero)
{
    const __m512 d = _mm512_cvtepi32_ps(_mm512_sub_epi32(q, _mm512_set1_epi32(zero)));
    return _mm512_mul_ps(_mm512_set1_ps(scale), d);
}

void qk_dequantize_u8__vnni(float *out, const uint8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        _mm512_storeu_ps(
            out + i,
            to_float(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(q + i))), scale, zero));
    if (i < n)
        _mm512_mask_storeu_ps(out + i, mask_of(n - i),
                              to_float(LOAD_U8(mask_of(n - i), q + i), scale, zero));
}

void qk_dequantize_s8__vnni(float *out, const int8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        _mm512_storeu_ps(
            out + i,
            to_float(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(q + i))), scale, zero));
    if (i < n)
        _mm512_mask_storeu_ps(out + i, mask_of(n - i),
                              to_float(LOAD_S8(mask_of(n - i), q + i), scale, zero));
}

INLINE void store_wide(float *out, __mmask16 mask, __m512i q, double scale, float zero)
{
    const __m512 d = _mm512_sub_ps(_mm512_cvtepi32_ps(q), _mm512_set1_ps(zero));
    const __m512d s = _mm512_set1_pd(scale);
    const __m512d lo = _mm512_mul_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(d)), s);
    const __m512d hi = _mm512_mul_pd(_mm512_cvtps_pd(_mm512_extractf32x8_ps(d, 1)), s);
    _mm512_mask_storeu_ps(
        out, mask,
        _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(lo)), _mm512_cvtpd_ps(hi), 1));
}

void qk_dequantize_wide_u8__vnni(float *out, const uint8_t *q, size_t n, double scale, float zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        store_wide(out + i, mask, LOAD_U8(mask, q + i), scale, zero);
    }
}

void qk_dequantize_wide_s8__vnni(float *out, const int8_t *q, size_t n, double scale, float zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        store_wide(out + i, mask, LOAD_S8(mask, q + i), scale, zero);
    }
}
