/* SPDX-License-Identifier: MIT */
/* NEON: one look-up reaches 64 entries and gives 0, or leaves the byte alone, for an index behind
 * them; so each quarter of the table is asked with the codes less its first. */
#include "kernels/eltwise/eltwise.h"

#include <arm_neon.h>

enum { STEP = 16, QUARTER = 64 };

static inline uint8x16x4_t quarter(const uint8_t *table)
{
    const uint8x16x4_t t = {{vld1q_u8(table), vld1q_u8(table + STEP), vld1q_u8(table + 2 * STEP),
                             vld1q_u8(table + 3 * STEP)}};
    return t;
}

void qk_lut_u8__neon(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table)
{
    const uint8x16x4_t a = quarter(table), b = quarter(table + QUARTER);
    const uint8x16x4_t c = quarter(table + 2 * QUARTER), d = quarter(table + 3 * QUARTER);
    const uint8x16_t next = vdupq_n_u8(QUARTER);
    size_t i = 0;
    for (; n - i >= STEP; i += STEP) {
        uint8x16_t x = vld1q_u8(in + i), y = vqtbl4q_u8(a, x);
        y = vqtbx4q_u8(y, b, x = vsubq_u8(x, next));
        y = vqtbx4q_u8(y, c, x = vsubq_u8(x, next));
        vst1q_u8(out + i, vqtbx4q_u8(y, d, vsubq_u8(x, next)));
    }
    qk_lut_u8__c(out + i, in + i, n - i, table);
}
