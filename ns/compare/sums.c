/* SPDX-License-Identifier: MIT */
#include "ns/compare/sums.h"

#include <math.h>

void qns_sums_init(qns_sums *s)
{
    *s = (qns_sums){
        .ref_min = INFINITY, .ref_max = -INFINITY, .test_min = INFINITY, .test_max = -INFINITY};
}

/* Half a step is what rounding loses anyway. A little more than that, because symmetric ranges put
 * the largest weight exactly half a step outside: 127.5 steps, and 127 is the last code. */
static uint64_t clipped(const qk_table *k, const float *ref, size_t n, const qns_grid *g)
{
    const double lo = g->lo - 0.51 * g->step, hi = g->hi + 0.51 * g->step;
    /* The floats next to the borders inside of them: a float is outside of one as of the other. */
    float lo_f = (float)lo, hi_f = (float)hi;
    lo_f = (double)lo_f < lo ? nextafterf(lo_f, INFINITY) : lo_f;
    hi_f = (double)hi_f > hi ? nextafterf(hi_f, -INFINITY) : hi_f;
    return k->outside_f32(ref, n, lo_f, hi_f);
}

/* All numbers finite. */
static void add_finite(qns_sums *s, const qk_table *k, const qk_pair *p, const float *ref, size_t n,
                       const qns_grid *grid)
{
    qns_sums b = {.n = n,
                  .rr = p->rr,
                  .qq = p->qq,
                  .rq = p->rq,
                  .ee = p->ee,
                  .e = p->e,
                  .max_abs = p->max_abs,
                  .ref_min = (double)p->ref_min,
                  .ref_max = (double)p->ref_max,
                  .test_min = (double)p->test_min,
                  .test_max = (double)p->test_max};
    if (grid && grid->step > 0) {
        b.ee_steps = b.ee / grid->step / grid->step;
        b.max_abs_steps = b.max_abs / grid->step;
        if (b.ref_min < grid->lo || b.ref_max > grid->hi)
            b.clipped = clipped(k, ref, n, grid);
    } else {
        b.ee_steps = b.max_abs_steps = NAN;
    }
    qns_sums_merge(s, &b);
}

/* Leaves pairs with NaN or infinity out and counts them. */
static void add_some_finite(qns_sums *s, const qk_table *k, const float *ref, const float *test,
                            size_t n, const qns_grid *grid)
{
    float r[QNS_SUMS_BLOCK], q[QNS_SUMS_BLOCK];
    size_t kept = 0;
    qk_pair p;
    for (size_t i = 0; i < n; i++) {
        const bool r_ok = isfinite(ref[i]), q_ok = isfinite(test[i]);
        s->nonfinite_ref += !r_ok;
        s->nonfinite_test += !q_ok;
        if (r_ok && q_ok) {
            r[kept] = ref[i];
            q[kept++] = test[i];
        }
    }
    if (kept == 0)
        return;
    k->pair_f32(&p, r, q, kept);
    add_finite(s, k, &p, r, kept, grid);
}

static void add_block(qns_sums *s, const qk_table *k, const float *ref, const float *test, size_t n,
                      const qns_grid *grid)
{
    qk_pair p;
    k->pair_f32(&p, ref, test, n);
    if (isfinite(p.rr + p.qq))
        add_finite(s, k, &p, ref, n, grid);
    else
        add_some_finite(s, k, ref, test, n, grid);
}

enum { LINE = 64 }; /* bytes of a cache line */

static size_t block_at(size_t i, size_t n)
{
    return n - i < QNS_SUMS_BLOCK ? n - i : QNS_SUMS_BLOCK;
}

void qns_sums_add(qns_sums *s, const qk_table *k, const float *ref, const float *test, size_t n,
                  const qns_grid *grid)
{
    for (size_t i = 0; i < n; i += QNS_SUMS_BLOCK)
        add_block(s, k, ref + i, test + i, block_at(i, n), grid);
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
    float q[QNS_SUMS_BLOCK];
    for (size_t i = 0; i < n; i += QNS_SUMS_BLOCK) {
        const size_t m = block_at(i, n);
        /* The next block, which may belong to another call; reading ahead of the end is harmless.
         */
        for (size_t at = QNS_SUMS_BLOCK; at < 2 * (size_t)QNS_SUMS_BLOCK; at += LINE)
            __builtin_prefetch(test + i + at, 0, 2);
        qns_codes_to_float(q, k, test + i, codes, m);
        add_block(s, k, ref + i, q, m, grid);
    }
}

static double larger(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
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
    s->ref_min = fmin(s->ref_min, o->ref_min);
    s->ref_max = fmax(s->ref_max, o->ref_max);
    s->test_min = fmin(s->test_min, o->test_min);
    s->test_max = fmax(s->test_max, o->test_max);
    s->clipped += o->clipped;
    s->nonfinite_ref += o->nonfinite_ref;
    s->nonfinite_test += o->nonfinite_test;
}
