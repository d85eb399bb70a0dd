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

INLINE __m512i to_int(const float *x, __mmask16 mask, float inv, int32_t zero)
{
    const __m512 t =
        _mm512_min_ps(_mm512_mul_ps(_mm512_maskz_loadu_ps(mask, x), _mm512_set1_ps(inv)),
                      _mm512_set1_ps(QK_INT32_FMAX));
    return _mm512_add_epi32(_mm512_cvtps_epi32(t), _mm512_set1_epi32(zero));
}

void qk_quantize_u8__vnni(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        const __m512i r = _mm512_max_epi32(to_int(x + i, mask, inv, zero), _mm512_setzero_si512());
        _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtusepi32_epi8(r));
    }
}

void qk_quantize_s8__vnni(int8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        _mm_mask_storeu_epi8(out + i, mask, _mm512_cvtsepi32_epi8(to_int(x + i, mask, inv, zero)));
    }
}

INLINE void store_float(float *out, __mmask16 mask, __m512i q, float scale, int32_t zero)
{
    const __m512 d = _mm512_cvtepi32_ps(_mm512_sub_epi32(q, _mm512_set1_epi32(zero)));
    _mm512_mask_storeu_ps(out, mask, _mm512_mul_ps(_mm512_set1_ps(scale), d));
}

void qk_dequantize_u8__vnni(float *out, const uint8_t *q, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        store_float(out + i, mask, _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, q + i)), scale,
                    zero);
    }
}

void qk_dequantize_s8__vnni(float *out, const int8_t *q, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        store_float(out + i, mask, _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, q + i)), scale,
                    zero);
    }
}
