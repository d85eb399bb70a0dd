/* SPDX-License-Identifier: MIT */
/* Plain C: tap by tap over all channels. */
#include "kernels/dwconv/dwconv.h"

#include <string.h>

void qk_dwconv_f32__c(float *out, const float *const *taps, size_t n_taps, const float *w,
                      const float *bias, size_t n)
{
    if (bias)
        memcpy(out, bias, n * sizeof *out);
    else
        memset(out, 0, n * sizeof *out);
    for (size_t t = 0; t < n_taps; t++, w += n)
        for (size_t c = 0; c < n; c++)
            out[c] += taps[t][c] * w[c];
}
