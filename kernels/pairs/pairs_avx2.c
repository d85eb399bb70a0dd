/* SPDX-License-Identifier: MIT */
/* AVX2: two registers hold the eight lanes of a sum. The sixteen registers do not hold everything
 * at once, so the ranges are a second walk over numbers that lie in the first cache, and so is a
 * second test side. */
#include "kernels/pairs/pairs.h"

#include <immintrin.h>
#include <math.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { STEP = 8 };

typedef struct sums { /* of four lanes */
    __m256d rr, qq, ee, e, max_abs;
} sums;

INLINE void add4(sums *s, __m128 ref, __m128 test)
{
    const __m256d r = _mm256_cvtps_pd(ref), q = _mm256_cvtps_pd(test), e = _mm256_sub_pd(q, r);
    const __m256d a = _mm256_andnot_pd(_mm256_set1_pd(-0.0), e);
    s->rr = _mm256_fmadd_pd(r, r, s->rr);
    s->qq = _mm256_fmadd_pd(q, q, s->qq);
    s->ee = _mm256_fmadd_pd(e, e, s->ee);
    s->e = _mm256_add_pd(s->e, e);
    s->max_abs = _mm256_max_pd(s->max_abs, a);
}

INLINE void add8(sums s[2], const float *ref, __m256 test)
{
    add4(&s[0], _mm_loadu_ps(ref), _mm256_castps256_ps128(test));
    add4(&s[1], _mm_loadu_ps(ref + 4), _mm256_extractf128_ps(test, 1));
}

/* The last n < STEP elements: zeros on both sides change no sum. */
INLINE void add_rest(sums s[2], const float *ref, const float *test, size_t n)
{
    float r[STEP] = {0}, q[STEP] = {0};
    memcpy(r, ref, n * sizeof *r);
    memcpy(q, test, n * sizeof *q);
    add8(s, r, _mm256_loadu_ps(q));
}

INLINE double join(__m256d lo, __m256d hi)
{
    double lane[QK_PAIR_LANES];
    _mm256_storeu_pd(lane, lo);
    _mm256_storeu_pd(lane + 4, hi);
    return qk_join_lanes(lane);
}

INLINE void begin(sums s[2])
{
    const __m256d zero = _mm256_setzero_pd();
    s[0] = s[1] = (sums){zero, zero, zero, zero, zero};
}

INLINE void end(qk_pair *out, const sums s[2])
{
    double max[4];
    _mm256_storeu_pd(max, _mm256_max_pd(s[0].max_abs, s[1].max_abs));
    out->rr = join(s[0].rr, s[1].rr);
    out->qq = join(s[0].qq, s[1].qq);
    out->ee = join(s[0].ee, s[1].ee);
    out->e = join(s[0].e, s[1].e);
    out->rq = qk_pair_rq(out->rr, out->qq, out->ee);
    out->max_abs = fmax(fmax(max[0], max[1]), fmax(max[2], max[3]));
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
    sums s[2];
    size_t i = 0;
    begin(s);
    for (; i + STEP <= n; i += STEP)
        add8(s, ref + i, _mm256_loadu_ps(test + i));
    if (i < n)
        add_rest(s, ref + i, test + i, n - i);
    end(out, s);
    range(&out->ref_min, &out->ref_max, ref, n);
    range(&out->test_min, &out->test_max, test, n);
}

/* Signed codes are looked at as unsigned ones 128 above. */
INLINE __m256 value8(const uint8_t *q, __m128i flip, __m256 scale, __m256i zero)
{
    const __m128i c = _mm_xor_si128(_mm_loadl_epi64((const __m128i *)q), flip);
    return _mm256_mul_ps(scale,
                         _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_cvtepu8_epi32(c), zero)));
}

static void code_range(qk_pair *out, const qk_coded *t, size_t n)
{
    const uint8_t *q = t->code;
    const uint8_t flip = t->is_signed ? 0x80 : 0;
    uint8_t each[2][32], lo = 255, hi = 0;
    __m256i l = _mm256_set1_epi8(-1), h = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m256i v = _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)(q + i)),
                                           _mm256_set1_epi8((char)flip));
        l = _mm256_min_epu8(l, v);
        h = _mm256_max_epu8(h, v);
    }
    _mm256_storeu_si256((__m256i *)each[0], l);
    _mm256_storeu_si256((__m256i *)each[1], h);
    for (int j = 0; j < 32; j++) {
        lo = each[0][j] < lo ? each[0][j] : lo;
        hi = each[1][j] > hi ? each[1][j] : hi;
    }
    for (; i < n; i++) {
        const uint8_t v = q[i] ^ flip;
        lo = v < lo ? v : lo;
        hi = v > hi ? v : hi;
    }
    out->test_min = qk_coded_value(t, (int32_t)lo - flip) + 0.0f;
    out->test_max = qk_coded_value(t, (int32_t)hi - flip) + 0.0f;
}

void qk_pair_codes__avx2(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n)
{
    float lo, hi;
    range(&lo, &hi, ref, n);
    for (size_t k = 0; k < n_test; k++) {
        const qk_coded *t = &test[k];
        const uint8_t *q = t->code;
        const int32_t up = t->is_signed ? 128 : 0;
        const __m128i flip = _mm_set1_epi8((char)up);
        const __m256 scale = _mm256_set1_ps(t->scale);
        const __m256i zero = _mm256_set1_epi32(t->zero + up);
        sums s[2];
        size_t i = 0;
        begin(s);
        for (; i + STEP <= n; i += STEP)
            add8(s, ref + i, value8(q + i, flip, scale, zero));
        if (i < n) {
            float rest[STEP];
            for (size_t j = i; j < n; j++)
                rest[j - i] = qk_coded_value(t, qk_coded_at(t, j));
            add_rest(s, ref + i, rest, n - i);
        }
        end(&out[k], s);
        out[k].ref_min = lo;
        out[k].ref_max = hi;
        code_range(&out[k], t, n);
    }
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
