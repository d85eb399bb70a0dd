/* SPDX-License-Identifier: MIT */
/* Percentile, entropy and mse: what they cut off, and that it is worth it. */
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/quant/observer.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { N = 20000 };

static const qns_qrule_range codes = {QNS_U8, 0, 255, false, 0x1p-23F};

/* A bell from -3 to 3, and as many outliers as asked for. */
static float *numbers(uint64_t seed, int outliers)
{
    float *x = malloc(N * sizeof *x);
    qns_rng rng;
    qns_rng_seed(&rng, seed);
    for (int i = 0; i < N; i++) {
        x[i] = -3;
        for (int k = 0; k < 6; k++)
            x[i] += (float)qns_rng_unit(&rng);
    }
    for (int i = 0; i < outliers; i++)
        x[i * 7] = 100;
    return x;
}

static qns_range range_by(const char *name, const float *x, float percentile)
{
    const qns_observer *o = qns_observer_find(name);
    const qns_obs_args args = {
        .channels = 1, .bins = 2048, .percentile = percentile, .rule = codes};
    void *state;
    qns_range r;
    qns_err err = {0};
    cr_assert_not_null(o);
    cr_assert_eq(o->create(&state, &args, &err), QNS_OK);
    for (int i = 0; i < N; i += N / 4)
        cr_assert_eq(o->observe(state, 0, x + i, N / 4, qns_range_of(x + i, N / 4), &err), QNS_OK);
    cr_assert_eq(o->range(&r, state, 0, &err), QNS_OK);
    o->free(state);
    return r;
}

static double error_of(const float *x, qns_range r)
{
    float scale;
    int32_t zero;
    double sum = 0;
    cr_assert_eq(qns_qparams_choose(&scale, &zero, &codes, r, NULL), QNS_OK);
    for (int i = 0; i < N; i++) {
        const double q = rint((double)x[i] / (double)scale) + zero;
        const double e = (double)x[i] - (double)scale * ((q < 0 ? 0 : q > 255 ? 255 : q) - zero);
        sum += e * e;
    }
    return sum;
}

static int ascending(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

Test(obs_tails, percentile_is_the_quantile)
{
    static const float parts[] = {99, 99.9F, 75};
    float *x = numbers(1, 0);
    const qns_range all = qns_range_of(x, N);
    const float bin = (all.hi - all.lo) / 2048;
    qsort(x, N, sizeof *x, ascending);
    const qns_range whole = range_by("percentile", x, 100);
    cr_assert(whole.lo == all.lo && whole.hi == all.hi);
    for (size_t i = 0; i < 3; i++) {
        const qns_range r = range_by("percentile", x, parts[i]);
        const int cut = (int)(N * (1 - (double)parts[i] / 100));
        cr_expect_float_eq(r.hi, x[N - 1 - cut], 2 * bin + (x[N - cut + 4] - x[N - cut - 6]));
        cr_expect_float_eq(r.lo, x[cut], 2 * bin + (x[cut + 5] - x[cut - 5]));
    }
    free(x);
}

Test(obs_tails, mse_is_better_than_minmax_where_there_are_outliers)
{
    float *x = numbers(2, 3);
    const qns_range all = qns_range_of(x, N), r = range_by("mse", x, 0);
    cr_expect_gt(all.hi, 99);
    /* Not at all costs: three outliers at 100 weigh more than the steps of all others. */
    cr_expect_leq(error_of(x, r), error_of(x, all));
    for (int i = 8; i <= 128; i += 4) {
        const float part = (float)i / 128;
        const qns_range other = {fmaxf(all.lo, -all.hi * part), all.hi * part};
        cr_expect_leq(error_of(x, r), error_of(x, other) * 1.02, "part %d", i);
    }
    free(x);
}

Test(obs_tails, entropy_drops_outliers)
{
    float *x = numbers(3, 2), *clean = numbers(3, 0);
    const qns_range r = range_by("entropy", x, 0), c = range_by("entropy", clean, 0);
    cr_expect_lt(r.hi, 50);
    cr_expect_gt(r.hi, 1);
    /* A bell loses little. */
    cr_expect_gt(c.hi, 0.5F * qns_range_of(clean, N).hi);
    free(x);
    free(clean);
}

/* Numbers that were codes before have gaps between them, and what grows the range must not fill the
 * gaps: the divergence would then be that of the gaps. */
Test(obs_tails, entropy_keeps_the_range_of_codes)
{
    float *x = numbers(4, 0);
    for (int i = 0; i < N; i++)
        x[i] = rintf(x[i] * 40 * (1 + (float)i / N)) * 0.5847F;
    const qns_range all = qns_range_of(x, N), r = range_by("entropy", x, 0);
    cr_expect_gt(r.hi, 0.4F * all.hi, "%g of %g", (double)r.hi, (double)all.hi);
    free(x);
}

/* Behind a relu most numbers are zero, which every range can say exactly. */
Test(obs_tails, zeros_do_not_narrow_the_range)
{
    float *x = numbers(5, 0), *y = numbers(5, 0);
    for (int i = 0; i < N; i++) {
        x[i] = fabsf(x[i]);
        y[i] = i % 10 ? 0 : x[i];
    }
    const qns_range dense = range_by("entropy", x, 0), sparse = range_by("entropy", y, 0);
    cr_expect_gt(sparse.hi, 0.7F * dense.hi, "%g of %g", (double)sparse.hi, (double)dense.hi);
    free(x);
    free(y);
}

Test(obs_tails, infinities_are_an_error)
{
    const qns_obs_args args = {.channels = 1, .bins = 64, .percentile = 99, .rule = codes};
    const float x[2] = {1, INFINITY};
    void *state;
    qns_err err = {0};
    cr_assert_eq(qns_obs_mse.create(&state, &args, &err), QNS_OK);
    cr_expect_eq(qns_obs_mse.observe(state, 0, x, 2, qns_range_of(x, 2), &err), QNS_E_DATA);
    qns_obs_mse.free(state);
}

Test(obs_tails, one_number_and_none)
{
    static const char *const names[] = {"percentile", "entropy", "mse"};
    const qns_obs_args args = {.channels = 1, .bins = 64, .percentile = 99, .rule = codes};
    const float same[3] = {2, 2, 2};
    for (size_t i = 0; i < 3; i++) {
        const qns_observer *o = qns_observer_find(names[i]);
        void *state;
        qns_range r;
        qns_err err = {0};
        cr_assert_eq(o->create(&state, &args, &err), QNS_OK);
        cr_assert_eq(o->range(&r, state, 0, &err), QNS_OK);
        cr_expect(r.lo == INFINITY && r.hi == -INFINITY, "%s", names[i]);
        cr_assert_eq(o->observe(state, 0, same, 3, (qns_range){2, 2}, &err), QNS_OK);
        cr_assert_eq(o->range(&r, state, 0, &err), QNS_OK);
        cr_expect(r.lo == 2 && r.hi == 2, "%s: %g %g", names[i], (double)r.lo, (double)r.hi);
        o->free(state);
    }
}
