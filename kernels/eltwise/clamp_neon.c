/* SPDX-License-Identifier: MIT */
/* NEON, 16 codes at a time. */
#include "kernels/eltwise/eltwise.h"

#include <arm_neon.h>

enum { STEP = 16 };

void qk_clamp_u8__neon(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi)
{
    size_t i = 0;

    for (; n - i >= STEP; i += STEP)
        vst1q_u8(out + i, vminq_u8(vmaxq_u8(vld1q_u8(in + i), vdupq_n_u8(lo)), vdupq_n_u8(hi)));
    qk_clamp_u8__c(out + i, in + i, n - i, lo, hi);
}

void qk_clamp_s8__neon(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi)
{
    size_t i = 0;

    for (; n - i >= STEP; i += STEP)
        vst1q_s8(out + i, vminq_s8(vmaxq_s8(vld1q_s8(in + i), vdupq_n_s8(lo)), vdupq_n_s8(hi)));
    qk_clamp_s8__c(out + i, in + i, n - i, lo, hi);
}
