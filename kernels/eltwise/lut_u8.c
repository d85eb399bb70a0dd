/* SPDX-License-Identifier: MIT */
/* Any function of one code as a table of 256. */
#include "kernels/eltwise/eltwise.h"

void qk_lut_u8__c(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table)
{
    for (size_t i = 0; i < n; i++)
        out[i] = table[in[i]];
}
