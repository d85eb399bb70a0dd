/* SPDX-License-Identifier: MIT */
/* AVX-512: sixteen running extremes. NaN is watched on the side, because vminps drops it. */
#include "kernels/reduce/reduce.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 16 };

void qk_minmax_f32__vnni(float *lo, float *hi, const float *x, size_t n)
{
    if (n < LANES) {
        qk_minmax_f32__c(lo, hi, x, n);
        return;
    }
    __m512 min = _mm512_loadu_ps(x), max = min;
    __mmask16 bad = _mm512_cmp_ps_mask(min, min, _CMP_UNORD_Q);
    for (size_t i = LANES; i < n; i += LANES) {
        const __m512 v = _mm512_loadu_ps(x + (n - i >= LANES ? i : n - LANES));
        min = _mm512_min_ps(min, v);
        max = _mm512_max_ps(max, v);
        bad |= _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    }
    *lo = bad ? NAN : _mm512_reduce_min_ps(min) + 0.0f;
    *hi = bad ? NAN : _mm512_reduce_max_ps(max) + 0.0f;
}
