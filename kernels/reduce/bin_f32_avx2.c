/* SPDX-License-Identifier: MIT */
/* AVX2. Numbers outside are all ones in no comparison and get the bin behind the last. */
#include "kernels/reduce/reduce.h"

#include <immintrin.h>

enum { LANES = 8 };

void qk_bin_f32__avx2(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins)
{
    const __m256 l = _mm256_set1_ps(lo), h = _mm256_set1_ps(hi), width = _mm256_set1_ps(hi - lo);
    const __m256 f_bins = _mm256_set1_ps((float)bins), end = _mm256_set1_ps((float)bins + 1);
    const __m256i last = _mm256_set1_epi32(bins - 1), none = _mm256_set1_epi32(bins);
    size_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        const __m256 v = _mm256_loadu_ps(x + i);
        const __m256 pos = _mm256_div_ps(_mm256_mul_ps(_mm256_sub_ps(v, l), f_bins), width);
        const __m256 in = _mm256_and_ps(
            _mm256_and_ps(_mm256_cmp_ps(v, l, _CMP_GE_OQ), _mm256_cmp_ps(v, h, _CMP_LE_OQ)),
            _mm256_cmp_ps(pos, end, _CMP_LT_OQ));
        const __m256i bin = _mm256_min_epi32(_mm256_cvttps_epi32(pos), last);
        _mm256_storeu_si256((__m256i *)(at + i),
                            _mm256_blendv_epi8(none, bin, _mm256_castps_si256(in)));
    }
    qk_bin_f32__c(at + i, x + i, n - i, lo, hi, bins);
}
