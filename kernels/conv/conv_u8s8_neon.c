/* SPDX-License-Identifier: MIT */
/* NEON: the product and the requantization, one after the other. */
#include "kernels/conv/conv_parts.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/requant/requant.h"

size_t qk_conv_u8s8_scratch__neon(const qk_conv_tile *t)
{
    return qk_conv_parts_scratch(t);
}

void qk_conv_u8s8__neon(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    qk_conv_parts_run(out, ld_out, t, &(qk_conv_parts){qk_gemm_u8s8__neon, qk_requant__neon});
}
