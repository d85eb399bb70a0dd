/* SPDX-License-Identifier: MIT */
/* The int8 loop is what the base architecture has: products to 16 bits, added in pairs to 32. The
 * assembler is volatile because every round does the same. */
#include "kernels/peak/peak.h"

#include <arm_neon.h>

void qk_peak_f32__neon(size_t rounds)
{
    float32x4_t c[16];
    const float32x4_t a = vdupq_n_f32(0.5f);

#pragma GCC unroll 16
    for (int i = 0; i < 16; i++)
        c[i] = vdupq_n_f32(0);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 16
        for (int i = 0; i < 16; i++)
            __asm__ volatile("fmla %0.4s, %1.4s, %1.4s" : "+w"(c[i]) : "w"(a));
}

void qk_peak_u8s8__neon(size_t rounds)
{
    int32x4_t c[8];
    const int8x8_t a = vdup_n_s8(1);

#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        c[i] = vdupq_n_s32(0);
    for (size_t r = 0; r < rounds; r++)
#pragma GCC unroll 8
        for (int i = 0; i < 8; i++) {
            int16x8_t t;
            __asm__ volatile("smull %1.8h, %2.8b, %2.8b\n\tsadalp %0.4s, %1.8h"
                             : "+w"(c[i]), "=&w"(t)
                             : "w"(a));
        }
}
