/* SPDX-License-Identifier: MIT */
/* AVX-512. */
#include "kernels/reduce/reduce.h"

#include <immintrin.h>

enum { LANES = 16 };

void qk_bin_f32__vnni(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins)
{
    const __m512 l = _mm512_set1_ps(lo), h = _mm512_set1_ps(hi), width = _mm512_set1_ps(hi - lo);
    const __m512 f_bins = _mm512_set1_ps((float)bins), end = _mm512_set1_ps((float)bins + 1);
    const __m512i last = _mm512_set1_epi32(bins - 1), none = _mm512_set1_epi32(bins);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m512 v = _mm512_loadu_ps(x + i);
        const __m512 pos = _mm512_div_ps(_mm512_mul_ps(_mm512_sub_ps(v, l), f_bins), width);
        const __mmask16 in = _mm512_cmp_ps_mask(v, l, _CMP_GE_OQ) &
                             _mm512_cmp_ps_mask(v, h, _CMP_LE_OQ) &
                             _mm512_cmp_ps_mask(pos, end, _CMP_LT_OQ);
        const __m512i bin = _mm512_min_epi32(_mm512_cvttps_epi32(pos), last);
        _mm512_storeu_si512(at + i, _mm512_mask_blend_epi32(in, none, bin));
    }
    qk_bin_f32__c(at + i, x + i, n - i, lo, hi, bins);
}
