/* SPDX-License-Identifier: MIT */
/* Pooling and range: variants against plain C, plain C against the definition. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_N = 133, MAX_TAPS = 600 };

/* Taps of n elements: own memory each, and pointers to it. */
typedef struct window {
    void *own[MAX_TAPS];
    size_t n_taps, n;
} window;

typedef void *(*fill_fn)(check *c, size_t n);

static void *fill_u8(check *c, size_t n)
{
    return check_in_u8(c, n);
}

static void *fill_f32(check *c, size_t n)
{
    return check_in_f32(c, n);
}

static window *window_new(check *c, size_t n_taps, size_t n, fill_fn fill)
{
    window *w = calloc(1, sizeof *w);

    w->n_taps = n_taps;
    w->n = n;
    for (size_t t = 0; t < n_taps; t++)
        w->own[t] = fill(c, n);
    check_problem(c, "taps %zu, channels %zu", n_taps, n);
    return w;
}

static void window_free(window *w)
{
    for (size_t t = 0; t < w->n_taps; t++)
        check_free(w->own[t]);
    free(w);
}

static void max_u8(check *c, size_t n_taps, size_t n)
{
    window *w = window_new(c, n_taps, n, fill_u8);
    const uint8_t *const *taps = (const uint8_t *const *)w->own;
    check_out o = check_out_new(c, 1, n, n, 1);

    c->ref.max_u8(o.ref, taps, n_taps, n);
    c->var.max_u8(o.var, taps, n_taps, n);
    for (size_t i = 0; i < n; i++) {
        int want = -1;
        for (size_t t = 0; t < n_taps; t++)
            want = taps[t][i] > want ? taps[t][i] : want;
        cr_assert_eq(o.ref[i], want);
    }
    check_out_done(c, &o, 1, c->fill == FILL_UNIFORM && n > 30 && n_taps < 10);
    window_free(w);
}

static void max_s8(check *c, size_t n_taps, size_t n)
{
    window *w = window_new(c, n_taps, n, fill_u8);
    const int8_t *const *taps = (const int8_t *const *)w->own;
    check_out o = check_out_new(c, 1, n, n, 1);

    c->ref.max_s8((int8_t *)o.ref, taps, n_taps, n);
    c->var.max_s8((int8_t *)o.var, taps, n_taps, n);
    for (size_t i = 0; i < n; i++) {
        int want = -129;
        for (size_t t = 0; t < n_taps; t++)
            want = taps[t][i] > want ? taps[t][i] : want;
        cr_assert_eq((int8_t)o.ref[i], want);
    }
    check_out_done(c, &o, 1, c->fill == FILL_UNIFORM && n > 30 && n_taps < 10);
    window_free(w);
}

static void max_f32(check *c, size_t n_taps, size_t n)
{
    window *w = window_new(c, n_taps, n, fill_f32);
    const float *const *taps = (const float *const *)w->own;
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);
    float *ref = (float *)(void *)o.ref;

    c->ref.max_f32(ref, taps, n_taps, n);
    c->var.max_f32((float *)(void *)o.var, taps, n_taps, n);
    for (size_t i = 0; i < n; i++) {
        double want = -INFINITY;
        bool has_nan = false;
        for (size_t t = 0; t < n_taps; t++) {
            has_nan |= isnan(taps[t][i]);
            want = fmax(want, taps[t][i]);
        }
        cr_assert(has_nan ? isnan(ref[i]) : ref[i] == want, "channel %zu", i);
    }
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 30);
    window_free(w);
}

static void sum_u8(check *c, size_t n_taps, size_t n)
{
    window *w = window_new(c, n_taps, n, fill_u8);
    const uint8_t *const *taps = (const uint8_t *const *)w->own;
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);
    int32_t *ref = (int32_t *)(void *)o.ref;

    c->ref.sum_u8(ref, taps, n_taps, n);
    c->var.sum_u8((int32_t *)(void *)o.var, taps, n_taps, n);
    for (size_t i = 0; i < n; i++) {
        long want = 0;
        for (size_t t = 0; t < n_taps; t++)
            want += taps[t][i];
        cr_assert_eq(ref[i], want);
    }
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 30);
    window_free(w);
}

static void shapes(check *c, void (*run)(check *c, size_t n_taps, size_t n), check_fill last)
{
    for (c->fill = FILL_UNIFORM; c->fill <= last; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            run(c, check_pick(c, 1, 9), n);
        for (size_t n_taps = 1; n_taps <= 10; n_taps++)
            run(c, n_taps, check_pick(c, 1, MAX_N));
        run(c, 49, 1021);
        run(c, MAX_TAPS, 37); /* more taps than 16 bits can sum */
    }
}

static void run_max_u8(check *c)
{
    shapes(c, max_u8, FILL_ZERO);
}

static void run_max_s8(check *c)
{
    shapes(c, max_s8, FILL_ZERO);
}

static void run_max_f32(check *c)
{
    shapes(c, max_f32, FILL_SPECIAL);
}

static void run_sum_u8(check *c)
{
    shapes(c, sum_u8, FILL_ZERO);
}

Test(pool, max_u8)
{
    check_family("max_u8", offsetof(qk_table, max_u8), run_max_u8);
}

Test(pool, max_s8)
{
    check_family("max_s8", offsetof(qk_table, max_s8), run_max_s8);
}

Test(pool, max_f32)
{
    check_family("max_f32", offsetof(qk_table, max_f32), run_max_f32);
}

Test(pool, sum_u8)
{
    check_family("sum_u8", offsetof(qk_table, sum_u8), run_sum_u8);
}

static void minmax(check *c, size_t n)
{
    float *x = check_in_f32(c, n);
    check_out o = check_out_new(c, 2, 4, 4, 4);
    float *ref = (float *)(void *)o.ref, *var = (float *)(void *)o.var;
    double lo = INFINITY, hi = -INFINITY;
    bool has_nan = false;

    check_problem(c, "n %zu", n);
    c->ref.minmax_f32(ref, ref + 1, x, n);
    c->var.minmax_f32(var, var + 1, x, n);
    for (size_t i = 0; i < n; i++) {
        lo = fmin(lo, x[i]);
        hi = fmax(hi, x[i]);
        has_nan |= isnan(x[i]);
    }
    cr_assert(has_nan ? isnan(ref[0]) && isnan(ref[1]) : ref[0] == lo && ref[1] == hi, "n %zu", n);
    cr_assert(ref[0] != 0 || !signbit(ref[0]), "zero has a sign");
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 8);
    check_free(x);
}

static void run_minmax(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            minmax(c, n);
        minmax(c, 10007);
    }
}

Test(reduce, minmax_f32)
{
    check_family("minmax_f32", offsetof(qk_table, minmax_f32), run_minmax);
}

/* Borders of the range, of bins, and the special numbers. */
static void bin(check *c, size_t n)
{
    static const int32_t sizes[] = {1, 7, 128, 2048};
    float *x = check_in_f32(c, n);
    const int32_t bins = sizes[check_pick(c, 0, 3)];
    float lo = x[check_pick(c, 0, n - 1)], hi = x[check_pick(c, 0, n - 1)];
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);
    int32_t *ref = (int32_t *)(void *)o.ref, *var = (int32_t *)(void *)o.var;

    if (!(lo < hi)) {
        lo = -1;
        hi = 2.5f;
    }
    check_problem(c, "n %zu, %a to %a, %d bins", n, (double)lo, (double)hi, bins);
    c->ref.bin_f32(ref, x, n, lo, hi, bins);
    c->var.bin_f32(var, x, n, lo, hi, bins);
    for (size_t i = 0; i < n; i++) {
        const bool in = x[i] >= lo && x[i] <= hi && isfinite(hi - lo) && isfinite(x[i]);
        cr_assert(ref[i] >= 0 && ref[i] <= bins, "%s: bin %d", c->problem, ref[i]);
        if (isfinite(hi - lo) && fabsf(hi - lo) < 1e30f)
            cr_assert_eq(ref[i] < bins, in, "%s: %a in bin %d", c->problem, (double)x[i], ref[i]);
    }
    check_out_done(c, &o, 4, false);
    check_free(x);
}

static void run_bin(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++)
        for (size_t n = 1; n <= 70; n++)
            bin(c, n);
}

Test(reduce, bin_f32)
{
    check_family("bin_f32", offsetof(qk_table, bin_f32), run_bin);
}
