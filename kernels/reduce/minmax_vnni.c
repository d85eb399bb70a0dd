/* SPDX-License-Identifier: MIT */
/* AVX-512. Four registers of running extremes, because each waits four cycles for the one before.
 * NaN is watched on the side, because vminps drops it; one comparison sees two registers. */
#include "kernels/reduce/reduce.h"

#include <immintrin.h>
#include <math.h>

enum { LANES = 16, CHAINS = 4, STEP = CHAINS * LANES };

typedef struct extremes {
    __m512 min[CHAINS], max[CHAINS];
    __mmask16 bad;
} extremes;

static inline void widen(extremes *e, const float *x)
{
    __m512 v[CHAINS];
    for (int k = 0; k < CHAINS; k++) {
        v[k] = _mm512_loadu_ps(x + k * LANES);
        e->min[k] = _mm512_min_ps(e->min[k], v[k]);
        e->max[k] = _mm512_max_ps(e->max[k], v[k]);
    }
    for (int k = 0; k < CHAINS; k += 2)
        e->bad |= _mm512_cmp_ps_mask(v[k], v[k + 1], _CMP_UNORD_Q);
}

void qk_minmax_f32__vnni(float *lo, float *hi, const float *x, size_t n)
{
    extremes e = {.bad = 0};
    if (n < LANES) {
        qk_minmax_f32__c(lo, hi, x, n);
        return;
    }
    for (int k = 0; k < CHAINS; k++)
        e.min[k] = e.max[k] = _mm512_loadu_ps(x);
    size_t i = 0;
    for (; n - i >= STEP; i += STEP)
        widen(&e, x + i);
    for (; i < n; i += LANES) { /* the last one overlaps */
        const __m512 v = _mm512_loadu_ps(x + (n - i >= LANES ? i : n - LANES));
        e.min[0] = _mm512_min_ps(e.min[0], v);
        e.max[0] = _mm512_max_ps(e.max[0], v);
        e.bad |= _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    }
    for (int k = 1; k < CHAINS; k++) {
        e.min[0] = _mm512_min_ps(e.min[0], e.min[k]);
        e.max[0] = _mm512_max_ps(e.max[0], e.max[k]);
    }
    *lo = e.bad ? NAN : _mm512_reduce_min_ps(e.min[0]) + 0.0f;
    *hi = e.bad ? NAN : _mm512_reduce_max_ps(e.max[0]) + 0.0f;
}
