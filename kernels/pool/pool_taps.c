/* SPDX-License-Identifier: MIT */
/* Plain C: tap by tap over all channels. */
#include "kernels/pool/pool_taps.h"

#include <assert.h>
#include <string.h>

void qk_max_u8__c(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    assert(n_taps > 0);
    memcpy(out, taps[0], n);
    for (size_t t = 1; t < n_taps; t++)
        for (size_t c = 0; c < n; c++)
            out[c] = taps[t][c] > out[c] ? taps[t][c] : out[c];
}

void qk_max_s8__c(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n)
{
    assert(n_taps > 0);
    memcpy(out, taps[0], n);
    for (size_t t = 1; t < n_taps; t++)
        for (size_t c = 0; c < n; c++)
            out[c] = taps[t][c] > out[c] ? taps[t][c] : out[c];
}

void qk_max_f32__c(float *out, const float *const *taps, size_t n_taps, size_t n)
{
    assert(n_taps > 0);
    memcpy(out, taps[0], n * sizeof *out);
    for (size_t t = 1; t < n_taps; t++)
        for (size_t c = 0; c < n; c++) {
            const float v = taps[t][c];
            out[c] = v > out[c] || v != v ? v : out[c];
        }
}

void qk_sum_u8__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    assert(n_taps > 0);
    memset(acc, 0, n * sizeof *acc);
    for (size_t t = 0; t < n_taps; t++)
        for (size_t c = 0; c < n; c++)
            acc[c] += taps[t][c];
}
