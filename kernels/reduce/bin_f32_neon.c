/* SPDX-License-Identifier: MIT */
/* NEON. Conversions saturate, so what lies outside is any number until it is replaced. */
#include "kernels/reduce/reduce.h"

#include <arm_neon.h>

enum { LANES = 4 };

void qk_bin_f32__neon(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins)
{
    const float32x4_t l = vdupq_n_f32(lo), h = vdupq_n_f32(hi), width = vdupq_n_f32(hi - lo);
    const float32x4_t end = vdupq_n_f32((float)bins + 1);
    const int32x4_t last = vdupq_n_s32(bins - 1), none = vdupq_n_s32(bins);
    size_t i = 0;
    for (; n - i >= LANES; i += LANES) {
        const float32x4_t v = vld1q_f32(x + i);
        const float32x4_t pos = vdivq_f32(vmulq_n_f32(vsubq_f32(v, l), (float)bins), width);
        const uint32x4_t in =
            vandq_u32(vandq_u32(vcgeq_f32(v, l), vcleq_f32(v, h)), vcltq_f32(pos, end));
        vst1q_s32(at + i, vbslq_s32(in, vminq_s32(vcvtq_s32_f32(pos), last), none));
    }
    qk_bin_f32__c(at + i, x + i, n - i, lo, hi, bins);
}
