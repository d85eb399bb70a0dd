/* SPDX-License-Identifier: MIT */
/* Convolution tiles: from codes to codes without a sum in memory. A tile is m output positions
 * times n output channels; the left matrix is given by pointers, one for each tap of each position,
 * so that windows need no copy (kernels/types.h, qk_conv_tile). Sums start at rq->offset, run in
 * the registers over all taps, and are requantized there.
 *
 * Two facts let all schemes share one formula, bit for bit:
 *   - prescaled bias: x + b = fma(b, 1, x); no bias: x = fma(0, 1, x), for x is never -0.
 *   - codes are unsigned here, so sat16(sat16(r) + zero) packed with saturation to 0..255 and
 *     clamped to lo..hi is clamp(r + zero, lo, hi) for every int32 r, INT32_MIN included. */
#ifndef QK_CONV_TILE_H
#define QK_CONV_TILE_H

#include "kernels/types.h"

void qk_conv_u8s8__c(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
void qk_conv_u8s8__avx2(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
void qk_conv_u8s8__vnni(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
void qk_conv_u8s8__amx(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
void qk_conv_u8s8__neon(uint8_t *out, size_t ld_out, const qk_conv_tile *t);
void qk_conv_u8s8__neondot(uint8_t *out, size_t ld_out, const qk_conv_tile *t);

size_t qk_conv_notes__c(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                        size_t tap_k);
size_t qk_conv_notes__avx2(int32_t *notes, const int8_t *packed, size_t n_panels, size_t n_taps,
                           size_t tap_k);

size_t qk_conv_u8s8_even__c(void);
size_t qk_conv_u8s8_even__amx(void);

size_t qk_conv_u8s8_scratch__c(const qk_conv_tile *t);
size_t qk_conv_u8s8_scratch__avx2(const qk_conv_tile *t);
size_t qk_conv_u8s8_scratch__amx(const qk_conv_tile *t);
size_t qk_conv_u8s8_scratch__neon(const qk_conv_tile *t);

#endif
