/* SPDX-License-Identifier: MIT */
/* AVX-512, 16 columns at a time; each step of requant.c has its instruction. */
#include "kernels/requant/requant.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16 };

INLINE __m512i codes16(const int32_t *acc, size_t j, __mmask16 mask, __m512i row_sum,
                       const qk_requant *rq)
{
    __m512i t = _mm512_add_epi32(_mm512_maskz_loadu_epi32(mask, acc + j),
                                 _mm512_maskz_loadu_epi32(mask, rq->offset + j));
    if (rq->zero_w) {
        const __m512i zero_w = _mm512_maskz_loadu_epi32(mask, rq->zero_w + j);
        t = _mm512_sub_epi32(t, _mm512_mullo_epi32(zero_w, row_sum));
    }
    __m512 x = _mm512_cvtepi32_ps(t);
    if (rq->bias) {
        const __m512 bias = _mm512_maskz_loadu_ps(mask, rq->bias + j);
        x = rq->prescaled ? _mm512_add_ps(x, bias)
                          : _mm512_fmadd_ps(bias, _mm512_set1_ps(rq->rcp), x);
    }
    const __m512 mult =
        rq->per_channel ? _mm512_maskz_loadu_ps(mask, rq->mult + j) : _mm512_set1_ps(rq->mult[0]);
    __m512i r = _mm512_cvtps_epi32(_mm512_mul_ps(x, mult));
    r = _mm512_max_epi32(r, _mm512_set1_epi32(rq->lo - rq->zero));
    r = _mm512_min_epi32(r, _mm512_set1_epi32(rq->hi - rq->zero));
    return _mm512_add_epi32(r, _mm512_set1_epi32(rq->zero));
}

void qk_requant__vnni(uint8_t *out, size_t ld_out, const int32_t *acc, size_t ld_acc, size_t m,
                      size_t n, const int32_t *row_sum, const qk_requant *rq)
{
    for (size_t i = 0; i < m; i++, out += ld_out, acc += ld_acc) {
        const __m512i sum = _mm512_set1_epi32(rq->zero_w ? row_sum[i] : 0);
        for (size_t j = 0; j < n; j += STEP) {
            const __mmask16 mask =
                n - j >= STEP ? 0xffff : (__mmask16)(0xffffu >> (STEP - (n - j)));
            const __m512i codes = codes16(acc, j, mask, sum, rq);
            _mm_mask_storeu_epi8(out + j, mask, _mm512_cvtepi32_epi8(codes));
        }
    }
}
