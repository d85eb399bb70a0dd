/* SPDX-License-Identifier: MIT */
/* Plain C. */
#include "kernels/reduce/reduce.h"

void qk_bin_f32__c(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins)
{
    const float width = hi - lo, f_bins = (float)bins;
    for (size_t i = 0; i < n; i++) {
        const float pos = (x[i] - lo) * f_bins / width; /* NaN when the width overflows */
        const int in = x[i] >= lo && x[i] <= hi && pos < f_bins + 1;
        const int32_t bin = in ? (int32_t)pos : bins;
        at[i] = in && bin > bins - 1 ? bins - 1 : bin;
    }
}
