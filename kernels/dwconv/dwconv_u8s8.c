/* SPDX-License-Identifier: MIT */
/* Plain C: tap by tap over all channels. */
#include "kernels/dwconv/dwconv.h"

#include <string.h>

void qk_dwconv_u8s8__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                       size_t n)
{
    memset(acc, 0, n * sizeof *acc);
    for (size_t t = 0; t < n_taps; t++, w += n)
        for (size_t c = 0; c < n; c++)
            acc[c] += taps[t][c] * w[c];
}
