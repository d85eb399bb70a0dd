/* SPDX-License-Identifier: MIT */
/* AVX2: two registers hold the eight lanes of a sum. The sixteen registers do not hold everything
 * at once, so the ranges are a second walk over numbers that lie in the first cache. */
#include "kernels/pairs/pairs.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 8 };

typedef struct sums { /* of four lanes */
    __m256d rr, qq, rq, ee, e, max_abs;
} sums;

INLINE void add4(sums *s, __m128 ref, __m128 test)
{
    const __m256d r = _mm256_cvtps_pd(ref), q = _mm256_cvtps_pd(test), e = _mm256_sub_pd(q, r);
    const __m256d a = _mm256_andnot_pd(_mm256_set1_pd(-0.0), e);
    s->rr = _mm256_fmadd_pd(r, r, s->rr);
    s->qq = _mm256_fmadd_pd(q, q, s->qq);
    s->rq = _mm256_fmadd_pd(r, q, s->rq);
    s->ee = _mm256_add_pd(s->ee, _mm256_mul_pd(e, e));
    s->e = _mm256_add_pd(s->e, e);
    s->max_abs = _mm256_max_pd(s->max_abs, a);
}

INLINE void add8(sums s[2], const float *ref, const float *test)
{
    add4(&s[0], _mm_loadu_ps(ref), _mm_loadu_ps(test));
    add4(&s[1], _mm_loadu_ps(ref + 4), _mm_loadu_ps(test + 4));
}

INLINE double join(__m256d lo, __m256d hi)
{
    double lane[QK_PAIR_LANES];
    _mm256_storeu_pd(lane, lo);
    _mm256_storeu_pd(lane + 4, hi);
    return qk_join_lanes(lane);
}

static void range(float *lo, float *hi, const float *x, size_t n)
{
    float min = x[0], max = x[0];
    size_t i = 0;
    if (n >= STEP) {
        float each[2 * STEP];
        __m256 l = _mm256_set1_ps(x[0]), h = l;
        for (; i + STEP <= n; i += STEP) {
            const __m256 v = _mm256_loadu_ps(x + i);
            l = _mm256_min_ps(l, v);
            h = _mm256_max_ps(h, v);
        }
        _mm256_storeu_ps(each, l);
        _mm256_storeu_ps(each + STEP, h);
        for (int j = 0; j < STEP; j++) {
            min = each[j] < min ? each[j] : min;
            max = each[STEP + j] > max ? each[STEP + j] : max;
        }
    }
    for (; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    *lo = min + 0.0f;
    *hi = max + 0.0f;
}

void qk_pair_f32__avx2(qk_pair *out, const float *ref, const float *test, size_t n)
{
    const __m256d zero = _mm256_setzero_pd();
    const sums none = {zero, zero, zero, zero, zero, zero};
    sums s[2] = {none, none};
    size_t i = 0;
    for (; i + STEP <= n; i += STEP)
        add8(s, ref + i, test + i);
    if (i < n) {
        /* Zeros on both sides change no sum. */
        float r[STEP] = {0}, q[STEP] = {0};
        memcpy(r, ref + i, (n - i) * sizeof *r);
        memcpy(q, test + i, (n - i) * sizeof *q);
        add8(s, r, q);
    }
    double max[4];
    _mm256_storeu_pd(max, _mm256_max_pd(s[0].max_abs, s[1].max_abs));
    *out = (qk_pair){.rr = join(s[0].rr, s[1].rr),
                     .qq = join(s[0].qq, s[1].qq),
                     .rq = join(s[0].rq, s[1].rq),
                     .ee = join(s[0].ee, s[1].ee),
                     .e = join(s[0].e, s[1].e),
                     .max_abs = fmax(fmax(max[0], max[1]), fmax(max[2], max[3]))};
    range(&out->ref_min, &out->ref_max, ref, n);
    range(&out->test_min, &out->test_max, test, n);
}

size_t qk_outside_f32__avx2(const float *x, size_t n, float lo, float hi)
{
    const __m256 l = _mm256_set1_ps(lo), h = _mm256_set1_ps(hi);
    size_t out = 0, i = 0;
    for (; i + STEP <= n; i += STEP) {
        const __m256 v = _mm256_loadu_ps(x + i);
        const __m256 hit =
            _mm256_or_ps(_mm256_cmp_ps(v, l, _CMP_LT_OQ), _mm256_cmp_ps(v, h, _CMP_GT_OQ));
        out += (size_t)__builtin_popcount((unsigned)_mm256_movemask_ps(hit));
    }
    return out + qk_outside_f32__c(x + i, n - i, lo, hi);
}
