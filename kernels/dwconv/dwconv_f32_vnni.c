/* SPDX-License-Identifier: MIT */
/* AVX-512, channels side by side; the order of taps and the roundings of plain C. */
#include "kernels/dwconv/dwconv.h"

#include <immintrin.h>

enum { STEP = 16 };

void qk_dwconv_f32__vnni(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n)
{
    for (size_t c = 0; c < n; c += STEP) {
        const size_t left = n - c;
        const __mmask16 mask = left >= STEP ? 0xffff : (__mmask16)(0xffffu >> (STEP - left));
        __m512 sum = bias ? _mm512_maskz_loadu_ps(mask, bias + c) : _mm512_setzero_ps();
        for (size_t t = 0; t < n_taps; t++)
            sum = _mm512_add_ps(sum, _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, taps[t] + c),
                                                   _mm512_maskz_loadu_ps(mask, w + t * n + c)));
        _mm512_mask_storeu_ps(out + c, mask, sum);
    }
}
