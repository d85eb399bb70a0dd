/* SPDX-License-Identifier: MIT */
/* The last steps of quantizing (quantize.h) in NEON, for the kernels that end with it. */
#ifndef QK_QUANTIZE_NEON_H
#define QK_QUANTIZE_NEON_H

#if defined(__aarch64__)
#include "kernels/round.h"

#include <arm_neon.h>

/* t = x * inv to an integer code that is not clamped yet. */
static inline int32x4_t qk_code_neon(float32x4_t t, int32x4_t zero)
{
    const float32x4_t most = vdupq_n_f32(QK_INT32_FMAX);
    return vaddq_s32(vcvtnq_s32_f32(vbslq_f32(vcltq_f32(t, most), t, most)), zero);
}

/* Saturates to 16 bits: clamping to 8 bits afterwards is clamping the whole. */
static inline int16x8_t qk_pack_neon(int32x4_t lo, int32x4_t hi)
{
    return vcombine_s16(vqmovn_s32(lo), vqmovn_s32(hi));
}

#endif /* __aarch64__ */
#endif
