/* SPDX-License-Identifier: MIT */
/* AVX-512: one register holds the eight lanes of a sum. Elements behind the end are zeros on both
 * sides, which change no sum; the ranges leave them out. */
#include "kernels/pairs/pairs.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    STEP = 16,
    CODES = 64,     /* in a register */
    LARGER_ABS = 11 /* vrangepd: the larger magnitude, without its sign */
};

typedef struct ref_sums {
    __m512d rr;
    __m512 min, max;
} ref_sums;

typedef struct test_sums {
    __m512d qq, ee, e, max_abs;
} test_sums;

INLINE __mmask16 mask_of(size_t left)
{
    return left >= STEP ? 0xffff : (__mmask16)(0xffffu >> (STEP - left));
}

INLINE void add8(test_sums *s, __m512d r, __m512d q)
{
    const __m512d e = _mm512_sub_pd(q, r);
    s->qq = _mm512_fmadd_pd(q, q, s->qq);
    s->ee = _mm512_fmadd_pd(e, e, s->ee);
    s->e = _mm512_add_pd(s->e, e);
    s->max_abs = _mm512_range_pd(s->max_abs, e, LARGER_ABS);
}

INLINE void add_ref(ref_sums *s, __m512d lo, __m512d hi, __m512 x, __mmask16 mask)
{
    s->rr = _mm512_fmadd_pd(lo, lo, s->rr);
    s->rr = _mm512_fmadd_pd(hi, hi, s->rr);
    s->min = _mm512_mask_min_ps(s->min, mask, s->min, x);
    s->max = _mm512_mask_max_ps(s->max, mask, s->max, x);
}

/* Half registers come from memory, which is cheaper than taking a register apart. */
INLINE __m512d half(const float *x)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
}

INLINE __m512d low(__m512 x)
{
    return _mm512_cvtps_pd(_mm512_castps512_ps256(x));
}

INLINE __m512d high(__m512 x)
{
    return _mm512_cvtps_pd(_mm512_extractf32x8_ps(x, 1));
}

INLINE double join(__m512d v)
{
    double lane[QK_PAIR_LANES];
    _mm512_storeu_pd(lane, v);
    return qk_join_lanes(lane);
}

INLINE ref_sums ref_from(float first)
{
    return (ref_sums){_mm512_setzero_pd(), _mm512_set1_ps(first), _mm512_set1_ps(first)};
}

INLINE test_sums test_from_0(void)
{
    const __m512d zero = _mm512_setzero_pd();
    return (test_sums){zero, zero, zero, zero};
}

INLINE void end(qk_pair *out, const ref_sums *r, const test_sums *t)
{
    out->rr = join(r->rr);
    out->qq = join(t->qq);
    out->ee = join(t->ee);
    out->e = join(t->e);
    out->rq = qk_pair_rq(out->rr, out->qq, out->ee);
    out->max_abs = _mm512_reduce_max_pd(t->max_abs);
    out->ref_min = _mm512_reduce_min_ps(r->min) + 0.0f;
    out->ref_max = _mm512_reduce_max_ps(r->max) + 0.0f;
}

void qk_pair_f32__vnni(qk_pair *out, const float *ref, const float *test, size_t n)
{
    ref_sums rs = ref_from(ref[0]);
    test_sums ts = test_from_0();
    __m512 min = _mm512_set1_ps(test[0]), max = min;
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        const float *r = ref + i, *q = test + i;
        _mm_prefetch((const char *)(r + QK_PAIR_AHEAD), _MM_HINT_T1);
        _mm_prefetch((const char *)(q + QK_PAIR_AHEAD), _MM_HINT_T1);
        const __m512d lo = half(r), hi = half(r + 8);
        add_ref(&rs, lo, hi, _mm512_loadu_ps(r), 0xffff);
        add8(&ts, lo, half(q));
        add8(&ts, hi, half(q + 8));
        min = _mm512_min_ps(min, _mm512_loadu_ps(q));
        max = _mm512_max_ps(max, _mm512_loadu_ps(q));
    }
    if (i < n) {
        const __mmask16 mask = mask_of(n - i);
        const __m512 r = _mm512_maskz_loadu_ps(mask, ref + i);
        const __m512 q = _mm512_maskz_loadu_ps(mask, test + i);
        add_ref(&rs, low(r), high(r), r, mask);
        add8(&ts, low(r), low(q));
        add8(&ts, high(r), high(q));
        min = _mm512_mask_min_ps(min, mask, min, q);
        max = _mm512_mask_max_ps(max, mask, max, q);
    }
    end(out, &rs, &ts);
    out->test_min = _mm512_reduce_min_ps(min) + 0.0f;
    out->test_max = _mm512_reduce_max_ps(max) + 0.0f;
}

typedef struct codes {
    const uint8_t *q;
    __m512i lo, hi, zero;
    __m512 scale;
} codes;

INLINE codes codes_of(const qk_coded *t)
{
    return (codes){t->code, _mm512_set1_epi8(t->is_signed ? INT8_MAX : -1),
                   _mm512_set1_epi8(t->is_signed ? INT8_MIN : 0), _mm512_set1_epi32(t->zero),
                   _mm512_set1_ps(t->scale)};
}

INLINE void add_range(codes *c, __m512i q, __mmask64 mask, bool is_signed)
{
    c->lo = is_signed ? _mm512_mask_min_epi8(c->lo, mask, c->lo, q)
                      : _mm512_mask_min_epu8(c->lo, mask, c->lo, q);
    c->hi = is_signed ? _mm512_mask_max_epi8(c->hi, mask, c->hi, q)
                      : _mm512_mask_max_epu8(c->hi, mask, c->hi, q);
}

INLINE __m512 values(const codes *c, __m128i q, bool is_signed)
{
    const __m512i wide = is_signed ? _mm512_cvtepi8_epi32(q) : _mm512_cvtepu8_epi32(q);
    return _mm512_mul_ps(c->scale, _mm512_cvtepi32_ps(_mm512_sub_epi32(wide, c->zero)));
}

/* The smaller and the larger of each pair of codes. */
#define LESS(a, b)       (is_signed ? _mm_min_epi8(a, b) : _mm_min_epu8(a, b))
#define MORE(a, b)       (is_signed ? _mm_max_epi8(a, b) : _mm_max_epu8(a, b))
#define QUARTER(v, i)    _mm512_extracti32x4_epi32(v, i)
#define FOLD(v, pick, n) v = pick(v, _mm_srli_si128(v, n))

INLINE void end_range(qk_pair *out, const codes *c, const qk_coded *t, bool is_signed)
{
    __m128i lo = LESS(LESS(QUARTER(c->lo, 0), QUARTER(c->lo, 1)),
                      LESS(QUARTER(c->lo, 2), QUARTER(c->lo, 3)));
    __m128i hi = MORE(MORE(QUARTER(c->hi, 0), QUARTER(c->hi, 1)),
                      MORE(QUARTER(c->hi, 2), QUARTER(c->hi, 3)));
    uint8_t each[2];
    FOLD(lo, LESS, 8), FOLD(hi, MORE, 8);
    FOLD(lo, LESS, 4), FOLD(hi, MORE, 4);
    FOLD(lo, LESS, 2), FOLD(hi, MORE, 2);
    FOLD(lo, LESS, 1), FOLD(hi, MORE, 1);
    each[0] = (uint8_t)_mm_cvtsi128_si32(lo);
    each[1] = (uint8_t)_mm_cvtsi128_si32(hi);
    const qk_coded of = {each, t->scale, t->zero, t->is_signed};
    out->test_min = qk_coded_value(t, qk_coded_at(&of, 0)) + 0.0f;
    out->test_max = qk_coded_value(t, qk_coded_at(&of, 1)) + 0.0f;
}

/* CODES elements of all test sides. */
INLINE void add_64(ref_sums *rs, test_sums *ts, codes *c, size_t n_test, bool is_signed,
                   const float *ref, size_t i)
{
#pragma GCC unroll 2
    for (size_t k = 0; k < n_test; k++) {
        _mm_prefetch((const char *)(c[k].q + i + QK_PAIR_AHEAD), _MM_HINT_T1);
        add_range(&c[k], _mm512_loadu_si512(c[k].q + i), ~0ull, is_signed);
    }
    for (size_t at = i; at < i + CODES; at += STEP) {
        _mm_prefetch((const char *)(ref + at + QK_PAIR_AHEAD), _MM_HINT_T1);
        const __m512d lo = half(ref + at), hi = half(ref + at + 8);
        add_ref(rs, lo, hi, _mm512_loadu_ps(ref + at), 0xffff);
#pragma GCC unroll 2
        for (size_t k = 0; k < n_test; k++) {
            const __m128i q = _mm_loadu_si128((const __m128i *)(c[k].q + at));
            const __m512 v = values(&c[k], q, is_signed);
            add8(&ts[k], lo, low(v));
            add8(&ts[k], hi, high(v));
        }
    }
}

/* 16 or, at the end, fewer. */
INLINE void add_16(ref_sums *rs, test_sums *ts, codes *c, size_t n_test, bool is_signed,
                   const float *ref, size_t i, __mmask16 mask)
{
    const __m512 r = _mm512_maskz_loadu_ps(mask, ref + i);
    const __m512d lo = low(r), hi = high(r);
    add_ref(rs, lo, hi, r, mask);
#pragma GCC unroll 2
    for (size_t k = 0; k < n_test; k++) {
        const __m128i q = _mm_maskz_loadu_epi8(mask, c[k].q + i);
        const __m512 v = _mm512_maskz_mov_ps(mask, values(&c[k], q, is_signed));
        add_range(&c[k], _mm512_castsi128_si512(q), mask, is_signed);
        add8(&ts[k], lo, low(v));
        add8(&ts[k], hi, high(v));
    }
}

INLINE void add_codes(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                      bool is_signed, size_t n)
{
    ref_sums rs = ref_from(ref[0]);
    test_sums ts[QK_PAIR_TESTS];
    codes c[QK_PAIR_TESTS];
    size_t i = 0;
#pragma GCC unroll 2
    for (size_t k = 0; k < n_test; k++) {
        ts[k] = test_from_0();
        c[k] = codes_of(&test[k]);
    }
    for (; i + CODES <= n; i += CODES)
        add_64(&rs, ts, c, n_test, is_signed, ref, i);
    for (; i < n; i += STEP)
        add_16(&rs, ts, c, n_test, is_signed, ref, i, mask_of(n - i));
#pragma GCC unroll 2
    for (size_t k = 0; k < n_test; k++) {
        end(&out[k], &rs, &ts[k]);
        end_range(&out[k], &c[k], &test[k], is_signed);
    }
}

/* One compiled loop for each case: neither is asked within. */
void qk_pair_codes__vnni(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n)
{
    if (n_test == 2 && test[0].is_signed != test[1].is_signed) {
        qk_pair_codes__vnni(out, ref, test, 1, n);
        qk_pair_codes__vnni(out + 1, ref, test + 1, 1, n);
    } else if (n_test == 2 && test[0].is_signed) {
        add_codes(out, ref, test, 2, true, n);
    } else if (n_test == 2) {
        add_codes(out, ref, test, 2, false, n);
    } else if (test[0].is_signed) {
        add_codes(out, ref, test, 1, true, n);
    } else {
        add_codes(out, ref, test, 1, false, n);
    }
}

size_t qk_outside_f32__vnni(const float *x, size_t n, float lo, float hi)
{
    const __m512 l = _mm512_set1_ps(lo), h = _mm512_set1_ps(hi);
    size_t out = 0;
    for (size_t i = 0; i < n; i += STEP) {
        const __mmask16 mask = mask_of(n - i);
        const __m512 v = _mm512_maskz_loadu_ps(mask, x + i);
        const unsigned hit = _mm512_mask_cmp_ps_mask(mask, v, l, _CMP_LT_OQ) |
                             _mm512_mask_cmp_ps_mask(mask, v, h, _CMP_GT_OQ);
        out += (size_t)__builtin_popcount(hit);
    }
    return out;
}
