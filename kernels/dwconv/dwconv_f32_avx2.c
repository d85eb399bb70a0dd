/* SPDX-License-Identifier: MIT */
/* AVX2, channels side by side; the order of taps and the roundings of plain C. */
#include "kernels/dwconv/dwconv.h"

#include <immintrin.h>

enum { STEP = 8 };

static void block(float *out, const float *const *taps, size_t n_taps, const float *w,
                  const float *bias, size_t n, size_t c)
{
    __m256 sum = bias ? _mm256_loadu_ps(bias + c) : _mm256_setzero_ps();

    for (size_t t = 0; t < n_taps; t++)
        sum = _mm256_add_ps(
            sum, _mm256_mul_ps(_mm256_loadu_ps(taps[t] + c), _mm256_loadu_ps(w + t * n + c)));
    _mm256_storeu_ps(out + c, sum);
}

void qk_dwconv_f32__avx2(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n)
{
    size_t c = 0;

    if (n < STEP) {
        qk_dwconv_f32__c(out, taps, n_taps, w, bias, n);
        return;
    }
    for (; n - c >= STEP; c += STEP)
        block(out, taps, n_taps, w, bias, n, c);
    if (c < n) /* the last block once more, overlapping: same channels, same sums */
        block(out, taps, n_taps, w, bias, n, n - STEP);
}
