/* SPDX-License-Identifier: MIT */
/* Sum of two tensors of codes in plain C: both formulas of eltwise.h. */
#include "kernels/eltwise/eltwise.h"

#include "kernels/quantize/quantize.h"

#include <math.h>

/* The integer next to a finite float, ties to even; what does not fit in 2^22 has no fraction that
 * matters to a code, since 2^22 is clamped like any larger value. */
static float round_even(float x)
{
    const float magic = 12582912.0f; /* 1.5 * 2^23 */
    return fabsf(x) < 4194304.0f ? (x + magic) - magic : x;
}

void qk_add_u8_tail__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    for (size_t i = 0; i < n; i++) {
        const float da = p->scale_a * (float)(a[i] - p->zero_a);
        const float db = p->scale_b * (float)(b[i] - p->zero_b);
        float y = da + db;
        if (p->relu)
            y = y > 0.0f ? y : 0.0f;
        const float code = (float)p->zero_out + round_even(y * p->inv_out);
        out[i] = code >= 255.0f ? 255 : code > 0.0f ? (uint8_t)code : 0;
    }
}

static void add_block(uint8_t *out, const uint8_t *a, const uint8_t *b, const qk_add *p)
{
    const float pre_a = p->scale_a * -(float)p->zero_a, pre_b = p->scale_b * -(float)p->zero_b;
    float y[QK_ADD_BLOCK];

    for (int i = 0; i < QK_ADD_BLOCK; i++) {
        y[i] = fmaf(p->scale_a, (float)a[i], pre_a) + fmaf(p->scale_b, (float)b[i], pre_b);
        if (p->relu)
            y[i] = y[i] > 0.0f ? y[i] : 0.0f;
    }
    qk_quantize_u8__c(out, y, QK_ADD_BLOCK, p->inv_out, p->zero_out);
}

void qk_add_u8__c(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n, const qk_add *p)
{
    size_t i = 0;
    for (; n - i >= QK_ADD_BLOCK; i += QK_ADD_BLOCK)
        add_block(out + i, a + i, b + i, p);
    qk_add_u8_tail__c(out + i, a + i, b + i, n - i, p);
}
