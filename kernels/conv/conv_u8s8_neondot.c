/* SPDX-License-Identifier: MIT */
/* ARMv8.2: the product with sdot, then the requantization. */
#include "kernels/conv/conv_parts.h"
#include "kernels/conv/conv_tile.h"
#include "kernels/requant/requant.h"

void qk_conv_u8s8__neondot(uint8_t *out, size_t ld_out, const qk_conv_tile *t)
{
    qk_conv_parts_run(out, ld_out, t, &(qk_conv_parts){qk_gemm_u8s8__neondot, qk_requant__neon});
}
