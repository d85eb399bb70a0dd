/* SPDX-License-Identifier: MIT */
/* NEON: four running extremes, in which a NaN stays. */
#include "kernels/reduce/reduce.h"

#include <arm_neon.h>
#include <math.h>

enum { LANES = 4 };

void qk_minmax_f32__neon(float *lo, float *hi, const float *x, size_t n)
{
    if (n < LANES) {
        qk_minmax_f32__c(lo, hi, x, n);
        return;
    }
    float32x4_t min = vld1q_f32(x), max = min;
    for (size_t i = LANES; i < n; i += LANES) {
        const float32x4_t v = vld1q_f32(x + (n - i >= LANES ? i : n - LANES));
        min = vminq_f32(min, v);
        max = vmaxq_f32(max, v);
    }
    const float least = vminvq_f32(min), most = vmaxvq_f32(max);
    *lo = isnan(least) ? NAN : least + 0.0f;
    *hi = isnan(most) ? NAN : most + 0.0f;
}
