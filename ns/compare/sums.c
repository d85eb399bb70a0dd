/* SPDX-License-Identifier: MIT */
#include "ns/compare/sums.h"

#include <math.h>
#include <string.h>

enum { LANES = 8 };

void qns_sums_init(qns_sums *s)
{
    *s = (qns_sums){
        .ref_min = INFINITY, .ref_max = -INFINITY, .test_min = INFINITY, .test_max = -INFINITY};
}

/* True if every number is finite: no exponent is all ones. */
static bool all_finite(const float *x, size_t n)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t b;
        memcpy(&b, &x[i], sizeof b);
        bad |= (b & 0x7f800000u) == 0x7f800000u;
    }
    return bad == 0;
}

/* ((0+1)+(2+3))+((4+5)+(6+7)) */
static double join(const double *v)
{
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

static void block_sums(qns_sums *s, const float *ref, const float *test, size_t n)
{
    double rr[LANES] = {0}, qq[LANES] = {0}, rq[LANES] = {0}, ee[LANES] = {0}, e1[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const double r = ref[i + j], q = test[i + j], e = q - r;
            rr[j] += r * r;
            qq[j] += q * q;
            rq[j] += r * q;
            ee[j] += e * e;
            e1[j] += e;
        }
    for (size_t j = 0; i + j < n; j++) {
        const double r = ref[i + j], q = test[i + j], e = q - r;
        rr[j] += r * r;
        qq[j] += q * q;
        rq[j] += r * q;
        ee[j] += e * e;
        e1[j] += e;
    }
    s->rr = join(rr);
    s->qq = join(qq);
    s->rq = join(rq);
    s->ee = join(ee);
    s->e = join(e1);
    s->n = n;
}

static void block_range(double *lo, double *hi, const float *x, size_t n)
{
    float a[LANES], b[LANES];
    size_t i = 0;
    for (size_t j = 0; j < LANES; j++) {
        a[j] = INFINITY;
        b[j] = -INFINITY;
    }
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            a[j] = x[i + j] < a[j] ? x[i + j] : a[j];
            b[j] = x[i + j] > b[j] ? x[i + j] : b[j];
        }
    for (; i < n; i++) {
        a[0] = x[i] < a[0] ? x[i] : a[0];
        b[0] = x[i] > b[0] ? x[i] : b[0];
    }
    for (size_t j = 1; j < LANES; j++) {
        a[0] = a[j] < a[0] ? a[j] : a[0];
        b[0] = b[j] > b[0] ? b[j] : b[0];
    }
    *lo = a[0];
    *hi = b[0];
}

/* In double: the difference of two floats need not be a float. */
static double block_max_abs(const float *ref, const float *test, size_t n)
{
    double m[LANES] = {0};
    size_t i = 0;
    for (; i + LANES <= n; i += LANES)
        for (size_t j = 0; j < LANES; j++) {
            const double e = fabs((double)test[i + j] - (double)ref[i + j]);
            m[j] = e > m[j] ? e : m[j];
        }
    for (; i < n; i++) {
        const double e = fabs((double)test[i] - (double)ref[i]);
        m[0] = e > m[0] ? e : m[0];
    }
    for (size_t j = 1; j < LANES; j++)
        m[0] = m[j] > m[0] ? m[j] : m[0];
    return m[0];
}

static uint64_t block_clipped(const float *ref, size_t n, const qns_grid *g)
{
    /* Half a step is what rounding loses anyway. A little more than that, because symmetric ranges
     * put the largest weight exactly half a step outside: 127.5 steps, and 127 is the last code. */
    const double lo = g->lo - 0.51 * g->step, hi = g->hi + 0.51 * g->step;
    uint64_t out = 0;
    for (size_t i = 0; i < n; i++)
        out += (double)ref[i] < lo || (double)ref[i] > hi;
    return out;
}

/* All numbers finite, n > 0. */
static void add_finite(qns_sums *s, const float *ref, const float *test, size_t n,
                       const qns_grid *grid)
{
    qns_sums b;
    qns_sums_init(&b);
    block_sums(&b, ref, test, n);
    block_range(&b.ref_min, &b.ref_max, ref, n);
    block_range(&b.test_min, &b.test_max, test, n);
    b.max_abs = b.ee > 0 ? block_max_abs(ref, test, n) : 0;
    if (grid && grid->step > 0) {
        b.ee_steps = b.ee / grid->step / grid->step;
        b.max_abs_steps = b.max_abs / grid->step;
        if (b.ref_min < grid->lo || b.ref_max > grid->hi)
            b.clipped = block_clipped(ref, n, grid);
    } else {
        b.ee_steps = b.max_abs_steps = NAN;
    }
    qns_sums_merge(s, &b);
}

/* Leaves pairs with NaN or infinity out and counts them. */
static void add_block(qns_sums *s, const float *ref, const float *test, size_t n,
                      const qns_grid *grid)
{
    if (all_finite(ref, n) && all_finite(test, n)) {
        add_finite(s, ref, test, n, grid);
        return;
    }
    float r[QNS_SUMS_BLOCK], q[QNS_SUMS_BLOCK];
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const bool r_ok = isfinite(ref[i]), q_ok = isfinite(test[i]);
        s->nonfinite_ref += !r_ok;
        s->nonfinite_test += !q_ok;
        if (r_ok && q_ok) {
            r[kept] = ref[i];
            q[kept++] = test[i];
        }
    }
    if (kept > 0)
        add_finite(s, r, q, kept, grid);
}

void qns_sums_add(qns_sums *s, const float *ref, const float *test, size_t n, const qns_grid *grid)
{
    for (size_t i = 0; i < n; i += QNS_SUMS_BLOCK)
        add_block(s, ref + i, test + i, n - i < QNS_SUMS_BLOCK ? n - i : QNS_SUMS_BLOCK, grid);
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
