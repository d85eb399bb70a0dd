/* SPDX-License-Identifier: MIT */
/* NEON: four registers hold the eight lanes of a sum. */
#include "kernels/pairs/pairs.h"

#include <arm_neon.h>
#include <string.h>

enum { STEP = 8, PARTS = 4 };

typedef struct sums { /* of two lanes */
    float64x2_t rr, qq, ee, e, max_abs;
} sums;

typedef struct range {
    float32x4_t min, max;
} range;

static inline void add2(sums *s, float64x2_t r, float64x2_t q)
{
    const float64x2_t e = vsubq_f64(q, r);
    s->rr = vfmaq_f64(s->rr, r, r);
    s->qq = vfmaq_f64(s->qq, q, q);
    s->ee = vfmaq_f64(s->ee, e, e);
    s->e = vaddq_f64(s->e, e);
    s->max_abs = vmaxq_f64(s->max_abs, vabsq_f64(e));
}

static inline void add4(sums s[2], float32x4_t r, float32x4_t q)
{
    add2(&s[0], vcvt_f64_f32(vget_low_f32(r)), vcvt_f64_f32(vget_low_f32(q)));
    add2(&s[1], vcvt_high_f64_f32(r), vcvt_high_f64_f32(q));
}

static inline void widen(range *x, float32x4_t v)
{
    x->min = vminq_f32(x->min, v);
    x->max = vmaxq_f32(x->max, v);
}

static inline range range_from(float first)
{
    return (range){vdupq_n_f32(first), vdupq_n_f32(first)};
}

static inline double join(const sums *s, size_t member)
{
    double lane[QK_PAIR_LANES];
    for (int i = 0; i < PARTS; i++)
        memcpy(lane + 2 * i, (const char *)&s[i] + member, sizeof(float64x2_t));
    return qk_join_lanes(lane);
}

static inline void begin(sums s[PARTS])
{
    const float64x2_t zero = vdupq_n_f64(0);
    for (int i = 0; i < PARTS; i++)
        s[i] = (sums){zero, zero, zero, zero, zero};
}

static inline void end(qk_pair *out, const sums s[PARTS], const range *r, const range *q)
{
    out->rr = join(s, offsetof(sums, rr));
    out->qq = join(s, offsetof(sums, qq));
    out->ee = join(s, offsetof(sums, ee));
    out->e = join(s, offsetof(sums, e));
    out->rq = qk_pair_rq(out->rr, out->qq, out->ee);
    out->max_abs = vmaxvq_f64(
        vmaxq_f64(vmaxq_f64(s[0].max_abs, s[1].max_abs), vmaxq_f64(s[2].max_abs, s[3].max_abs)));
    out->ref_min = vminvq_f32(r->min) + 0.0f;
    out->ref_max = vmaxvq_f32(r->max) + 0.0f;
    out->test_min = vminvq_f32(q->min) + 0.0f;
    out->test_max = vmaxvq_f32(q->max) + 0.0f;
}

static inline void add8(sums s[PARTS], range *rr, range *qr, const float *ref, float32x4_t q0,
                        float32x4_t q1)
{
    const float32x4_t r0 = vld1q_f32(ref), r1 = vld1q_f32(ref + 4);
    add4(s, r0, q0);
    add4(s + 2, r1, q1);
    widen(rr, r0);
    widen(rr, r1);
    widen(qr, q0);
    widen(qr, q1);
}

/* The last n < STEP elements: zeros on both sides change no sum, and ranges take the first again.
 */
static inline void add_rest(sums s[PARTS], range *rr, range *qr, const float *ref,
                            const float *test, size_t n)
{
    float r[STEP] = {0}, q[STEP] = {0};
    memcpy(r, ref, n * sizeof *r);
    memcpy(q, test, n * sizeof *q);
    add4(s, vld1q_f32(r), vld1q_f32(q));
    add4(s + 2, vld1q_f32(r + 4), vld1q_f32(q + 4));
    for (size_t i = 0; i < n; i++) {
        widen(rr, vdupq_n_f32(r[i]));
        widen(qr, vdupq_n_f32(q[i]));
    }
}

void qk_pair_f32__neon(qk_pair *out, const float *ref, const float *test, size_t n)
{
    sums s[PARTS];
    range rr = range_from(ref[0]), qr = range_from(test[0]);
    size_t i = 0;
    begin(s);
    for (; n - i >= STEP; i += STEP)
        add8(s, &rr, &qr, ref + i, vld1q_f32(test + i), vld1q_f32(test + i + 4));
    if (i < n)
        add_rest(s, &rr, &qr, ref + i, test + i, n - i);
    end(out, s, &rr, &qr);
}

static inline float32x4_t values(int16x4_t q, const qk_coded *t)
{
    const int32x4_t d = vsubq_s32(vmovl_s16(q), vdupq_n_s32(t->zero));
    return vmulq_n_f32(vcvtq_f32_s32(d), t->scale);
}

static inline int16x8_t codes(const qk_coded *t, size_t i)
{
    return t->is_signed ? vmovl_s8(vld1_s8((const int8_t *)t->code + i))
                        : vreinterpretq_s16_u16(vmovl_u8(vld1_u8((const uint8_t *)t->code + i)));
}

void qk_pair_codes__neon(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n)
{
    for (size_t k = 0; k < n_test; k++) {
        const qk_coded *t = &test[k];
        sums s[PARTS];
        range rr = range_from(ref[0]), qr = range_from(qk_coded_value(t, qk_coded_at(t, 0)));
        size_t i = 0;
        begin(s);
        for (; n - i >= STEP; i += STEP) {
            const int16x8_t q = codes(t, i);
            add8(s, &rr, &qr, ref + i, values(vget_low_s16(q), t), values(vget_high_s16(q), t));
        }
        if (i < n) {
            float rest[STEP];
            for (size_t j = i; j < n; j++)
                rest[j - i] = qk_coded_value(t, qk_coded_at(t, j));
            add_rest(s, &rr, &qr, ref + i, rest, n - i);
        }
        end(&out[k], s, &rr, &qr);
    }
}

size_t qk_outside_f32__neon(const float *x, size_t n, float lo, float hi)
{
    const float32x4_t l = vdupq_n_f32(lo), h = vdupq_n_f32(hi);
    size_t out = 0, i = 0;
    for (; n - i >= 4; i += 4) {
        const float32x4_t v = vld1q_f32(x + i);
        out += vaddvq_u32(vshrq_n_u32(vorrq_u32(vcltq_f32(v, l), vcgtq_f32(v, h)), 31));
    }
    return out + qk_outside_f32__c(x + i, n - i, lo, hi);
}
