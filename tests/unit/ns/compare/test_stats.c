/* SPDX-License-Identifier: MIT */
/* Statistics of values that come in pieces: what all numbers at once give. */
#include "ns/compare/stats.h"

#include "core/base/rng.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

enum { N = 50000 };

static float x[N];

static int by_value(const void *a, const void *b)
{
    const float p = *(const float *)a, q = *(const float *)b;
    return (p > q) - (p < q);
}

static void check(size_t piece)
{
    qk_table k;
    qns_stats s;
    double sum = 0, square = 0;
    int64_t counted = 0;
    static float sorted[N];
    qk_table_init(&k, ~0u);
    qns_stats_init(&s);
    for (size_t i = 0; i < N; i += piece)
        qns_stats_add(&s, &k, x + i, N - i < piece ? N - i : piece);
    for (size_t i = 0; i < N; i++) {
        sum += (double)x[i];
        sorted[i] = x[i];
    }
    qsort(sorted, N, sizeof *sorted, by_value);
    for (size_t i = 0; i < N; i++)
        square += ((double)x[i] - sum / N) * ((double)x[i] - sum / N);
    cr_assert_eq(s.n, (uint64_t)N);
    cr_assert_eq(s.min, (double)sorted[0]);
    cr_assert_eq(s.max, (double)sorted[N - 1]);
    const double spread = sqrt(square / N);
    cr_assert(fabs(s.mean - sum / N) <= 1e-9 * (spread + fabs(sum / N)), "%g %g", s.mean, sum / N);
    cr_assert(fabs(qns_stats_std(&s) - spread) <= 1e-6 * spread, "%g, %g", qns_stats_std(&s),
              spread);
    for (int i = 0; i <= 10; i++) {
        const size_t at = i == 10 ? N - 1 : (size_t)i * N / 10;
        cr_assert(fabs(qns_stats_quantile(&s, i / 10.0) - (double)sorted[at]) <= 1.01 * s.width,
                  "%d0 %%: %g is not %g", i, qns_stats_quantile(&s, i / 10.0), (double)sorted[at]);
    }
    qns_stats_trim(&s);
    cr_assert_gt(s.n_bins, 100);
    cr_assert_gt(s.bin[0], 0);
    cr_assert_gt(s.bin[s.n_bins - 1], 0);
    for (uint32_t i = 0; i < s.n_bins; i++)
        counted += s.bin[i];
    cr_assert_eq(counted, N);
    cr_assert(s.lo <= s.min && s.lo + s.n_bins * s.width >= s.max);
}

Test(stats, pieces)
{
    qns_rng r;
    qns_rng_seed(&r, 3);
    for (size_t i = 0; i < N; i++) /* grows to both sides, and far */
        x[i] = (float)((qns_rng_unit(&r) - 0.3) * (i < N / 2 ? 0.01 : 0.02 + (double)i / 1000));
    check(N);
    check(7777);
    check(1);
}

/* Far from zero, and in one direction only. */
Test(stats, shifted)
{
    for (size_t i = 0; i < N; i++)
        x[i] = 1000.0f + (float)i / N;
    check(4096);
    for (size_t i = 0; i < N; i++)
        x[i] = -(float)i;
    check(1000);
}

Test(stats, special)
{
    qk_table k;
    qns_stats s;
    const float v[] = {1, NAN, INFINITY, -INFINITY, 1};
    qk_table_init(&k, ~0u);
    qns_stats_init(&s);
    cr_assert(isnan(qns_stats_std(&s)) && isnan(qns_stats_quantile(&s, 0.5)));
    qns_stats_add(&s, &k, v + 1, 3);
    cr_assert_eq(s.n, 0u);
    qns_stats_add(&s, &k, v, 5);
    cr_assert(s.n == 2 && s.nan == 2 && s.inf == 4);
    cr_assert(s.min == 1 && s.max == 1 && s.mean == 1 && qns_stats_std(&s) == 0);
    cr_assert_eq(qns_stats_quantile(&s, 0.5), 1);
    const float huge[] = {3.4e38f, -3.4e38f, 1e-45f};
    qns_stats_add(&s, &k, huge, 3);
    qns_stats_trim(&s);
    int64_t counted = 0;
    for (uint32_t i = 0; i < s.n_bins; i++)
        counted += s.bin[i];
    cr_assert_eq(counted, 5);
    cr_assert_eq(s.max, (double)3.4e38f);
}
