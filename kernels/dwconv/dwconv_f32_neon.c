/* SPDX-License-Identifier: MIT */
/* NEON, channels side by side; the order of taps and the roundings of plain C. */
#include "kernels/dwconv/dwconv.h"

#include <arm_neon.h>

enum { STEP = 4 };

static void block(float *out, const float *const *taps, size_t n_taps, const float *w,
                  const float *bias, size_t n, size_t c)
{
    float32x4_t sum = bias ? vld1q_f32(bias + c) : vdupq_n_f32(0);

    for (size_t t = 0; t < n_taps; t++)
        sum = vaddq_f32(sum, vmulq_f32(vld1q_f32(taps[t] + c), vld1q_f32(w + t * n + c)));
    vst1q_f32(out + c, sum);
}

void qk_dwconv_f32__neon(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n)
{
    size_t c = 0;

    if (n < STEP) {
        qk_dwconv_f32__c(out, taps, n_taps, w, bias, n);
        return;
    }
    for (; n - c >= STEP; c += STEP)
        block(out, taps, n_taps, w, bias, n, c);
    if (c < n) /* the last block once more, overlapping: same channels, same sums */
        block(out, taps, n_taps, w, bias, n, n - STEP);
}
