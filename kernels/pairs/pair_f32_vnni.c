/* SPDX-License-Identifier: MIT */
/* AVX-512: one register holds the eight lanes of a sum. Elements behind the end are zeros on both
 * sides, which change no sum; the ranges leave them out. */
#include "kernels/pairs/pairs.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 16, LARGER_ABS = 11 /* vrangepd: the larger magnitude, without its sign */ };

typedef struct sums {
    __m512d rr, qq, rq, ee, e, max_abs;
} sums;

INLINE void add8(sums *s, __m512d r, __m512d q)
{
    const __m512d e = _mm512_sub_pd(q, r);
    s->rr = _mm512_fmadd_pd(r, r, s->rr);
    s->qq = _mm512_fmadd_pd(q, q, s->qq);
    s->rq = _mm512_fmadd_pd(r, q, s->rq);
    s->ee = _mm512_add_pd(s->ee, _mm512_mul_pd(e, e));
    s->e = _mm512_add_pd(s->e, e);
    s->max_abs = _mm512_range_pd(s->max_abs, e, LARGER_ABS);
}

INLINE double join(__m512d v)
{
    double lane[QK_PAIR_LANES];
    _mm512_storeu_pd(lane, v);
    return qk_join_lanes(lane);
}

void qk_pair_f32__vnni(qk_pair *out, const float *ref, const float *test, size_t n)
{
    const __m512d zero = _mm512_setzero_pd();
    sums s = {zero, zero, zero, zero, zero, zero};
    __m512 r_min = _mm512_set1_ps(ref[0]), r_max = r_min;
    __m512 q_min = _mm512_set1_ps(test[0]), q_max = q_min;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        /* Half registers come from memory, which is cheaper than taking a register apart. */
        const float *r = ref + i, *q = test + i;
        _mm_prefetch((const char *)(r + QK_PAIR_AHEAD), _MM_HINT_T1);
        _mm_prefetch((const char *)(q + QK_PAIR_AHEAD), _MM_HINT_T1);
        add8(&s, _mm512_cvtps_pd(_mm256_loadu_ps(r)), _mm512_cvtps_pd(_mm256_loadu_ps(q)));
        add8(&s, _mm512_cvtps_pd(_mm256_loadu_ps(r + 8)), _mm512_cvtps_pd(_mm256_loadu_ps(q + 8)));
        r_min = _mm512_min_ps(r_min, _mm512_loadu_ps(r));
        r_max = _mm512_max_ps(r_max, _mm512_loadu_ps(r));
        q_min = _mm512_min_ps(q_min, _mm512_loadu_ps(q));
        q_max = _mm512_max_ps(q_max, _mm512_loadu_ps(q));
    }
    if (i < n) {
        const __mmask16 mask = (__mmask16)(0xffffu >> (STEP - (n - i)));
        const __m512 r = _mm512_maskz_loadu_ps(mask, ref + i);
        const __m512 q = _mm512_maskz_loadu_ps(mask, test + i);
        add8(&s, _mm512_cvtps_pd(_mm512_castps512_ps256(r)),
             _mm512_cvtps_pd(_mm512_castps512_ps256(q)));
        add8(&s, _mm512_cvtps_pd(_mm512_extractf32x8_ps(r, 1)),
             _mm512_cvtps_pd(_mm512_extractf32x8_ps(q, 1)));
        r_min = _mm512_mask_min_ps(r_min, mask, r_min, r);
        r_max = _mm512_mask_max_ps(r_max, mask, r_max, r);
        q_min = _mm512_mask_min_ps(q_min, mask, q_min, q);
        q_max = _mm512_mask_max_ps(q_max, mask, q_max, q);
    }
    *out = (qk_pair){.rr = join(s.rr),
                     .qq = join(s.qq),
                     .rq = join(s.rq),
                     .ee = join(s.ee),
                     .e = join(s.e),
                     .max_abs = _mm512_reduce_max_pd(s.max_abs),
                     .ref_min = _mm512_reduce_min_ps(r_min) + 0.0f,
                     .ref_max = _mm512_reduce_max_ps(r_max) + 0.0f,
                     .test_min = _mm512_reduce_min_ps(q_min) + 0.0f,
                     .test_max = _mm512_reduce_max_ps(q_max) + 0.0f};
}

size_t qk_outside_f32__vnni(const float *x, size_t n, float lo, float hi)
{
    const __m512 l = _mm512_set1_ps(lo), h = _mm512_set1_ps(hi);
    size_t out = 0;
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask =
            n - i >= STEP ? (__mmask16)0xffff : (__mmask16)(0xffffu >> (STEP - (n - i)));
        const __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        const unsigned hit = _mm512_mask_cmp_ps_mask(mask, v, l, _CMP_LT_OQ) |
                             _mm512_mask_cmp_ps_mask(mask, v, h, _CMP_GT_OQ);
        out += (size_t)__builtin_popcount(hit);
    }
    return out;
}
