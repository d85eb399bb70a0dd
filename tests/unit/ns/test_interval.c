/* SPDX-License-Identifier: MIT */
/* Intervals: published values, symmetry, and how often they hold the truth. */
#include "core/base/rng.h"
#include "ns/interval.h"

#include <criterion/criterion.h>
#include <math.h>

/* Newcombe 1998, table III: 36, 12, 2, 0 of 50 gives 0.0569 to 0.3404. */
Test(interval, paired_published)
{
    const qns_interval i = qns_interval_paired(36, 12, 2, 0);
    cr_assert_float_eq(i.value, 0.2, 1e-12);
    cr_assert_float_eq(i.lo, 0.0569, 5e-5);
    cr_assert_float_eq(i.hi, 0.3404, 5e-5);
}

Test(interval, paired_ends)
{
    const qns_interval same = qns_interval_paired(300, 0, 0, 0);
    cr_assert(same.value == 0 && same.lo < 0 && same.hi > 0 && same.hi < 0.02);
    const qns_interval all = qns_interval_paired(0, 54, 0, 0);
    cr_assert(all.value == 1 && all.lo > 0.9 && all.hi == 1);
    const qns_interval none = qns_interval_paired(0, 0, 0, 0);
    cr_assert(isnan(none.value) && none.lo == -1 && none.hi == 1);
    const qns_interval a = qns_interval_paired(200, 9, 4, 20),
                       b = qns_interval_paired(200, 4, 9, 20);
    cr_assert_float_eq(a.lo, -b.hi, 1e-12);
    cr_assert_float_eq(a.hi, -b.lo, 1e-12);
    /* Answers that go together make it narrower than answers that do not. */
    const qns_interval apart = qns_interval_paired(150, 59, 54, 0);
    cr_assert(apart.hi - apart.lo > a.hi - a.lo);
}

/* Samples of a known world: both right with 0.7, only the first 0.06, only the second 0.03. */
Test(interval, paired_coverage)
{
    enum { WORLDS = 2000, N = 200 };
    qns_rng r;
    int held = 0;
    qns_rng_seed(&r, 7);
    for (int w = 0; w < WORLDS; w++) {
        int64_t n[4] = {0};
        for (int i = 0; i < N; i++) {
            const double x = qns_rng_unit(&r);
            n[x < 0.7 ? 0 : x < 0.76 ? 1 : x < 0.79 ? 2 : 3]++;
        }
        const qns_interval i = qns_interval_paired(n[0], n[1], n[2], n[3]);
        held += i.lo <= 0.03 && i.hi >= 0.03;
    }
    cr_assert(held > 0.935 * WORLDS && held < 0.985 * WORLDS, "%d of %d", held, WORLDS);
}

static void energies(double *e, size_t n, qns_rng *r)
{
    for (size_t i = 0; i < n; i++) {
        e[2 * i] = 50 + 100 * qns_rng_unit(r);
        e[2 * i + 1] = 2 * qns_rng_unit(r); /* 1 on average: 20 dB */
    }
}

Test(interval, sqnr_coverage)
{
    enum { WORLDS = 200, N = 100 };
    double e[2 * N];
    qns_rng r;
    int held = 0;
    qns_rng_seed(&r, 8);
    for (int w = 0; w < WORLDS; w++) {
        qns_interval i;
        energies(e, N, &r);
        cr_assert_eq(qns_interval_sqnr(&i, e, N, 1, NULL), QNS_OK);
        cr_assert(i.lo <= i.value && i.value <= i.hi);
        held += i.lo <= 20 && i.hi >= 20;
    }
    cr_assert(held > 0.88 * WORLDS && held < WORLDS, "%d of %d", held, WORLDS);
}

Test(interval, sqnr_special)
{
    qns_interval i, again;
    double e[] = {10, 0, 20, 0, 5, 0};
    cr_assert_eq(qns_interval_sqnr(&i, e, 3, 1, NULL), QNS_OK);
    cr_assert(i.value == INFINITY && i.lo == INFINITY);
    e[1] = 0.1;
    cr_assert_eq(qns_interval_sqnr(&i, e, 3, 1, NULL), QNS_OK);
    cr_assert_float_eq(i.value, 10 * log10(350), 1e-9);
    cr_assert(isfinite(i.lo) && i.hi == INFINITY);
    cr_assert_eq(qns_interval_sqnr(&again, e, 3, 1, NULL), QNS_OK);
    cr_assert(i.lo == again.lo && i.hi == again.hi);
    cr_assert_eq(qns_interval_sqnr(&i, e, 0, 1, NULL), QNS_OK);
    cr_assert(isnan(i.value) && i.lo == -INFINITY && i.hi == INFINITY);
}
