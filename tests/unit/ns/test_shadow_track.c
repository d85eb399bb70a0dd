/* SPDX-License-Identifier: MIT */
/* Errors over more samples than are kept. */
#include "ns/compare/metric.h"
#include "ns/shadow.h"
#include "ns/shadow_track.h"

#include <criterion/criterion.h>
#include <math.h>

static void add(qns_track *t, float ref, float test, int64_t id)
{
    qns_sums sample;
    qns_track_measure(&sample, t, &ref, &test);
    qns_track_add(t, &sample, id);
}

Test(shadow_track, more_samples_than_kept)
{
    enum { N = 3 * QNS_SHADOW_KEPT, WORST = 4097 };
    qns_arena *a = NULL;
    qns_track t;
    qns_diff d;
    qk_table k;
    qk_table_init(&k, ~0u);
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    cr_assert_eq(qns_track_init(&t, a, &k, (qns_geom){1, 1, 1}, NULL, 0, NULL), QNS_OK);
    for (int64_t i = 0; i < N; i++) {
        /* From 20 dB up to 80 dB; one odd-numbered sample is far below. */
        const double db = i == WORST ? -10 : 20 + 60.0 * (double)i / N;
        const float ref = 1, test = (float)(1 + pow(10, -db / 20));
        add(&t, ref, test, 100 + i);
    }
    cr_assert_leq(t.n_kept, (size_t)QNS_SHADOW_KEPT);
    cr_assert_gt(t.n_kept, (size_t)QNS_SHADOW_KEPT / 3);
    qns_track_diff(&d, &t);
    cr_assert_eq(d.n, (uint64_t)N);
    cr_assert_eq(d.worst_sample, 100 + WORST);
    cr_assert(fabs(d.sqnr_db_min + 10) < 0.01, "%g", d.sqnr_db_min);
    cr_assert(fabs(d.sqnr_db_p5 - 23) < 0.2, "%g", d.sqnr_db_p5);
    cr_assert(fabs(d.sqnr_db_median - 50) < 0.2, "%g", d.sqnr_db_median);
    qns_arena_free(a);
}

Test(shadow_track, nan_is_the_worst_sample)
{
    qns_arena *a = NULL;
    qns_track t;
    qns_diff d;
    qk_table k;
    qk_table_init(&k, ~0u);
    const float ref[3] = {1, 1, 1}, test[3] = {0.5f, NAN, 1};
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    cr_assert_eq(qns_track_init(&t, a, &k, (qns_geom){1, 1, 1}, NULL, 0, NULL), QNS_OK);
    for (int i = 0; i < 3; i++)
        add(&t, ref[i], test[i], i);
    qns_track_diff(&d, &t);
    cr_assert_eq(d.worst_sample, 1);
    cr_assert(isnan(d.sqnr_db_min));
    cr_assert_eq(d.nonfinite_test, 1u);
    qns_arena_free(a);
}
