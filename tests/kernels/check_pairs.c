/* SPDX-License-Identifier: MIT */
/* Sums of pairs: variants against plain C, and plain C against long double. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { MAX_N = 70 };

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

static void run_outside(check *c)
{
    sizes(c, outside);
}

Test(pairs, pair_f32)
{
    check_family("pair_f32", offsetof(qk_table, pair_f32), run_pair);
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
