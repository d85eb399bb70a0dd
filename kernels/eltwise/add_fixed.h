/* SPDX-License-Identifier: MIT */
/* QNNPACK's sum of two tensors of codes (spec 5.2), written once and compiled for each instruction
 * set: blocks of constant length in 32 bits, which every compiler turns into vectors.
 *
 *     acc  = a (q_a - zero_a) + b (q_b - zero_b)      |acc| < 2^31, since a, b <= 2^22
 *     code = clamp(round(acc / 2^shift) + zero_out)   ties away from zero */
#ifndef QK_ADD_FIXED_H
#define QK_ADD_FIXED_H

#include "kernels/types.h"

#include <string.h>

enum { QK_FIXED_BLOCK = 64 };

static inline __attribute__((always_inline)) void qk_add_fixed_block(uint8_t *restrict out,
                                                                     const uint8_t *restrict a,
                                                                     const uint8_t *restrict b,
                                                                     const qk_add_fixed *p)
{
    const int32_t lo = p->lo - p->zero_out, hi = p->hi - p->zero_out, zero = p->zero_out;
    const uint32_t half = 1u << (p->shift - 1);

    for (int i = 0; i < QK_FIXED_BLOCK; i++) {
        const int32_t acc = p->a * (a[i] - p->zero_a) + p->b * (b[i] - p->zero_b);
        const int32_t sign = acc >> 31;
        const uint32_t size = (uint32_t)((acc ^ sign) - sign);
        const int32_t r = ((int32_t)((size + half) >> p->shift) ^ sign) - sign;
        const int32_t above = r < lo ? lo : r;
        out[i] = (uint8_t)((above > hi ? hi : above) + zero);
    }
}

/* out may be a or b: a block is written when it was made. */
static inline __attribute__((always_inline)) void qk_add_fixed_run(uint8_t *out, const uint8_t *a,
                                                                   const uint8_t *b, size_t n,
                                                                   const qk_add_fixed *given)
{
    const qk_add_fixed p = *given;
    uint8_t x[QK_FIXED_BLOCK] = {0}, y[QK_FIXED_BLOCK] = {0}, z[QK_FIXED_BLOCK];
    size_t i = 0;

    for (; n - i >= QK_FIXED_BLOCK; i += QK_FIXED_BLOCK) {
        qk_add_fixed_block(z, a + i, b + i, &p);
        memcpy(out + i, z, sizeof z);
    }
    memcpy(x, a + i, n - i);
    memcpy(y, b + i, n - i);
    qk_add_fixed_block(z, x, y, &p);
    memcpy(out + i, z, n - i);
}

#endif
