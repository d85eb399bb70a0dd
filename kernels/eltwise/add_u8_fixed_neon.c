/* SPDX-License-Identifier: MIT */
/* NEON, 8 codes at a time; what is left over is plain C. A rounding shift takes ties up: a negative
 * sum is made one smaller before. */
#include "kernels/eltwise/eltwise.h"

#include "kernels/quantize/quantize_neon.h"

enum { STEP = 8 };

static inline int32x4_t sum4(uint16x4_t a, uint16x4_t b, const qk_add_fixed *p)
{
    const int32x4_t start = vdupq_n_s32(-(p->a * p->zero_a + p->b * p->zero_b));
    int32x4_t acc = vmlaq_n_s32(start, vreinterpretq_s32_u32(vmovl_u16(a)), p->a);

    acc = vmlaq_n_s32(acc, vreinterpretq_s32_u32(vmovl_u16(b)), p->b);
    return vrshlq_s32(vsraq_n_s32(acc, acc, 31), vdupq_n_s32(-p->shift));
}

void qk_add_u8_fixed__neon(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p)
{
    const uint8x8_t lo = vdup_n_u8((uint8_t)p->lo), hi = vdup_n_u8((uint8_t)p->hi);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP) {
        const uint16x8_t x = vmovl_u8(vld1_u8(a + i)), y = vmovl_u8(vld1_u8(b + i));
        const int16x8_t r = qk_pack_neon(sum4(vget_low_u16(x), vget_low_u16(y), p),
                                         sum4(vget_high_u16(x), vget_high_u16(y), p));
        const uint8x8_t codes = vqmovun_s16(vqaddq_s16(r, vdupq_n_s16((int16_t)p->zero_out)));

        vst1_u8(out + i, vmin_u8(vmax_u8(codes, lo), hi));
    }
    qk_add_u8_fixed__c(out + i, a + i, b + i, n - i, p);
}
