/* SPDX-License-Identifier: MIT */
/* AVX2: eight running extremes. NaN is watched on the side, because vminps drops it. */
#include "kernels/reduce/reduce.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 8 };

void qk_minmax_f32__avx2(float *lo, float *hi, const float *x, size_t n)
{
    if (n < LANES) {
        qk_minmax_f32__c(lo, hi, x, n);
        return;
    }
    __m256 min = _mm256_loadu_ps(x), max = min;
    __m256 bad = _mm256_cmp_ps(min, min, _CMP_UNORD_Q);
    for (size_t i = LANES; i < n; i += LANES) {
        const __m256 v = _mm256_loadu_ps(x + (n - i >= LANES ? i : n - LANES));
        min = _mm256_min_ps(min, v);
        max = _mm256_max_ps(max, v);
        bad = _mm256_or_ps(bad, _mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    }
    if (_mm256_movemask_ps(bad)) {
        *lo = *hi = NAN;
        return;
    }
    float each[2 * LANES], unused;
    _mm256_storeu_ps(each, min);
    _mm256_storeu_ps(each + LANES, max);
    qk_minmax_f32__c(lo, &unused, each, LANES);
    qk_minmax_f32__c(&unused, hi, each + LANES, LANES);
}
