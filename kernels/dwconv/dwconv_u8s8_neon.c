/* SPDX-License-Identifier: MIT */
/* NEON, 8 channels at a time: products in 16 bits, where they fit, added to 32-bit sums. */
#include "kernels/dwconv/dwconv.h"

#include <arm_neon.h>

enum { STEP = 8 };

static void block(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                  size_t n, size_t c)
{
    int32x4_t lo = vdupq_n_s32(0), hi = lo;

    for (size_t t = 0; t < n_taps; t++) {
        const int16x8_t a = vreinterpretq_s16_u16(vmovl_u8(vld1_u8(taps[t] + c)));
        const int16x8_t product = vmulq_s16(a, vmovl_s8(vld1_s8(w + t * n + c)));
        lo = vaddw_s16(lo, vget_low_s16(product));
        hi = vaddw_s16(hi, vget_high_s16(product));
    }
    vst1q_s32(acc + c, lo);
    vst1q_s32(acc + c + 4, hi);
}

void qk_dwconv_u8s8__neon(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n)
{
    size_t c = 0;

    if (n < STEP) {
        qk_dwconv_u8s8__c(acc, taps, n_taps, w, n);
        return;
    }
    for (; n - c >= STEP; c += STEP)
        block(acc, taps, n_taps, w, n, c);
    if (c < n) /* the last block once more, overlapping: same channels, same sums */
        block(acc, taps, n_taps, w, n, n - STEP);
}
