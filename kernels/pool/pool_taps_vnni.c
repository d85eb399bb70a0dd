/* SPDX-License-Identifier: MIT */
/* AVX-512: channels side by side, the taps of one block of channels in registers; masks for the
 * rest. */
#include "kernels/pool/pool_taps.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { BYTES = 64, WORDS = 16 };

INLINE __mmask64 mask64(size_t left)
{
    return ~(__mmask64)0 >> (left >= BYTES ? 0 : BYTES - left);
}

INLINE __mmask16 mask16(size_t left)
{
    return (__mmask16)(0xffffu >> (left >= WORDS ? 0 : WORDS - left));
}

void qk_max_u8__vnni(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    for (size_t c = 0; c < n; c += BYTES) {
        const __mmask64 mask = mask64(n - c);
        __m512i m = _mm512_maskz_loadu_epi8(mask, taps[0] + c);
        for (size_t t = 1; t < n_taps; t++)
            m = _mm512_max_epu8(m, _mm512_maskz_loadu_epi8(mask, taps[t] + c));
        _mm512_mask_storeu_epi8(out + c, mask, m);
    }
}

void qk_max_s8__vnni(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n)
{
    for (size_t c = 0; c < n; c += BYTES) {
        const __mmask64 mask = mask64(n - c);
        __m512i m = _mm512_maskz_loadu_epi8(mask, taps[0] + c);
        for (size_t t = 1; t < n_taps; t++)
            m = _mm512_max_epi8(m, _mm512_maskz_loadu_epi8(mask, taps[t] + c));
        _mm512_mask_storeu_epi8(out + c, mask, m);
    }
}

void qk_max_f32__vnni(float *out, const float *const *taps, size_t n_taps, size_t n)
{
    for (size_t c = 0; c < n; c += WORDS) {
        const __mmask16 mask = mask16(n - c);
        __m512 m = _mm512_maskz_loadu_ps(mask, taps[0] + c);
        for (size_t t = 1; t < n_taps; t++) {
            const __m512 v = _mm512_maskz_loadu_ps(mask, taps[t] + c);
            const __mmask16 take =
                _mm512_cmp_ps_mask(v, m, _CMP_GT_OQ) | _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
            m = _mm512_mask_mov_ps(m, take, v);
        }
        _mm512_mask_storeu_ps(out + c, mask, m);
    }
}

void qk_sum_u8__vnni(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    for (size_t c = 0; c < n; c += WORDS) {
        const __mmask16 mask = mask16(n - c);
        __m512i sum = _mm512_setzero_si512();
        for (size_t t = 0; t < n_taps; t++)
            sum = _mm512_add_epi32(sum,
                                   _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, taps[t] + c)));
        _mm512_mask_storeu_epi32(acc + c, mask, sum);
    }
}
