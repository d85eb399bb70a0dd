/* SPDX-License-Identifier: MIT */
/* What every metric must do: ideal value, direction, independence of how the data were cut, and the
 * special cases that other tools get wrong. */
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "ns/compare/channels.h"
#include "ns/compare/hist.h"
#include "ns/compare/metric.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3 * QNS_SUMS_BLOCK + 77 };

static float ref[N], test[N];

static void fill(uint64_t seed)
{
    qns_rng r;
    qns_rng_seed(&r, seed);
    for (size_t i = 0; i < N; i++) {
        ref[i] = (float)(4 * qns_rng_unit(&r) - 2);
        test[i] = ref[i] + (float)(0.1 * qns_rng_unit(&r) - 0.04);
    }
}

static const qk_table *kernels(void)
{
    static qk_table k;
    qk_table_init(&k, ~0u);
    return &k;
}

static qns_diff diff_of(const float *r, const float *q, size_t n, const qns_grid *grid)
{
    qns_sums s;
    qns_diff d;
    qns_sums_init(&s);
    qns_sums_add(&s, kernels(), r, q, n, grid);
    qns_diff_from_sums(&d, &s);
    return d;
}

static void near(double a, double b, double rel)
{
    cr_assert(fabs(a - b) <= rel * fmax(fabs(a), fabs(b)), "%.17g is not %.17g", a, b);
}

Test(metric, ideal)
{
    size_t n;
    const qns_grid grid = {0.01, -3, 3};
    fill(1);
    const qns_diff d = diff_of(ref, ref, N, &grid);
    cr_assert_eq(d.flags, QNS_M_EXACT);
    const qns_metric *m = qns_metrics(&n);
    for (size_t i = 0; i < n; i++)
        if (strncmp(m[i].name, "sqnr_db_", 8) != 0)
            cr_assert(m[i].get(&d) == m[i].ideal || fabs(m[i].get(&d) - m[i].ideal) < 1e-12, "%s",
                      m[i].name);
}

/* More noise is worse for every metric that says which way is better. */
Test(metric, direction)
{
    size_t n;
    const qns_grid grid = {0.01, -1.9, 1.9};
    float more[N];
    fill(2);
    for (size_t i = 0; i < N; i++)
        more[i] = test[i] + 3 * (test[i] - ref[i]);
    const qns_diff a = diff_of(ref, test, N, &grid), b = diff_of(ref, more, N, &grid);
    const qns_metric *m = qns_metrics(&n);
    for (size_t i = 0; i < n; i++) {
        const double x = m[i].get(&a), y = m[i].get(&b);
        if (m[i].better == 0 || strncmp(m[i].name, "sqnr_db_", 8) == 0 || x == y)
            continue;
        cr_assert(m[i].better > 0 ? y < x : y > x, "%s: %g then %g", m[i].name, x, y);
    }
    cr_assert_gt(a.sqnr_db, b.sqnr_db);
    cr_assert_lt(a.rmse_steps, b.rmse_steps);
}

/* Against sums made here in long double. */
Test(metric, values)
{
    const qns_grid grid = {0.02, -1.5, 1.5};
    long double rr = 0, ee = 0, qq = 0, rq = 0, e1 = 0;
    uint64_t clipped = 0;
    fill(3);
    for (size_t i = 0; i < N; i++) {
        const long double r = ref[i], q = test[i];
        rr += r * r;
        qq += q * q;
        rq += r * q;
        ee += (q - r) * (q - r);
        e1 += q - r;
        clipped += r < -1.5102L || r > 1.5102L;
    }
    const qns_diff d = diff_of(ref, test, N, &grid);
    near(d.sqnr_db, (double)(10 * log10l(rr / ee)), 1e-12);
    near(d.rmse, (double)sqrtl(ee / N), 1e-12);
    near(d.rmse_steps, (double)sqrtl(ee / N) / 0.02, 1e-12);
    near(d.cosine, (double)(rq / sqrtl(rr * qq)), 1e-12);
    near(d.bias, (double)(e1 / N), 1e-9);
    near(d.bias_sigma, (double)(e1 / N / sqrtl(ee / N - e1 / N * (e1 / N))), 1e-9);
    near(d.clipped, (double)clipped / N, 1e-15);
    cr_assert_gt(clipped, 0);
    cr_assert(d.flags & QNS_M_SATURATED);
}

/* Rounding to a grid gives 1 / sqrt(12) steps. */
Test(metric, ideal_rounding)
{
    const qns_grid grid = {0.01, -3, 3};
    fill(4);
    for (size_t i = 0; i < N; i++)
        test[i] = (float)(rint((double)ref[i] / 0.01) * 0.01);
    const qns_diff d = diff_of(ref, test, N, &grid);
    cr_assert(fabs(d.rmse_steps - 0.288675) < 0.01, "%g", d.rmse_steps);
    cr_assert_leq(d.max_abs_steps, 0.5001);
    cr_assert_eq(d.clipped, 0);
}

/* The same bits for every split at block borders, and for sums per part that are merged in order.
 */
Test(metric, split)
{
    qns_sums whole, parts;
    fill(5);
    qns_sums_init(&whole);
    qns_sums_init(&parts);
    qns_sums_add(&whole, kernels(), ref, test, N, NULL);
    for (size_t i = 0; i < N; i += QNS_SUMS_BLOCK) {
        qns_sums one;
        const size_t n = N - i < QNS_SUMS_BLOCK ? N - i : QNS_SUMS_BLOCK;
        qns_sums_init(&one);
        qns_sums_add(&one, kernels(), ref + i, test + i, n, NULL);
        qns_sums_merge(&parts, &one);
    }
    cr_assert_eq(memcmp(&whole.rr, &parts.rr, sizeof(double)), 0);
    cr_assert_eq(memcmp(&whole.ee, &parts.ee, sizeof(double)), 0);
    cr_assert_eq(memcmp(&whole.rq, &parts.rq, sizeof(double)), 0);
    cr_assert_eq(whole.max_abs, parts.max_abs);
    cr_assert_eq(whole.ref_min, parts.ref_min);
    cr_assert_eq(whole.n, parts.n);
}

/* result(add(a), add(b)) is result(add(a ++ b)) up to rounding, wherever the cut is. */
Test(metric, merge)
{
    fill(6);
    const qns_diff whole = diff_of(ref, test, N, NULL);
    for (size_t cut = 1; cut < N; cut += 997) {
        qns_sums a, b;
        qns_diff d;
        qns_sums_init(&a);
        qns_sums_init(&b);
        qns_sums_add(&a, kernels(), ref, test, cut, NULL);
        qns_sums_add(&b, kernels(), ref + cut, test + cut, N - cut, NULL);
        qns_sums_merge(&a, &b);
        qns_diff_from_sums(&d, &a);
        near(d.sqnr_db, whole.sqnr_db, 1e-12);
        near(d.cosine, whole.cosine, 1e-12);
        cr_assert_eq(d.max_abs, whole.max_abs);
    }
}

Test(metric, gain)
{
    fill(7);
    for (size_t i = 0; i < N; i++)
        test[i] = 1.1f * ref[i];
    const qns_diff d = diff_of(ref, test, N, NULL);
    near(d.sqnr_db, 20, 1e-5); /* an error of a tenth */
    cr_assert_gt(d.cosine, 1 - 1e-9);
    cr_assert(isnan(d.rmse_steps));
}

Test(metric, blow_up)
{
    fill(8);
    for (size_t i = 0; i < N; i++)
        test[i] = 10 * ref[i];
    near(diff_of(ref, test, N, NULL).sqnr_db, -20 * log10(9), 1e-6);
}

Test(metric, sign_flip)
{
    fill(9);
    for (size_t i = 0; i < N; i++)
        test[i] = -ref[i];
    const qns_diff d = diff_of(ref, test, N, NULL);
    near(d.sqnr_db, -20 * log10(2), 1e-9);
    near(d.cosine, -1, 1e-12);
}

Test(metric, channel_swap)
{
    fill(10);
    memcpy(test, ref, sizeof ref);
    const size_t n = 1000;
    memcpy(test, ref + n, n * sizeof *ref);
    memcpy(test + n, ref, n * sizeof *ref);
    cr_assert_lt(diff_of(ref, test, 2 * n, NULL).sqnr_db, 0);
}

Test(metric, constant)
{
    for (size_t i = 0; i < N; i++) {
        ref[i] = 0.3f;
        test[i] = 0.4f;
    }
    const qns_diff d = diff_of(ref, test, N, NULL);
    cr_assert(d.flags & QNS_M_CONSTANT);
    cr_assert(isinf(d.bias_sigma) && d.bias_sigma > 0);
    near(d.bias, (double)0.4f - (double)0.3f, 1e-12);
}

Test(metric, zeros)
{
    memset(ref, 0, sizeof ref);
    memset(test, 0, sizeof test);
    qns_diff d = diff_of(ref, test, N, NULL);
    cr_assert(d.flags & QNS_M_EXACT);
    cr_assert(d.flags & QNS_M_ZERO_REF);
    cr_assert(d.sqnr_db > 0 && isinf(d.sqnr_db));
    cr_assert(isnan(d.cosine));
    test[5] = 1;
    d = diff_of(ref, test, N, NULL);
    cr_assert(d.flags & QNS_M_ZERO_REF);
    cr_assert_not(d.flags & QNS_M_EXACT);
    cr_assert(d.sqnr_db < 0 && isinf(d.sqnr_db));
    cr_assert_eq(d.max_abs, 1);
    /* A dead test side is 0 dB, and its cosine is not "identical". */
    fill(11);
    memset(test, 0, sizeof test);
    d = diff_of(ref, test, N, NULL);
    cr_assert_eq(d.sqnr_db, 0);
    cr_assert(isnan(d.cosine));
    cr_assert(d.flags & QNS_M_UNDEFINED);
}

Test(metric, one_nan)
{
    fill(12);
    memcpy(test, ref, sizeof ref);
    test[4000] = NAN;
    qns_diff d = diff_of(ref, test, N, NULL);
    cr_assert_eq(d.nonfinite_test, 1);
    cr_assert_eq(d.nonfinite_ref, 0);
    cr_assert_eq(d.n, N - 1);
    cr_assert(d.flags & QNS_M_NONFINITE_TEST);
    cr_assert_not(d.flags & QNS_M_EXACT);
    ref[1] = INFINITY;
    d = diff_of(ref, test, N, NULL);
    cr_assert_eq(d.nonfinite_ref, 1);
    cr_assert_eq(d.n, N - 2);
    cr_assert(isfinite(d.ref_max));
}

Test(metric, empty)
{
    const qns_diff d = diff_of(ref, test, 0, NULL);
    cr_assert(d.flags & QNS_M_EMPTY);
    cr_assert(isnan(d.sqnr_db));
}

Test(metric, tiny_differences_are_not_exact)
{
    const float a[1] = {0}, b[1] = {1e-45f};
    cr_assert_not(diff_of(a, b, 1, NULL).flags & QNS_M_EXACT);
}

Test(metric, samples)
{
    double db[40];
    int64_t id[40];
    qns_diff d = {0};
    for (int i = 0; i < 40; i++) {
        db[i] = (i * 7) % 40;
        id[i] = 100 + i;
    }
    qns_diff_samples(&d, db, id, 40);
    cr_assert_eq(d.sqnr_db_min, 0);
    cr_assert_eq(d.sqnr_db_p5, 1);
    cr_assert_eq(d.sqnr_db_median, 19);
    cr_assert_eq(d.worst_sample, 100);
}

/* Channels last and channels first give what each channel alone gives. */
Test(metric, channels)
{
    enum { C = 7, P = 500 };
    float r1[C * P], t1[C * P], r2[C * P], t2[C * P];
    qns_sums first[C], last[C], alone;
    qns_grid grid[C];
    fill(13);
    for (size_t c = 0; c < C; c++) {
        grid[c] = (qns_grid){0.01 * (double)(c + 1), -1, 1};
        qns_sums_init(&first[c]);
        qns_sums_init(&last[c]);
        for (size_t i = 0; i < P; i++) {
            r1[c * P + i] = r2[i * C + c] = ref[c * P + i];
            t1[c * P + i] = t2[i * C + c] = test[c * P + i];
        }
    }
    qns_channel_sums_add(first, kernels(), r1, t1, 1, C, P, grid, 1);
    qns_channel_sums_add(last, kernels(), r2, t2, P, C, 1, grid, 1);
    for (size_t c = 0; c < C; c++) {
        qns_sums_init(&alone);
        qns_sums_add(&alone, kernels(), r1 + c * P, t1 + c * P, P, &grid[c]);
        cr_assert_eq(memcmp(&alone, &first[c], sizeof alone), 0);
        cr_assert_eq(memcmp(&alone, &last[c], sizeof alone), 0);
    }
}

/* Codes are what their floats are, whatever they are cut into; every instruction set agrees. */
Test(metric, codes)
{
    static uint8_t q[N];
    static float real[N];
    const qns_grid grid = {0.01, -1.28, 1.27};
    fill(15);
    /* A scale that is no float; one that is; one below the normal ones. */
    static const double scales[] = {0.01 / 3, (float)(0.01 / 3), 0x1.2p-140};
    for (int kind = 0; kind < 12; kind++) {
        const qns_codes c = {scales[kind / 4], kind % 2 ? -3 : 128, kind % 2, kind / 2 % 2};
        qns_sums a, b;
        for (size_t i = 0; i < N; i++) {
            q[i] = (uint8_t)(i * 7);
            const int v = c.is_signed ? (int8_t)q[i] : q[i];
            real[i] = c.by_channel ? (float)((v - c.zero) * c.scale)
                                   : (float)c.scale * (float)(v - c.zero);
        }
        for (unsigned mask = 0; mask < 8; mask++) {
            qk_table k;
            qk_table_init(&k, mask);
            qns_sums_init(&a);
            qns_sums_init(&b);
            qns_sums_add(&a, kernels(), ref, real, N, &grid);
            qns_sums_add_codes(&b, &k, ref, q, &c, N, &grid);
            cr_assert_eq(memcmp(&a, &b, sizeof a), 0, "kind %d, mask %u", kind, mask);
        }
    }
}

/* A float next to a border of what the codes reach. */
Test(metric, clipped_to_the_last_bit)
{
    const qns_grid grid = {0.1, 0, 25.5};
    const double hi = grid.hi + 0.51 * grid.step, lo = -0.51 * grid.step;
    for (int i = -3; i <= 3; i++) {
        float r[2] = {(float)hi, (float)lo};
        const float q[2] = {25.5f, 0};
        for (int k = 0; k < abs(i); k++) {
            r[0] = nextafterf(r[0], i < 0 ? -INFINITY : INFINITY);
            r[1] = nextafterf(r[1], i < 0 ? -INFINITY : INFINITY);
        }
        const double out = ((double)r[0] > hi) + ((double)r[1] < lo);
        cr_assert_eq(diff_of(r, q, 2, &grid).clipped, out / 2, "%d", i);
    }
}

/* A code never lies on the border of two bins, and nothing is lost. */
Test(metric, histogram)
{
    const qns_grid grid = {0.05, -1.0, 1.0};
    qns_sums s;
    static qns_bins b;
    uint64_t n_ref = 0, n_test = 0;
    fill(14);
    for (size_t i = 0; i < N; i++)
        test[i] = (float)(0.05 * fmin(20, fmax(-20, rint((double)ref[i] / 0.05))));
    qns_sums_init(&s);
    qns_sums_add(&s, kernels(), ref, test, N, &grid);
    qns_bins_init(&b, &s, &grid);
    qns_bins_add(&b, ref, test, N);
    cr_assert_gt(b.n, 10);
    for (uint32_t i = 0; i < b.n; i++) {
        n_ref += b.ref[i];
        n_test += b.test[i];
    }
    cr_assert_eq(n_ref, N);
    cr_assert_eq(n_test, N);
    const double width = (b.hi - b.lo) / b.n;
    near(width, 0.05, 1e-9);
    near(fmod((-1.0 - b.lo) / width, 1.0), 0.5, 1e-6);
}

/* Errors are counted where the float value is; a value without a partner counts in neither. */
Test(metric, error_by_value)
{
    static const float r[] = {0.1f, 0.1f, 1.9f, NAN, 1.9f},
                       t[] = {0.3f, 0.3f, 1.4f, 0.0f, INFINITY};
    static qns_bins b;
    b = (qns_bins){.n = 2, .lo = 0, .hi = 2};
    qns_bins_add(&b, r, t, 5);
    cr_expect_eq(b.ref[0], 2);
    cr_expect_eq(b.ref[1], 2);
    cr_expect_eq(b.test[0], 3);
    cr_expect_eq(b.pairs[0], 2);
    cr_expect_eq(b.pairs[1], 1);
    near(b.error[0], 0.4, 1e-6);
    near(b.error2[0], 0.08, 1e-6);
    near(b.error[1], -0.5, 1e-6);
    near(b.error2[1], 0.25, 1e-6);
}
