/* SPDX-License-Identifier: MIT */
/* NEON, blocks of channels; the last block overlaps the one before: same channels, same results. */
#include "kernels/pool/pool_taps.h"

#include <arm_neon.h>

enum { CODES = 16, FLOATS = 4, SUMS = 8 };

static void max_u8(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t c)
{
    uint8x16_t v = vld1q_u8(taps[0] + c);
    for (size_t t = 1; t < n_taps; t++)
        v = vmaxq_u8(v, vld1q_u8(taps[t] + c));
    vst1q_u8(out + c, v);
}

static void max_s8(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t c)
{
    int8x16_t v = vld1q_s8(taps[0] + c);
    for (size_t t = 1; t < n_taps; t++)
        v = vmaxq_s8(v, vld1q_s8(taps[t] + c));
    vst1q_s8(out + c, v);
}

/* fmax orders zeros and makes NaNs of its own; the comparison of plain C does neither. */
static void max_f32(float *out, const float *const *taps, size_t n_taps, size_t c)
{
    float32x4_t best = vld1q_f32(taps[0] + c);
    for (size_t t = 1; t < n_taps; t++) {
        const float32x4_t v = vld1q_f32(taps[t] + c);
        best = vbslq_f32(vorrq_u32(vcgtq_f32(v, best), vmvnq_u32(vceqq_f32(v, v))), v, best);
    }
    vst1q_f32(out + c, best);
}

static void sum_u8(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t c)
{
    uint32x4_t lo = vdupq_n_u32(0), hi = lo;
    for (size_t t = 0; t < n_taps; t++) {
        const uint16x8_t v = vmovl_u8(vld1_u8(taps[t] + c));
        lo = vaddw_u16(lo, vget_low_u16(v));
        hi = vaddw_u16(hi, vget_high_u16(v));
    }
    vst1q_s32(acc + c, vreinterpretq_s32_u32(lo));
    vst1q_s32(acc + c + 4, vreinterpretq_s32_u32(hi));
}

void qk_max_u8__neon(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    if (n < CODES)
        qk_max_u8__c(out, taps, n_taps, n);
    else
        for (size_t c = 0; c < n; c += CODES)
            max_u8(out, taps, n_taps, n - c >= CODES ? c : n - CODES);
}

void qk_max_s8__neon(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n)
{
    if (n < CODES)
        qk_max_s8__c(out, taps, n_taps, n);
    else
        for (size_t c = 0; c < n; c += CODES)
            max_s8(out, taps, n_taps, n - c >= CODES ? c : n - CODES);
}

void qk_max_f32__neon(float *out, const float *const *taps, size_t n_taps, size_t n)
{
    if (n < FLOATS)
        qk_max_f32__c(out, taps, n_taps, n);
    else
        for (size_t c = 0; c < n; c += FLOATS)
            max_f32(out, taps, n_taps, n - c >= FLOATS ? c : n - FLOATS);
}

void qk_sum_u8__neon(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n)
{
    if (n < SUMS)
        qk_sum_u8__c(acc, taps, n_taps, n);
    else
        for (size_t c = 0; c < n; c += SUMS)
            sum_u8(acc, taps, n_taps, n - c >= SUMS ? c : n - SUMS);
}
