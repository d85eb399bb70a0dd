/* SPDX-License-Identifier: MIT */
/* NEON. A comparison that is false for NaN picks the bound, which is the rule of quantize.h; fcvtns
 * saturates at INT32_MIN; saturating narrowings are the clamp. */
#include "kernels/quantize/quantize.h"

#include "kernels/quantize/quantize_neon.h"

enum { STEP = 16 };

static inline int16x8_t words(const float *x, float inv, int32x4_t zero)
{
    return qk_pack_neon(qk_code_neon(vmulq_n_f32(vld1q_f32(x), inv), zero),
                        qk_code_neon(vmulq_n_f32(vld1q_f32(x + 4), inv), zero));
}

void qk_quantize_u8__neon(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    const int32x4_t zero4 = vdupq_n_s32(zero);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP)
        vst1q_u8(out + i, vcombine_u8(vqmovun_s16(words(x + i, inv, zero4)),
                                      vqmovun_s16(words(x + i + 8, inv, zero4))));
    qk_quantize_u8__c(out + i, x + i, n - i, inv, zero);
}

void qk_quantize_s8__neon(int8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    const int32x4_t zero4 = vdupq_n_s32(zero);
    size_t i = 0;

    for (; n - i >= STEP; i += STEP)
        vst1q_s8(out + i, vcombine_s8(vqmovn_s16(words(x + i, inv, zero4)),
                                      vqmovn_s16(words(x + i + 8, inv, zero4))));
    qk_quantize_s8__c(out + i, x + i, n - i, inv, zero);
}

static inline void store8(float *out, int16x8_t q, float scale, int32x4_t zero)
{
    const int32x4_t lo = vsubq_s32(vmovl_s16(vget_low_s16(q)), zero);
    const int32x4_t hi = vsubq_s32(vmovl_s16(vget_high_s16(q)), zero);
    vst1q_f32(out, vmulq_n_f32(vcvtq_f32_s32(lo), scale));
    vst1q_f32(out + 4, vmulq_n_f32(vcvtq_f32_s32(hi), scale));
}

void qk_dequantize_u8__neon(float *out, const uint8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;

    for (; n - i >= 8; i += 8)
        store8(out + i, vreinterpretq_s16_u16(vmovl_u8(vld1_u8(q + i))), scale, vdupq_n_s32(zero));
    qk_dequantize_u8__c(out + i, q + i, n - i, scale, zero);
}

void qk_dequantize_s8__neon(float *out, const int8_t *q, size_t n, float scale, int32_t zero)
{
    size_t i = 0;

    for (; n - i >= 8; i += 8)
        store8(out + i, vmovl_s8(vld1_s8(q + i)), scale, vdupq_n_s32(zero));
    qk_dequantize_s8__c(out + i, q + i, n - i, scale, zero);
}

static inline float32x4_t wide4(int32x4_t q, double scale, float32x4_t zero)
{
    const float32x4_t d = vsubq_f32(vcvtq_f32_s32(q), zero);
    const float64x2_t lo = vmulq_n_f64(vcvt_f64_f32(vget_low_f32(d)), scale);
    return vcvt_high_f32_f64(vcvt_f32_f64(lo), vmulq_n_f64(vcvt_high_f64_f32(d), scale));
}

static inline void store_wide(float *out, int16x8_t q, double scale, float zero)
{
    vst1q_f32(out, wide4(vmovl_s16(vget_low_s16(q)), scale, vdupq_n_f32(zero)));
    vst1q_f32(out + 4, wide4(vmovl_s16(vget_high_s16(q)), scale, vdupq_n_f32(zero)));
}

void qk_dequantize_wide_u8__neon(float *out, const uint8_t *q, size_t n, double scale, float zero)
{
    size_t i = 0;

    for (; n - i >= 8; i += 8)
        store_wide(out + i, vreinterpretq_s16_u16(vmovl_u8(vld1_u8(q + i))), scale, zero);
    qk_dequantize_wide_u8__c(out + i, q + i, n - i, scale, zero);
}

void qk_dequantize_wide_s8__neon(float *out, const int8_t *q, size_t n, double scale, float zero)
{
    size_t i = 0;

    for (; n - i >= 8; i += 8)
        store_wide(out + i, vmovl_s8(vld1_s8(q + i)), scale, zero);
    qk_dequantize_wide_s8__c(out + i, q + i, n - i, scale, zero);
}
