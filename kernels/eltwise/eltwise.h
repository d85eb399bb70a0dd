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
 *            code = clamp((f32)zero + rne(y * inv), 0, 255)     in float; Q_fbs, NaN gives 0 */
#ifndef QK_ELTWISE_H
#define QK_ELTWISE_H

#include "kernels/types.h"

enum { QK_ADD_BLOCK = 64 };

void qk_add_u8__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__vnni(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8__neon(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p);
void qk_add_u8_fixed__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                        const qk_add_fixed *p);
void qk_add_u8_fixed__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p);
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
