/* SPDX-License-Identifier: MIT */
/* Pooling, one output position: a pointer per tap of the window that lies inside the input,
 * channels side by side. max_f32: a NaN wins (of several the last, bits kept); of equal values, and
 * -0 equals +0 here, the first. sum_u8: exact, at most 2^23 taps. */
#ifndef QK_POOL_TAPS_H
#define QK_POOL_TAPS_H

#include <stddef.h>
#include <stdint.h>

void qk_max_u8__c(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n);
void qk_max_s8__c(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n);
void qk_max_f32__c(float *out, const float *const *taps, size_t n_taps, size_t n);
void qk_sum_u8__c(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n);

void qk_max_u8__avx2(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n);
void qk_max_s8__avx2(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n);
void qk_max_f32__avx2(float *out, const float *const *taps, size_t n_taps, size_t n);
void qk_sum_u8__avx2(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n);

void qk_max_u8__vnni(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n);
void qk_max_u8__neon(uint8_t *out, const uint8_t *const *taps, size_t n_taps, size_t n);
void qk_max_s8__vnni(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n);
void qk_max_s8__neon(int8_t *out, const int8_t *const *taps, size_t n_taps, size_t n);
void qk_max_f32__vnni(float *out, const float *const *taps, size_t n_taps, size_t n);
void qk_max_f32__neon(float *out, const float *const *taps, size_t n_taps, size_t n);
void qk_sum_u8__vnni(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n);
void qk_sum_u8__neon(int32_t *acc, const uint8_t *const *taps, size_t n_taps, size_t n);

#endif
