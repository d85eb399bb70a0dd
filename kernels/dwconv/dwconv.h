/* SPDX-License-Identifier: MIT */
/* Depthwise convolution, one output position: a pointer per tap of the window, channels side by
 * side. Padding is a tap that points at a row of zero points (or of 0.0f). Integer sums are exact;
 * float sums start at the bias and take the taps in order, one multiply and one add each. */
#ifndef QK_DWCONV_H
#define QK_DWCONV_H

#include <stddef.h>
#include <stdint.h>

void qk_dwconv_u8s8__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                       size_t n);
void qk_dwconv_u8s8__avx2(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n);
void qk_dwconv_u8s8__vnni(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n);
void qk_dwconv_u8s8__neon(int32_t *acc, const uint8_t *const *taps, size_t n_taps, const int8_t *w,
                          size_t n);

void qk_dwconv_u8s8_pairs__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps,
                             const int8_t *w, size_t n);

void qk_dwconv_f32__c(float *out, const float *const *taps, size_t n_taps, const float *w,
                      const float *bias, size_t n);
void qk_dwconv_f32__avx2(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n);
void qk_dwconv_f32__vnni(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n);
void qk_dwconv_f32__neon(float *out, const float *const *taps, size_t n_taps, const float *w,
                         const float *bias, size_t n);

#endif
