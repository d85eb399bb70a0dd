/* SPDX-License-Identifier: MIT */
/* QNNPACK's sum of two tensors of codes (spec 5.2) in plain C. */
#include "kernels/eltwise/eltwise.h"

void qk_add_u8_fixed__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                        const qk_add_fixed *p)
{
    const int32_t lo = p->lo - p->zero_out, hi = p->hi - p->zero_out;
    const uint32_t half = 1u << (p->shift - 1);

    for (size_t i = 0; i < n; i++) {
        const int32_t acc = p->a * (a[i] - p->zero_a) + p->b * (b[i] - p->zero_b);
        const int32_t sign = acc >> 31;
        const uint32_t size = (uint32_t)((acc ^ sign) - sign);
        const int32_t r = ((int32_t)((size + half) >> p->shift) ^ sign) - sign;

        out[i] = (uint8_t)((r < lo ? lo : r > hi ? hi : r) + p->zero_out);
    }
}
