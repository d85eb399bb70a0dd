/* SPDX-License-Identifier: MIT */
/* The rounding every kernel shares, inline for the plain C loops. Everything else calls qk_rne().
 */
#ifndef QK_ROUND_H
#define QK_ROUND_H

#include <stdint.h>

/* 1.5 * 2^52: a double of this size has no bits below 1, so adding it rounds to the nearest
 * integer, ties to even; subtracting it again is exact. A float converts to double exactly. */
#define QK_RNE_MAGIC 6755399441055744.0

/* The largest float below 2^31. */
#define QK_INT32_FMAX 2147483520.0f

static inline int32_t qk_rne_inline(float x)
{
    if (!(x >= -2147483648.0f && x <= QK_INT32_FMAX))
        return INT32_MIN;
    return (int32_t)(((double)x + QK_RNE_MAGIC) - QK_RNE_MAGIC);
}

/* The integer sum in two's complement, with wrap. */
static inline int32_t qk_add_wrap(int32_t x, int32_t y)
{
    return (int32_t)((uint32_t)x + (uint32_t)y);
}

static inline int32_t qk_clamp_i32(int32_t v, int32_t lo, int32_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

#endif
