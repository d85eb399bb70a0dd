/* SPDX-License-Identifier: MIT */
/* AVX-512 VBMI: one permutation looks 64 bytes up in a quarter of the table by their low six bits,
 * and the high two bits choose among the four answers. Without VBMI no shuffle reaches farther than
 * 16 bytes, and plain C is as fast. */
#include "kernels/eltwise/eltwise.h"

#include <immintrin.h>

enum { STEP = 64 };

typedef struct quarters {
    __m512i at[4];
} quarters;

static inline __m512i look_up(const quarters *t, __m512i x)
{
    const __mmask64 odd = _mm512_movepi8_mask(_mm512_add_epi8(x, x)); /* bit 6 */
    const __mmask64 high = _mm512_movepi8_mask(x);                    /* bit 7 */
    const __m512i lower =
        _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(x, t->at[0]), odd, x, t->at[1]);
    const __m512i upper =
        _mm512_mask_permutexvar_epi8(_mm512_permutexvar_epi8(x, t->at[2]), odd, x, t->at[3]);
    return _mm512_mask_mov_epi8(lower, high, upper);
}

void qk_lut_u8__vbmi(uint8_t *out, const uint8_t *in, size_t n, const uint8_t *table)
{
    quarters t;
    size_t i = 0;
    for (int k = 0; k < 4; k++)
        t.at[k] = _mm512_loadu_si512(table + k * STEP);
    for (; n - i >= STEP; i += STEP)
        _mm512_storeu_si512(out + i, look_up(&t, _mm512_loadu_si512(in + i)));
    if (i < n) {
        const __mmask64 mask = ~0ull >> (STEP - (n - i));
        _mm512_mask_storeu_epi8(out + i, mask, look_up(&t, _mm512_maskz_loadu_epi8(mask, in + i)));
    }
}
