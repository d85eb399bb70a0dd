/* SPDX-License-Identifier: MIT */
/* Sums of pairs: variants against plain C, and plain C against long double. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MAX_N = 140 };

/* Finite: what happens to NaN and infinity is another test. */
static float *numbers(check *c, size_t n)
{
    float *x = check_in_f32(c, n);
    for (size_t i = 0; i < n; i++)
        x[i] = isfinite(x[i]) ? x[i] : -0.0f;
    return x;
}

static void pair(check *c, size_t n)
{
    qk_pair ref, var;
    float *r = numbers(c, n), *q = numbers(c, n);
    check_problem(c, "n %zu", n);
    for (size_t i = 0; i < n; i += 3) /* near each other, as a pair of layers is */
        q[i] = r[i] * 1.001f;
    c->ref.pair_f32(&ref, r, q, n);
    c->var.pair_f32(&var, r, q, n);
    cr_assert_eq(memcmp(&ref, &var, sizeof ref), 0, "%s, mask %u, fill %s", c->problem, c->mask,
                 check_fill_name(c->fill));
    check_free(r);
    check_free(q);
}

/* Every code becomes the float that it stands for, and is summed as such. */
static void codes(check *c, size_t n)
{
    static const float scale[] = {0.0371f, 1e-40f, 0, 1e36f};
    const bool is_signed[QK_PAIR_TESTS] = {check_pick(c, 0, 1) == 1, check_pick(c, 0, 1) == 1};
    const size_t n_test = check_pick(c, 1, QK_PAIR_TESTS);
    float *r = numbers(c, n), *floats = check_in_bytes(c, n * sizeof *floats);
    qk_coded test[QK_PAIR_TESTS];
    qk_pair ref[QK_PAIR_TESTS], var[QK_PAIR_TESTS], want;
    uint8_t *q[QK_PAIR_TESTS];
    for (size_t k = 0; k < n_test; k++) {
        q[k] = check_in_u8(c, n);
        test[k] = (qk_coded){q[k], scale[check_pick(c, 0, 3)], (int32_t)check_pick(c, 0, 511) - 256,
                             is_signed[k]};
    }
    check_problem(c, "n %zu, %zu sides, scale %g, signed %d", n, n_test, (double)test[0].scale,
                  is_signed[0]);
    c->ref.pair_codes(ref, r, test, n_test, n);
    c->var.pair_codes(var, r, test, n_test, n);
    cr_assert_eq(memcmp(ref, var, n_test * sizeof *ref), 0, "%s, mask %u, fill %s", c->problem,
                 c->mask, check_fill_name(c->fill));
    for (size_t k = 0; k < n_test; k++) {
        for (size_t i = 0; i < n; i++)
            floats[i] =
                test[k].scale * (float)((is_signed[k] ? (int8_t)q[k][i] : q[k][i]) - test[k].zero);
        c->ref.pair_f32(&want, r, floats, n);
        cr_assert_eq(memcmp(&want, &ref[k], sizeof want), 0, "side %zu of %s, fill %s", k,
                     c->problem, check_fill_name(c->fill));
        check_free(q[k]);
    }
    check_free(r);
    check_free(floats);
}

static void outside(check *c, size_t n)
{
    float *x = check_in_f32(c, n);
    const float lo = x[check_pick(c, 0, n - 1)], hi = x[check_pick(c, 0, n - 1)];
    size_t want = 0;
    check_problem(c, "n %zu, %a to %a", n, (double)lo, (double)hi);
    for (size_t i = 0; i < n; i++)
        want += x[i] < lo || x[i] > hi;
    cr_assert_eq(c->ref.outside_f32(x, n, lo, hi), want, "%s", c->problem);
    cr_assert_eq(c->var.outside_f32(x, n, lo, hi), want, "%s, mask %u", c->problem, c->mask);
    check_free(x);
}

static void sizes(check *c, void (*run)(check *c, size_t n))
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            run(c, n);
        for (int i = 0; i < 5; i++)
            run(c, 2048 - (size_t)i);
    }
}

static void run_pair(check *c)
{
    sizes(c, pair);
}

static void run_codes(check *c)
{
    for (int i = 0; i < 4; i++)
        sizes(c, codes);
}

static void run_outside(check *c)
{
    sizes(c, outside);
}

Test(pairs, pair_f32)
{
    check_family("pair_f32", offsetof(qk_table, pair_f32), run_pair);
}

Test(pairs, pair_codes)
{
    check_family("pair_codes", offsetof(qk_table, pair_codes), run_codes);
}

Test(pairs, outside_f32)
{
    check_family("outside_f32", offsetof(qk_table, outside_f32), run_outside);
}

/* One number that is none, at every place, shows in rr or qq. */
static void run_nonfinite(check *c)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    enum { N = 45 };
    qk_pair p;
    float r[N], q[N];
    for (int i = 0; i < N; i++)
        for (int k = 0; k < 6; k++) {
            for (int j = 0; j < N; j++)
                r[j] = q[j] = 3e38f;
            *(k < 3 ? &r[i] : &q[i]) = bad[k % 3];
            c->var.pair_f32(&p, r, q, N);
            cr_assert(!isfinite(p.rr + p.qq), "mask %u, place %d, case %d", c->mask, i, k);
        }
}

Test(pairs, nonfinite)
{
    check_family("pair_f32", offsetof(qk_table, pair_f32), run_nonfinite);
}

/* A reference that is none, and codes that stand for more than a float holds, show, too. */
static void run_nonfinite_codes(check *c)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY, 1};
    enum { N = 141 };
    static const uint8_t zeros[N], large[N] = {[N - 1] = 255};
    float r[N] = {0};
    qk_pair p[QK_PAIR_TESTS];
    for (int i = 0; i < N; i++)
        for (size_t k = 0; k < 4; k++) {
            const qk_coded test[] = {{zeros, 1, 0, false},
                                     {k < 3 ? zeros : large, 3e38f, 0, false}};
            r[i] = bad[k];
            c->var.pair_codes(p, r, test, QK_PAIR_TESTS, N);
            cr_assert_eq(isfinite(p[0].rr + p[0].qq), k == 3, "mask %u, place %d", c->mask, i);
            cr_assert(!isfinite(p[1].rr + p[1].qq), "mask %u, place %d, case %zu", c->mask, i, k);
            r[i] = 0;
        }
}

Test(pairs, nonfinite_codes)
{
    check_family("pair_codes", offsetof(qk_table, pair_codes), run_nonfinite_codes);
}

/* The sum of products comes from the others, and is exact where that matters. */
static void run_products(check *c)
{
    enum { N = 2048 };
    float r[N], q[N] = {0};
    qk_pair p;
    for (int i = 0; i < N; i++)
        r[i] = (float)qns_rng_unit(&c->rng) - 0.3f;
    c->var.pair_f32(&p, r, r, N);
    cr_assert(p.rq == p.rr && p.ee == 0);
    c->var.pair_f32(&p, r, q, N);
    cr_assert(p.rq == 0 && p.ee == p.rr);
    c->var.pair_f32(&p, q, r, N);
    cr_assert(p.rq == 0 && p.ee == p.qq);
    for (int i = 0; i < N; i++)
        q[i] = -r[i];
    c->var.pair_f32(&p, r, q, N);
    cr_assert(p.rq == -p.rr);
}

Test(pairs, products)
{
    check_family("pair_f32", offsetof(qk_table, pair_f32), run_products);
}

static void near(double got, long double want, long double scale)
{
    cr_assert(fabsl((long double)got - want) <= 1e-14L * scale, "%.17g, want %.17Lg", got, want);
}

Test(pairs, definition)
{
    enum { N = 1999 };
    static float r[N], q[N];
    long double rr = 0, qq = 0, rq = 0, ee = 0, e1 = 0, abs1 = 0, most = 0;
    qk_table t;
    qk_pair p;
    qns_rng rng;
    qns_rng_seed(&rng, 7);
    for (int i = 0; i < N; i++) {
        r[i] = (float)qns_rng_below(&rng, 1 << 20) / 4096.0f - 100;
        q[i] = r[i] + (float)qns_rng_below(&rng, 1 << 10) / 1024.0f - 0.4f;
        const long double a = r[i], b = q[i], e = b - a;
        rr += a * a;
        qq += b * b;
        rq += a * b;
        ee += e * e;
        e1 += e;
        abs1 += fabsl(e);
        most = fabsl(e) > most ? fabsl(e) : most;
    }
    qk_table_init(&t, ~0u);
    t.pair_f32(&p, r, q, N);
    near(p.rr, rr, rr);
    near(p.qq, qq, qq);
    near(p.rq, rq, rr);
    near(p.ee, ee, ee);
    near(p.e, e1, abs1);
    cr_assert_eq((long double)p.max_abs, most);
}
