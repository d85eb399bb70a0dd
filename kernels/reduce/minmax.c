/* SPDX-License-Identifier: MIT */
/* Plain C. */
#include "kernels/reduce/reduce.h"

#include <assert.h>
#include <math.h>

void qk_minmax_f32__c(float *lo, float *hi, const float *x, size_t n)
{
    float min = x[0], max = x[0];
    int has_nan = 0;

    assert(n > 0);
    for (size_t i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
        has_nan |= x[i] != x[i];
    }
    *lo = has_nan ? NAN : min + 0.0f;
    *hi = has_nan ? NAN : max + 0.0f;
}
