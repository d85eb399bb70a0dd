/* SPDX-License-Identifier: MIT */
/* Depthwise convolution, one position: every number of channels around the blocks and of taps
 * around the groups of four; 3 x 3, 5 x 5; padding as a shared tap. */
#include "check.h"

#include <criterion/criterion.h>
#include <stdlib.h>

enum { MAX_N = 131 };

static void dwconv_u8s8(check *c, size_t n_taps, size_t n)
{
    const uint8_t **taps = calloc(n_taps, sizeof *taps);
    uint8_t **own = calloc(n_taps, sizeof *own);
    int8_t *w = check_in_s8(c, n_taps * n);
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);

    check_problem(c, "taps %zu, channels %zu", n_taps, n);
    for (size_t t = 0; t < n_taps; t++) {
        own[t] = check_in_u8(c, n);
        taps[t] = t % 4 == 3 ? own[0] : own[t];
    }
    c->ref.dwconv_u8s8((int32_t *)(void *)o.ref, taps, n_taps, w, n);
    c->var.dwconv_u8s8((int32_t *)(void *)o.var, taps, n_taps, w, n);
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 8);
    for (size_t t = 0; t < n_taps; t++)
        check_free(own[t]);
    check_free(w);
    free(own);
    free(taps);
}

static void dwconv_f32(check *c, size_t n_taps, size_t n)
{
    const float **taps = calloc(n_taps, sizeof *taps);
    float **own = calloc(n_taps, sizeof *own);
    float *w = check_in_f32(c, n_taps * n), *bias = check_in_f32(c, n);
    const float *b = check_pick(c, 0, 2) ? bias : NULL;
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);

    check_problem(c, "taps %zu, channels %zu, bias %d", n_taps, n, b != NULL);
    for (size_t t = 0; t < n_taps; t++) {
        own[t] = check_in_f32(c, n);
        taps[t] = t % 4 == 3 ? own[0] : own[t];
    }
    c->ref.dwconv_f32((float *)(void *)o.ref, taps, n_taps, w, b, n);
    c->var.dwconv_f32((float *)(void *)o.var, taps, n_taps, w, b, n);
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 8);
    for (size_t t = 0; t < n_taps; t++)
        check_free(own[t]);
    check_free(bias);
    check_free(w);
    free(own);
    free(taps);
}

static void shapes(check *c, void (*run)(check *c, size_t n_taps, size_t n))
{
    static const size_t n_taps[] = {1, 2, 3, 4, 5, 9, 25};

    for (c->fill = FILL_UNIFORM; c->fill <= FILL_ZERO; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            run(c, n_taps[n % 7], n);
        for (size_t i = 0; i < 7; i++)
            run(c, n_taps[i], check_pick(c, 1, MAX_N));
        run(c, 49, 1021);
    }
}

static void run_u8s8(check *c)
{
    shapes(c, dwconv_u8s8);
}

static void run_f32(check *c)
{
    shapes(c, dwconv_f32);
}

Test(dwconv, u8s8)
{
    check_family("dwconv_u8s8", offsetof(qk_table, dwconv_u8s8), run_u8s8);
}

Test(dwconv, f32)
{
    check_family("dwconv_f32", offsetof(qk_table, dwconv_f32), run_f32);
}

/* By hand: 255 * -128 + 255 * -128 needs more than 16 bits. */
Test(dwconv, by_hand)
{
    const uint8_t x[2][3] = {{255, 1, 0}, {255, 2, 9}};
    const int8_t w[6] = {-128, 5, 7, -128, -3, 2};
    const uint8_t *const taps[2] = {x[0], x[1]};
    int32_t acc[3];

    for (unsigned mask = 0; mask < 32; mask++) {
        qk_table t;
        qk_table_init(&t, mask);
        t.dwconv_u8s8(acc, taps, 2, w, 3);
        cr_assert_eq(acc[0], -65280);
        cr_assert_eq(acc[1], -1);
        cr_assert_eq(acc[2], 18);
    }
}
