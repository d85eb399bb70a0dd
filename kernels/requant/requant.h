/* SPDX-License-Identifier: MIT */
/* Requantization: a 32-bit sum becomes an 8-bit code. struct qk_requant (kernels/types.h) has the
 * formulas; they come from spec sections 4.1 and 4.2.
 *
 *     scheme       x * mult =   2.5   -2.5    1.5   -1.5    ties go
 *     FBGEMM                      2     -2      2     -2    to the even code
 *     QNNPACK                     2     -2      2     -2    to the even code
 *
 * The schemes differ in where the bias is added, not in how they round.
 *
 * The last step: r + zero must not overflow when r is INT32_MIN (rne's answer to NaN and to
 * |x * mult| >= 2^31), so r is clamped to lo - zero .. hi - zero first and zero is added then. That
 * is clamp(r + zero) with the sum in 64 bits, and lo for r = INT32_MIN. QNNPACK's two saturations
 * to 16 bits are inside of it: codes and zero points are within -128..255, so a value that
 * saturates at -32,768 or 32,767 is clamped to lo or hi anyway. */
#ifndef QK_REQUANT_H
#define QK_REQUANT_H

#include "kernels/types.h"

void qk_requant__c(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                   size_t n, const int32_t *row_sum, const qk_requant *rq);
void qk_requant__avx2(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq);
void qk_requant__vnni(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq);
void qk_requant__neon(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq);

/* Columns from..n of one row: what SIMD variants leave over. */
void qk_requant_row__c(uint8_t *out, const int32_t *acc, size_t from, size_t n, int32_t row_sum,
                       const qk_requant *rq);

#endif
