/* SPDX-License-Identifier: MIT */
/* AVX2, by the compiler. */
#include "kernels/eltwise/add_fixed.h"
#include "kernels/eltwise/eltwise.h"

void qk_add_u8_fixed__avx2(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t n,
                           const qk_add_fixed *p)
{
    qk_add_fixed_run(out, a, b, n, p);
}
