/* SPDX-License-Identifier: MIT */
/* NEON, 8 columns at a time; each step of requant.c has its instruction, but for the out-of-range:
 * fcvtns saturates and makes 0 of NaN, so those lanes are replaced by INT32_MIN. */
#include "kernels/requant/requant.h"

#include "kernels/round.h"

#include <arm_neon.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 8 };

INLINE int32x4_t rne4(float32x4_t x)
{
    const uint32x4_t fits = vandq_u32(vcgeq_f32(x, vdupq_n_f32(-2147483648.0f)),
                                      vcleq_f32(x, vdupq_n_f32(QK_INT32_FMAX)));
    return vbslq_s32(fits, vcvtnq_s32_f32(x), vdupq_n_s32(INT32_MIN));
}

INLINE int32x4_t codes4(const int32_t *acc, size_t j, int32_t row_sum, const qk_requant *rq)
{
    int32x4_t t = vaddq_s32(vld1q_s32(acc + j), vld1q_s32(rq->offset + j));
    if (rq->zero_w)
        t = vmlsq_s32(t, vld1q_s32(rq->zero_w + j), vdupq_n_s32(row_sum));
    float32x4_t x = vcvtq_f32_s32(t);
    if (rq->bias) {
        const float32x4_t bias = vld1q_f32(rq->bias + j);
        x = rq->prescaled ? vaddq_f32(x, bias) : vfmaq_f32(x, bias, vdupq_n_f32(rq->rcp));
    }
    const float32x4_t mult = rq->per_channel ? vld1q_f32(rq->mult + j) : vdupq_n_f32(rq->mult[0]);
    int32x4_t r = rne4(vmulq_f32(x, mult));
    r = vmaxq_s32(r, vdupq_n_s32(rq->lo - rq->zero));
    r = vminq_s32(r, vdupq_n_s32(rq->hi - rq->zero));
    return vaddq_s32(r, vdupq_n_s32(rq->zero));
}

void qk_requant__neon(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq)
{
    for (size_t i = 0; i < m; i++, out += ld_out, acc += ld_acc) {
        const int32_t sum = rq->zero_w ? row_sum[i] : 0;
        size_t j = 0;
        for (; n - j >= STEP; j += STEP) {
            const int16x4_t lo = vmovn_s32(codes4(acc, j, sum, rq));
            const int16x4_t hi = vmovn_s32(codes4(acc, j + 4, sum, rq));
            vst1_u8(out + j, vreinterpret_u8_s8(vmovn_s16(vcombine_s16(lo, hi))));
        }
        qk_requant_row__c(out, acc, j, n, sum, rq);
    }
}
