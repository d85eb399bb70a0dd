/* SPDX-License-Identifier: MIT */
#include "ns/compare/sums.h"

#include <assert.h>
#include <float.h>
#include <math.h>

void qns_sums_init(qns_sums *s)
{
    *s = (qns_sums){
        .ref_min = INFINITY, .ref_max = -INFINITY, .test_min = INFINITY, .test_max = -INFINITY};
}

/* Half a step is what rounding loses anyway. A little more than that, because symmetric ranges put
 * the largest weight exactly half a step outside: 127.5 steps, and 127 is the last code. */
static uint64_t clipped(const qk_table *k, const qk_pair *p, const float *ref, size_t n,
                        const qns_grid *g)
{
    const double lo = g->lo - 0.51 * g->step, hi = g->hi + 0.51 * g->step;
    if ((double)p->ref_min >= lo && (double)p->ref_max <= hi)
        return 0;
    /* The floats next to the borders inside of them: a float is outside of one as of the other. */
    float lo_f = (float)lo, hi_f = (float)hi;
    lo_f = (double)lo_f < lo ? nextafterf(lo_f, INFINITY) : lo_f;
    hi_f = (double)hi_f > hi ? nextafterf(hi_f, -INFINITY) : hi_f;
    return k->outside_f32(ref, n, lo_f, hi_f);
}

/* All numbers finite. *n_clipped: of this reference and grid, UINT64_MAX before they were counted.
 */
static void make_finite(qns_sums *s, const qk_table *k, const qk_pair *p, const float *ref,
                        size_t n, const qns_grid *grid, uint64_t *n_clipped)
{
    *s = (qns_sums){.n = n,
                    .rr = p->rr,
                    .qq = p->qq,
                    .rq = p->rq,
                    .ee = p->ee,
                    .e = p->e,
                    .ee_steps = NAN,
                    .max_abs = p->max_abs,
                    .max_abs_steps = NAN,
                    .ref_min = (double)p->ref_min,
                    .ref_max = (double)p->ref_max,
                    .test_min = (double)p->test_min,
                    .test_max = (double)p->test_max};
    if (!grid || !(grid->step > 0))
        return;
    s->ee_steps = s->ee / grid->step / grid->step;
    s->max_abs_steps = s->max_abs / grid->step;
    if (*n_clipped == UINT64_MAX)
        *n_clipped = clipped(k, p, ref, n, grid);
    s->clipped = *n_clipped;
}

/* Leaves pairs with NaN or infinity out and counts them. */
static void make_some_finite(qns_sums *s, const qk_table *k, const float *ref, const float *test,
                             size_t n, const qns_grid *grid)
{
    float r[QNS_SUMS_BLOCK], q[QNS_SUMS_BLOCK];
    uint64_t n_clipped = UINT64_MAX, bad_ref = 0, bad_test = 0;
    size_t kept = 0;
    qk_pair p;
    for (size_t i = 0; i < n; i++) {
        const bool r_ok = isfinite(ref[i]), q_ok = isfinite(test[i]);
        bad_ref += !r_ok;
        bad_test += !q_ok;
        if (r_ok && q_ok) {
            r[kept] = ref[i];
            q[kept++] = test[i];
        }
    }
    qns_sums_init(s);
    if (kept > 0) {
        k->pair_f32(&p, r, q, kept);
        make_finite(s, k, &p, r, kept, grid, &n_clipped);
    }
    s->nonfinite_ref = bad_ref;
    s->nonfinite_test = bad_test;
}

/* What pair_codes takes; other scales become floats first. A scale that is a float, as those of
 * ONNX are, has the same product with a code in double as in float: 47 bits at most, rounded once.
 */
static bool is_plain(const qns_codes *c)
{
    enum { MOST = 1 << 22 };
    if (!c || !(c->scale >= 0 && c->scale <= (double)FLT_MAX) || c->zero <= -MOST ||
        c->zero >= MOST)
        return false;
    return !c->by_channel || (double)(float)c->scale == c->scale;
}

static void sum_pairs(qk_pair *p, const qk_table *k, const float *ref, const qns_test *test,
                      size_t n_test, size_t n)
{
    qk_coded coded[QK_PAIR_TESTS];
    size_t n_coded = 0;
    for (; n_coded < n_test && is_plain(test[n_coded].codes); n_coded++) {
        const qns_codes *c = test[n_coded].codes;
        coded[n_coded] = (qk_coded){test[n_coded].data, (float)c->scale, c->zero, c->is_signed};
    }
    if (n_coded > 0)
        k->pair_codes(p, ref, coded, n_coded, n);
    for (size_t i = n_coded; i < n_test; i++) {
        float q[QNS_SUMS_BLOCK];
        if (test[i].codes)
            qns_codes_to_float(q, k, test[i].data, test[i].codes, n);
        k->pair_f32(&p[i], ref, test[i].codes ? q : test[i].data, n);
    }
}

void qns_sums_block(qns_sums *const *out, const qk_table *k, const float *ref, const qns_test *test,
                    size_t n_test, size_t n, const qns_grid *grid)
{
    qk_pair p[QK_PAIR_TESTS];
    uint64_t n_clipped = UINT64_MAX;
    assert(n > 0 && n <= QNS_SUMS_BLOCK && n_test <= QK_PAIR_TESTS);
    sum_pairs(p, k, ref, test, n_test, n);
    for (size_t i = 0; i < n_test; i++) {
        float q[QNS_SUMS_BLOCK];
        if (isfinite(p[i].rr + p[i].qq)) {
            make_finite(out[i], k, &p[i], ref, n, grid, &n_clipped);
            continue;
        }
        if (test[i].codes)
            qns_codes_to_float(q, k, test[i].data, test[i].codes, n);
        make_some_finite(out[i], k, ref, test[i].codes ? q : test[i].data, n, grid);
    }
}

static size_t block_at(size_t i, size_t n)
{
    return n - i < QNS_SUMS_BLOCK ? n - i : QNS_SUMS_BLOCK;
}

void qns_sums_add(qns_sums *s, const qk_table *k, const float *ref, const float *test, size_t n,
                  const qns_grid *grid)
{
    qns_sums b, *out = &b;
    for (size_t i = 0; i < n; i += QNS_SUMS_BLOCK) {
        const qns_test t = {test + i, NULL};
        qns_sums_block(&out, k, ref + i, &t, 1, block_at(i, n), grid);
        qns_sums_merge(s, &b);
    }
}

void qns_codes_to_float(float *out, const qk_table *k, const uint8_t *q, const qns_codes *c,
                        size_t n)
{
    const int8_t *sq = (const int8_t *)q;
    if (c->by_channel && c->is_signed)
        k->dequantize_wide_s8(out, sq, n, c->scale, (float)c->zero);
    else if (c->by_channel)
        k->dequantize_wide_u8(out, q, n, c->scale, (float)c->zero);
    else if (c->is_signed)
        k->dequantize_s8(out, sq, n, (float)c->scale, c->zero);
    else
        k->dequantize_u8(out, q, n, (float)c->scale, c->zero);
}

void qns_sums_add_codes(qns_sums *s, const qk_table *k, const float *ref, const uint8_t *test,
                        const qns_codes *codes, size_t n, const qns_grid *grid)
{
    qns_sums b, *out = &b;
    for (size_t i = 0; i < n; i += QNS_SUMS_BLOCK) {
        const qns_test t = {test + i, codes};
        qns_sums_block(&out, k, ref + i, &t, 1, block_at(i, n), grid);
        qns_sums_merge(s, &b);
    }
}

static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

/* Of ranges, which are never NaN. A comparison where fmin() would be a call: this is done twice
 * for each block. */
static double least(double a, double b)
{
    return b < a ? b : a;
}

static double most(double a, double b)
{
    return b > a ? b : a;
}

void qns_sums_merge(qns_sums *s, const qns_sums *o)
{
    s->n += o->n;
    s->rr += o->rr;
    s->qq += o->qq;
    s->rq += o->rq;
    s->ee += o->ee;
    s->e += o->e;
    s->ee_steps += o->ee_steps;
    s->max_abs = larger(s->max_abs, o->max_abs);
    s->max_abs_steps = larger(s->max_abs_steps, o->max_abs_steps);
    s->ref_min = least(s->ref_min, o->ref_min);
    s->ref_max = most(s->ref_max, o->ref_max);
    s->test_min = least(s->test_min, o->test_min);
    s->test_max = most(s->test_max, o->test_max);
    s->clipped += o->clipped;
    s->nonfinite_ref += o->nonfinite_ref;
    s->nonfinite_test += o->nonfinite_test;
}
