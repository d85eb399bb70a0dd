/* SPDX-License-Identifier: MIT */
/* Floats to codes and back, per tensor (spec section 1).
 *
 * quantize is Q_fb8, with its edges:
 *   t = x * inv                        never x / scale
 *   t = t < 2147483520 ? t : 2147483520    also for NaN
 *   r = rne(t)                         INT32_MIN below -2^31
 *   code = clamp(r + zero, lo, hi)     the sum wraps in int32: +inf and NaN become the largest code
 *                                      for zero <= 127 and the smallest for zero >= 128
 * dequantize is scale * (f32)(q - zero); dequantize_wide, for one channel of several, is
 * (f32)((f64)((f32)q - zero) * scale). */
#ifndef QK_QUANTIZE_H
#define QK_QUANTIZE_H

#include <stddef.h>
#include <stdint.h>

void qk_quantize_u8__c(uint8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_quantize_s8__c(int8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_dequantize_u8__c(float *out, const uint8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_s8__c(float *out, const int8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_wide_u8__c(float *out, const uint8_t *q, size_t n, double scale, float zero);
void qk_dequantize_wide_s8__c(float *out, const int8_t *q, size_t n, double scale, float zero);

void qk_quantize_u8__avx2(uint8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_quantize_s8__avx2(int8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_dequantize_u8__avx2(float *out, const uint8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_s8__avx2(float *out, const int8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_wide_u8__avx2(float *out, const uint8_t *q, size_t n, double scale, float zero);
void qk_dequantize_wide_s8__avx2(float *out, const int8_t *q, size_t n, double scale, float zero);

void qk_quantize_u8__vnni(uint8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_quantize_u8__neon(uint8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_quantize_s8__vnni(int8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_quantize_s8__neon(int8_t *out, const float *x, size_t n, float inv, int32_t zero);
void qk_dequantize_u8__vnni(float *out, const uint8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_u8__neon(float *out, const uint8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_s8__vnni(float *out, const int8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_s8__neon(float *out, const int8_t *q, size_t n, float scale, int32_t zero);
void qk_dequantize_wide_u8__vnni(float *out, const uint8_t *q, size_t n, double scale, float zero);
void qk_dequantize_wide_u8__neon(float *out, const uint8_t *q, size_t n, double scale, float zero);
void qk_dequantize_wide_s8__vnni(float *out, const int8_t *q, size_t n, double scale, float zero);
void qk_dequantize_wide_s8__neon(float *out, const int8_t *q, size_t n, double scale, float zero);

#endif
