/* SPDX-License-Identifier: MIT */
/* Plain C: two taps at a time over all channels, their sum limited to 16 bits. */
#include "kernels/dwconv/dwconv.h"

#include <string.h>

void qk_dwconv_u8s8_pairs__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps,
                             const int8_t *w, size_t n)
{
    memset(acc, 0, n * sizeof *acc);
    for (size_t t = 0; t + 1 < n_taps; t += 2)
        for (size_t c = 0; c < n; c++) {
            const int32_t sum = taps[t][c] * w[t * n + c] + taps[t + 1][c] * w[(t + 1) * n + c];
            acc[c] += sum < INT16_MIN ? INT16_MIN : sum > INT16_MAX ? INT16_MAX : sum;
        }
    /* One product alone fits into 16 bits. */
    for (size_t c = 0; n_taps % 2 && c < n; c++)
        acc[c] += taps[n_taps - 1][c] * w[(n_taps - 1) * n + c];
}
