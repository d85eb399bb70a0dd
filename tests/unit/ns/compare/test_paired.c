/* SPDX-License-Identifier: MIT */
/* The statistics of regressions. Expected values come from scipy 1.10 (stats.wilcoxon, stats.binom)
 * and from enumeration: of all sign patterns for p, of all means of two for the shift and its
 * interval. */
#include "core/base/rng.h"
#include "ns/compare/paired.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

static void near(double a, double b)
{
    cr_expect(a == b || fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b)), "%.17g is not %.17g", a, b);
}

static qns_paired test_of(const double *v, size_t n)
{
    qns_paired out;
    double d[256];
    cr_assert_leq(n, QNS_ARRAY_LEN(d));
    for (size_t i = 0; i < n; i++)
        d[i] = v[i];
    qns_paired_test(&out, d, n);
    return out;
}

static void expect(const qns_paired *r, double p, double shift, double lo, double hi)
{
    near(r->p, p);
    near(r->shift, shift);
    near(r->lo, lo);
    near(r->hi, hi);
}

Test(paired, without_ties_it_is_the_exact_test_of_the_books)
{
    const double v[] = {-1.25, -0.5, -2, 0.25, -0.75, -1.5, -0.125, 0.375, -3, -1};
    const qns_paired r = test_of(v, QNS_ARRAY_LEN(v));
    cr_expect(r.exact);
    expect(&r, 0.01953125, -0.875, -1.75, -0.1875);
}

Test(paired, with_ties_and_zeros_all_sign_patterns_count)
{
    const double v[] = {0, 0, -0.5, -0.5, 0.5, -1, -1, -1.5, 0, -2, -0.5, 1};
    const qns_paired r = test_of(v, QNS_ARRAY_LEN(v));
    cr_expect_eq(r.n_zero, 3);
    expect(&r, 0.109375, -0.5, -1, 0);
}

Test(paired, five_pairs_have_no_interval_and_six_have)
{
    const double v[] = {-1, -2, -3, -4, -5, -6};
    qns_paired r = test_of(v, 5);
    expect(&r, 0.0625, -3, -INFINITY, INFINITY);
    r = test_of(v, 6);
    expect(&r, 0.03125, -3.5, -6, -1);
}

/* scipy: wilcoxon(v, zero_method='pratt', correction=True, mode='approx'). */
Test(paired, many_pairs_take_the_normal_distribution)
{
    double v[120];
    uint64_t x = 12345;
    for (size_t i = 0; i < 120; i++) {
        x = (x * 1103515245 + 12345) & 0x7fffffff;
        v[i] = (double)((int)((x >> 16) % 41) - 24) / 16;
    }
    const qns_paired r = test_of(v, 120);
    cr_expect_not(r.exact);
    cr_expect_eq(r.n_zero, 2);
    cr_expect_float_eq(r.p, 0.033389280999419735, 1e-14);
    cr_expect_eq(r.shift, -0.15625);
    cr_expect_eq(r.lo, -0.28125);
    cr_expect_eq(r.hi, 0);
}

/* Every sign pattern of the ranks, one by one. */
static double enumerated_p(const double *v, size_t n)
{
    double rank[16], plus = 0, below = 0, above = 0;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        double less = 0, same = 0;
        for (size_t j = 0; j < n; j++) {
            less += fabs(v[j]) < fabs(v[i]);
            same += fabs(v[j]) == fabs(v[i]);
        }
        if (v[i] == 0)
            continue;
        rank[k++] = less + (same + 1) / 2;
        plus += v[i] > 0 ? rank[k - 1] : 0;
    }
    for (uint32_t signs = 0; signs < 1u << k; signs++) {
        double w = 0;
        for (size_t i = 0; i < k; i++)
            w += signs >> i & 1 ? rank[i] : 0;
        below += w <= plus;
        above += w >= plus;
    }
    return fmin(1, 2 * fmin(below, above) / (double)(1u << k));
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

Test(paired, agrees_with_enumeration)
{
    qns_rng rng;
    qns_rng_seed(&rng, 7);
    for (int round = 0; round < 60; round++) {
        double v[12], w[78];
        const size_t n = 1 + (size_t)(qns_rng_unit(&rng) * 11);
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            v[i] = round % 2 ? floor(8 * qns_rng_unit(&rng)) - 4 : qns_rng_unit(&rng) - 0.4;
        const qns_paired r = test_of(v, n);
        near(r.p, enumerated_p(v, n));
        for (size_t i = 0; i < n; i++)
            for (size_t j = i; j < n; j++)
                w[k++] = (v[i] + v[j]) / 2;
        qsort(w, k, sizeof *w, by_value);
        near(r.shift, (w[(k - 1) / 2] + w[k / 2]) / 2);
    }
}

Test(paired, order_and_sign_do_what_they_should)
{
    double v[90], turned[90];
    qns_rng rng;
    qns_rng_seed(&rng, 9);
    for (size_t i = 0; i < 90; i++) {
        v[i] = qns_rng_unit(&rng) - 0.35;
        turned[89 - i] = -v[i];
    }
    const qns_paired a = test_of(v, 90), b = test_of(turned, 90);
    near(a.p, b.p);
    expect(&b, a.p, -a.shift, -a.hi, -a.lo);
    cr_expect(a.lo < a.shift && a.shift < a.hi);
}

Test(paired, no_change_infinite_change_and_no_number)
{
    const double same[] = {0, 0, 0, 0, 0, 0, 0}, none[] = {NAN, NAN};
    const double lost[] = {-INFINITY, -INFINITY, -INFINITY, -INFINITY,
                           -INFINITY, -INFINITY, NAN,       -INFINITY};
    qns_paired r = test_of(same, 7);
    expect(&r, 1, 0, 0, 0);
    cr_expect_eq(r.n_zero, 7);
    r = test_of(none, 2);
    cr_expect_eq(r.n, 0);
    cr_expect(isnan(r.p) && isnan(r.shift));
    r = test_of(lost, 8);
    cr_expect_eq(r.n, 7);
    expect(&r, 2.0 / 128, -INFINITY, -INFINITY, -INFINITY);
    const double one[] = {-INFINITY, 0.5, 0.25, 1, 0.75, 0.5, 0.25, 1};
    r = test_of(one, 8); /* one lost sample is one sample */
    cr_expect(isfinite(r.shift) && r.shift > 0);
}

/* scipy: min(1, 2 * binom.cdf(min(b, c), b + c, 0.5)). */
Test(paired, mcnemar)
{
    near(qns_mcnemar(0, 0), 1);
    near(qns_mcnemar(1, 0), 1);
    near(qns_mcnemar(3, 3), 1);
    near(qns_mcnemar(7, 2), 0.1796875);
    near(qns_mcnemar(2, 7), 0.1796875);
    cr_expect_float_eq(qns_mcnemar(30, 12), 0.007915897334896727, 1e-14);
    cr_expect_float_eq(qns_mcnemar(420, 500), 0.009162763875231326, 1e-13);
    cr_expect(qns_mcnemar(1000000, 1200000) < 1e-300);
}

/* As R's p.adjust(p, "BH") and p.adjust(p, "BY") define it; numbers from numpy. */
Test(paired, false_discovery_rates)
{
    const double p[] = {0.01, 0.02, 0.03, 0.04, 0.05, 0.5, 0.001, 0.04, NAN};
    const double bh[] = {0.04,
                         0.05333333333333334,
                         0.05333333333333334,
                         0.05333333333333334,
                         0.05714285714285715,
                         0.5,
                         0.008,
                         0.05333333333333334};
    const double by[] = {0.10871428571428571, 0.14495238095238094, 0.14495238095238094,
                         0.14495238095238094, 0.15530612244897957, 1,
                         0.02174285714285714, 0.14495238095238094};
    double q[QNS_ARRAY_LEN(p)];
    qns_err err = {0};
    cr_assert_eq(qns_fdr(q, p, QNS_ARRAY_LEN(p), QNS_FDR_BH, &err), QNS_OK);
    for (size_t i = 0; i < QNS_ARRAY_LEN(bh); i++)
        near(q[i], bh[i]);
    cr_expect(isnan(q[8]));
    cr_assert_eq(qns_fdr(q, p, QNS_ARRAY_LEN(p), QNS_FDR_BY, &err), QNS_OK);
    for (size_t i = 0; i < QNS_ARRAY_LEN(by); i++)
        near(q[i], by[i]);
}

/* 300 comparisons of 40 layers in which nothing changed, the layers strongly dependent on each
 * other: at a rate of 5 % about 15 of them or fewer may find something. */
Test(paired, nothing_changed_is_seldom_a_discovery)
{
    enum { ROUNDS = 300, LAYERS = 40, SAMPLES = 30 };
    qns_rng rng;
    qns_err err = {0};
    int wrong = 0;
    qns_rng_seed(&rng, 1);
    for (int round = 0; round < ROUNDS; round++) {
        double shared[SAMPLES], p[LAYERS], q[LAYERS];
        bool any = false;
        for (size_t i = 0; i < SAMPLES; i++)
            shared[i] = qns_rng_unit(&rng) - 0.5;
        for (size_t k = 0; k < LAYERS; k++) {
            double d[SAMPLES];
            qns_paired r;
            for (size_t i = 0; i < SAMPLES; i++)
                d[i] = shared[i] + qns_rng_unit(&rng) - 0.5;
            qns_paired_test(&r, d, SAMPLES);
            p[k] = r.p;
        }
        cr_assert_eq(qns_fdr(q, p, LAYERS, QNS_FDR_BH, &err), QNS_OK);
        for (size_t k = 0; k < LAYERS; k++)
            any |= q[k] <= 0.05;
        wrong += any;
    }
    cr_expect_leq(wrong, 24, "%d of 300", wrong);
    cr_expect_geq(wrong, 1, "it never finds anything");
}
