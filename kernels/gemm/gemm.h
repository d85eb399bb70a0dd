/* SPDX-License-Identifier: MIT */
/* Matrix products with packed weights. A row of the left matrix is a pointer, so that a convolution
 * hands over patches without copying channels; a column of the right matrix is an output channel.
 *
 * Packed weights are panels of 16 columns, in the order in which the inner loop reads them:
 *
 *   u8s8   panel p, quad q:  c0: k0 k1 k2 k3 | c1: k0 k1 k2 k3 | ... | c15: k0 k1 k2 k3     64
 * bytes c = 16 p + ..., k = 4 q + ...; next quad of the panel follows, then the next panel f32
 * panel p, k:       c0 c1 ... c15                                                  16 floats
 *
 * One quad of a panel is one 512-bit or two 256-bit registers, and four codes of a row are one
 * 32-bit broadcast. What pads n to 16 and k to 4 is zero: an accumulator of the padding is computed
 * and thrown away, and codes behind the end of a row are multiplied by 0.
 *
 * The int8 sums are int32 and wrap; no set of instructions saturates in between (only the member
 * with pairs in its name does, everywhere alike). The first k at
 * which they can wrap at all is 65,794: 65,793 * 255 * 128 = 2,147,483,520 < 2^31. */
#ifndef QK_GEMM_H
#define QK_GEMM_H

#include <stddef.h>
#include <stdint.h>

enum { QK_PANEL = 16, QK_QUAD = 4 };

void qk_gemm_u8s8__c(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                     const int8_t *packed, size_t n, size_t k);
void qk_gemm_u8s8__avx2(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k);
void qk_gemm_u8s8__vnni(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k);
void qk_gemm_u8s8__neon(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                        const int8_t *packed, size_t n, size_t k);
void qk_gemm_u8s8__neondot(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                           const int8_t *packed, size_t n, size_t k);

void qk_gemm_u8s8_pairs__c(int32_t *acc, size_t ld_acc, const uint8_t *const *rows, size_t m,
                           const int8_t *packed, size_t n, size_t k);

void qk_gemm_f32__c(float *out, size_t ld_out, const float *const *rows, size_t m,
                    const float *packed, const float *bias, size_t n, size_t k);
void qk_gemm_f32__avx2(float *out, size_t ld_out, const float *const *rows, size_t m,
                       const float *packed, const float *bias, size_t n, size_t k);
void qk_gemm_f32__vnni(float *out, size_t ld_out, const float *const *rows, size_t m,
                       const float *packed, const float *bias, size_t n, size_t k);
void qk_gemm_f32__neon(float *out, size_t ld_out, const float *const *rows, size_t m,
                       const float *packed, const float *bias, size_t n, size_t k);

#endif
