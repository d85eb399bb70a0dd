/* SPDX-License-Identifier: MIT */
/* relu and clip on codes. */
#include "kernels/eltwise/eltwise.h"

void qk_clamp_u8__c(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t v = in[i] > lo ? in[i] : lo;
        out[i] = v < hi ? v : hi;
    }
}

void qk_clamp_s8__c(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi)
{
    for (size_t i = 0; i < n; i++) {
        const int8_t v = in[i] > lo ? in[i] : lo;
        out[i] = v < hi ? v : hi;
    }
}
