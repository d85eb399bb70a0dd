/* SPDX-License-Identifier: MIT */
/* NEON: the vector formula of eltwise.h on whole blocks; the tail is plain C. */
#include "kernels/eltwise/eltwise.h"

#include "kernels/quantize/quantize_neon.h"

enum { STEP = 8 };

typedef struct side {
    float32x4_t pre;
    float scale;
} side;

static inline float32x4_t dequantized(uint16x4_t q, const side *s)
{
    return vfmaq_n_f32(s->pre, vcvtq_f32_u32(vmovl_u16(q)), s->scale);
}

static inline int32x4_t sum4(uint16x4_t a, uint16x4_t b, const side s[2], const qk_add *p)
{
    float32x4_t y = vaddq_f32(dequantized(a, &s[0]), dequantized(b, &s[1]));
    if (p->relu) /* NaN: 0, as y > 0 ? y : 0 */
        y = vreinterpretq_f32_u32(
            vandq_u32(vcgtq_f32(y, vdupq_n_f32(0)), vreinterpretq_u32_f32(y)));
    return qk_code_neon(vmulq_n_f32(y, p->inv_out), vdupq_n_s32(p->zero_out));
}

void qk_add_u8__neon(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    const side s[2] = {{vdupq_n_f32(p->scale_a * -(float)p->zero_a), p->scale_a},
                       {vdupq_n_f32(p->scale_b * -(float)p->zero_b), p->scale_b}};
    const size_t n_vector = n / QK_ADD_BLOCK * QK_ADD_BLOCK;

    for (size_t i = 0; i < n_vector; i += STEP) {
        const uint16x8_t x = vmovl_u8(vld1_u8(a + i)), y = vmovl_u8(vld1_u8(b + i));
        const int32x4_t lo = sum4(vget_low_u16(x), vget_low_u16(y), s, p);
        const int32x4_t hi = sum4(vget_high_u16(x), vget_high_u16(y), s, p);
        vst1_u8(out + i, vqmovun_s16(qk_pack_neon(lo, hi)));
    }
    qk_add_u8_tail__c(out + n_vector, a + n_vector, b + n_vector, n - n_vector, p);
}
