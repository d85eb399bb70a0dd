/* SPDX-License-Identifier: MIT */
/* Codes in, codes out, element by element.
 *
 * add_u8 (spec 5.2, "add"): a run is cut into blocks of QK_ADD_BLOCK; blocks take the vector
 * formula, what is left over the scalar one. Both exist in every variant, in plain C too, because
 * they are two different functions: they differ in single codes where a sum falls near a tie.
 *
 *   vector   d = fma(s, (f32)q, s * -(f32)z)     for a and b
 *            y = da + db, relu: max(y, 0)
 *            code = Q_fb8(y)                     kernels/quantize/quantize.h
 *   scalar   d = s * (f32)(q - z)                for a and b
 *            y = da + db, relu: max(y, 0)
 *            code = clamp((f32)zero + rne(y * inv), 0, 255)     in float; Q_fbs, NaN gives 0
 *
 * add_u8_fixed (spec 5.2), element by element, in 32 bits:
 *
 *     acc  = a (q_a - zero_a) + b (q_b - zero_b)      |acc| < 2^31, since a, b <= 2^22
 *     code = clamp(round(acc / 2^shift) + zero_out)   ties away from zero
 *
 * What makes it cheap in vectors:
 *   - x86 multiplies pairs of 16-bit words twice as fast as words of 32 bits, and adds the two
 *     products: (q_a, q_b) times the low QK_FIXED_LOW bits of (a, b), and times what is above them.
 *   - With t = acc - (acc < 0), ties away from zero are round(acc / 2^shift) =
 *     floor((t + 2^(shift - 1)) / 2^shift) = floor((floor(t / 2^(shift - 1)) + 1) / 2). Behind the
 *     inner floor 16 bits are enough: what saturates there is clamped to lo or hi anyway. */
#ifndef QK_ELTWISE_H
#define QK_ELTWISE_H

#include "kernels/types.h"

#include <math.h>

enum { QK_ADD_BLOCK = 64, QK_FIXED_LOW = 15 };

void qk_add_u8__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__vnni(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__neon(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8_fixed__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                        const qk_add_fixed *p);
void qk_add_u8_fixed__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p);
void qk_add_u8_fixed__vnni(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p);
void qk_add_u8_fixed__neon(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p);

/* Two 16-bit words, that of a first: what is above the low bits of the multipliers, and the low
 * bits. */
static inline int32_t qk_add_fixed_high(const qk_add_fixed *p)
{
    return p->a >> QK_FIXED_LOW | p->b >> QK_FIXED_LOW << 16;
}

static inline int32_t qk_add_fixed_low(const qk_add_fixed *p)
{
    const int32_t low = (1 << QK_FIXED_LOW) - 1;
    return (p->a & low) | (p->b & low) << 16;
}

/* Every sum is so small that neither saturation nor the limit of int32 can tell: then codes are
 * packed with saturation, and relu is a smallest code. */
static inline bool qk_add_is_tame(const qk_add *p)
{
    const float most = 512.0f * (fabsf(p->scale_a) + fabsf(p->scale_b)) * p->inv_out;

    return most < 0x1p30f && p->inv_out > 0.0f && p->zero_out >= 0 && p->zero_out <= 255;
}

/* The scalar formula alone: the tail of every variant. */
void qk_add_u8_tail__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);

void qk_lut_u8__c(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table);
void qk_lut_u8__vbmi(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table);
void qk_lut_u8__neon(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table);

void qk_clamp_u8__c(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi);
void qk_clamp_s8__c(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi);
void qk_clamp_u8__avx2(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi);
void qk_clamp_u8__neon(uint8_t *out, const uint8_t *in, size_t n, uint8_t lo, uint8_t hi);
void qk_clamp_s8__avx2(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi);
void qk_clamp_s8__neon(int8_t *out, const int8_t *in, size_t n, int8_t lo, int8_t hi);

#endif
