/* SPDX-License-Identifier: MIT */
/* Quantize and dequantize: variants against plain C, and plain C against rules written down again,
 * in integers of 64 bits and long double. */
#include "check.h"

#include <criterion/criterion.h>
#include <math.h>

enum { MAX_N = 133 };

typedef struct run_args {
    float inv;
    int32_t zero;
} run_args;

static run_args arguments(check *c, bool is_signed)
{
    static const float inv[] = {1.0f, 0.5f, 127.0f, 16.0f, 381.57f, 1e-3f, 1e9f};
    run_args a = {.inv = inv[check_pick(c, 0, 6)],
                  .zero = (int32_t)check_pick(c, 0, 255) - (is_signed ? 128 : 0)};
    if (c->fill == FILL_TIES)
        a.inv = 1.0f;
    return a;
}

static bool varies(const check *c, size_t n, run_args a)
{
    return (c->fill == FILL_TIES || (c->fill == FILL_UNIFORM && a.inv == 16.0f)) && n > 30;
}

static void quantize(check *c, size_t n, bool is_signed)
{
    const run_args a = arguments(c, is_signed);
    float *x = check_in_f32(c, n);
    check_out o = check_out_new(c, 1, n, n, 1);

    check_problem(c, "n %zu, inv %a, zero %d, signed %d", n, (double)a.inv, a.zero, is_signed);
    if (is_signed) {
        c->ref.quantize_s8((int8_t *)o.ref, x, n, a.inv, a.zero);
        c->var.quantize_s8((int8_t *)o.var, x, n, a.inv, a.zero);
    } else {
        c->ref.quantize_u8(o.ref, x, n, a.inv, a.zero);
        c->var.quantize_u8(o.var, x, n, a.inv, a.zero);
    }
    check_out_done(c, &o, 1, varies(c, n, a));
    check_free(x);
}

static void dequantize(check *c, size_t n, bool is_signed)
{
    const run_args a = arguments(c, is_signed);
    uint8_t *q = check_in_u8(c, n);
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);
    float *ref = (float *)(void *)o.ref, *var = (float *)(void *)o.var;

    check_problem(c, "n %zu, scale %a, zero %d, signed %d", n, (double)a.inv, a.zero, is_signed);
    if (is_signed) {
        c->ref.dequantize_s8(ref, (const int8_t *)q, n, a.inv, a.zero);
        c->var.dequantize_s8(var, (const int8_t *)q, n, a.inv, a.zero);
    } else {
        c->ref.dequantize_u8(ref, q, n, a.inv, a.zero);
        c->var.dequantize_u8(var, q, n, a.inv, a.zero);
    }
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 30);
    check_free(q);
}

static void dequantize_wide(check *c, size_t n, bool is_signed)
{
    const run_args a = arguments(c, is_signed);
    const double scale = (double)a.inv / 3;
    uint8_t *q = check_in_u8(c, n);
    check_out o = check_out_new(c, 1, n * 4, n * 4, 4);
    float *ref = (float *)(void *)o.ref, *var = (float *)(void *)o.var;

    check_problem(c, "n %zu, scale %a, zero %d, signed %d", n, scale, a.zero, is_signed);
    if (is_signed) {
        c->ref.dequantize_wide_s8(ref, (const int8_t *)q, n, scale, (float)a.zero);
        c->var.dequantize_wide_s8(var, (const int8_t *)q, n, scale, (float)a.zero);
    } else {
        c->ref.dequantize_wide_u8(ref, q, n, scale, (float)a.zero);
        c->var.dequantize_wide_u8(var, q, n, scale, (float)a.zero);
    }
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && n > 30);
    check_free(q);
}

static void sizes(check *c, void (*run)(check *c, size_t n, bool is_signed), bool is_signed)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            run(c, n, is_signed);
        for (int i = 0; i < 20; i++)
            run(c, 1021, is_signed);
    }
}

static void run_quantize_u8(check *c)
{
    sizes(c, quantize, false);
}

static void run_quantize_s8(check *c)
{
    sizes(c, quantize, true);
}

static void run_dequantize_u8(check *c)
{
    sizes(c, dequantize, false);
}

static void run_dequantize_s8(check *c)
{
    sizes(c, dequantize, true);
}

static void run_dequantize_wide_u8(check *c)
{
    sizes(c, dequantize_wide, false);
}

static void run_dequantize_wide_s8(check *c)
{
    sizes(c, dequantize_wide, true);
}

Test(quantize, dequantize_wide_u8)
{
    check_family("dequantize_wide_u8", offsetof(qk_table, dequantize_wide_u8),
                 run_dequantize_wide_u8);
}

Test(quantize, dequantize_wide_s8)
{
    check_family("dequantize_wide_s8", offsetof(qk_table, dequantize_wide_s8),
                 run_dequantize_wide_s8);
}

Test(quantize, u8)
{
    check_family("quantize_u8", offsetof(qk_table, quantize_u8), run_quantize_u8);
}

Test(quantize, s8)
{
    check_family("quantize_s8", offsetof(qk_table, quantize_s8), run_quantize_s8);
}

Test(quantize, dequantize_u8)
{
    check_family("dequantize_u8", offsetof(qk_table, dequantize_u8), run_dequantize_u8);
}

Test(quantize, dequantize_s8)
{
    check_family("dequantize_s8", offsetof(qk_table, dequantize_s8), run_dequantize_s8);
}

/* Q_fb8 with another tool for every step. */
static int q_fb8(float x, float inv, int32_t zero, int lo, int hi)
{
    const float t = (float)((long double)x * inv);
    long long r = t < 2147483520.0f ? (t < -2147483648.0f ? INT32_MIN : llrintf(t)) : 2147483520LL;
    r += zero;
    if (r > INT32_MAX)
        r -= 1LL << 32;
    if (r < INT32_MIN)
        r += 1LL << 32;
    return r < lo ? lo : r > hi ? hi : (int)r;
}

static void run_rule(check *c)
{
    enum { N = 4000 };
    uint8_t u[N];
    int8_t s[N];

    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        const run_args a = arguments(c, false);
        float *x = check_in_f32(c, N);
        c->var.quantize_u8(u, x, N, a.inv, a.zero);
        c->var.quantize_s8(s, x, N, a.inv, a.zero - 128);
        for (int i = 0; i < N; i++) {
            cr_assert_eq(u[i], q_fb8(x[i], a.inv, a.zero, 0, 255), "%a * %a + %d: %d", (double)x[i],
                         (double)a.inv, a.zero, u[i]);
            cr_assert_eq(s[i], q_fb8(x[i], a.inv, a.zero - 128, -128, 127), "%a * %a + %d: %d",
                         (double)x[i], (double)a.inv, a.zero - 128, s[i]);
        }
        check_free(x);
    }
}

Test(quantize, rule)
{
    check_family("quantize_u8", offsetof(qk_table, quantize_u8), run_rule);
}

/* The documented edges of spec section 1, for every mask. */
Test(quantize, edges)
{
    static const float x[4] = {INFINITY, NAN, -INFINITY, 3e38f};
    static const uint8_t low_zero[4] = {255, 255, 0, 255}, high_zero[4] = {0, 0, 0, 0};
    float wide[64];
    uint8_t out[64];

    for (int i = 0; i < 64; i++)
        wide[i] = x[i % 4];
    for (unsigned mask = 0; mask < 32; mask++) {
        qk_table t;
        qk_table_init(&t, mask);
        t.quantize_u8(out, wide, 64, 1.0f, 127);
        for (int i = 0; i < 64; i++)
            cr_assert_eq(out[i], low_zero[i % 4], "mask %u, element %d", mask, i);
        t.quantize_u8(out, wide, 64, 1.0f, 128);
        for (int i = 0; i < 64; i++)
            cr_assert_eq(out[i], high_zero[i % 4], "mask %u, element %d", mask, i);
    }
}

Test(quantize, dequantize_rule)
{
    float out[256];
    uint8_t q[256];
    const float scale = 0.0123f;
    qk_table t;

    qk_table_init(&t, 0);
    for (int i = 0; i < 256; i++)
        q[i] = (uint8_t)i;
    t.dequantize_u8(out, q, 256, scale, 77);
    for (int i = 0; i < 256; i++)
        cr_assert_eq(out[i], (float)((long double)scale * (i - 77)));
    t.dequantize_s8(out, (const int8_t *)q, 256, scale, -77);
    for (int i = 0; i < 256; i++)
        cr_assert_eq(out[i], (float)((long double)scale * ((i < 128 ? i : i - 256) + 77)));
    t.dequantize_wide_u8(out, q, 256, 0.1 / 3, 7.0F);
    for (int i = 0; i < 256; i++)
        cr_assert_eq(out[i], (float)(0.1 / 3 * (i - 7)));
    t.dequantize_wide_s8(out, (const int8_t *)q, 256, 0.1 / 3, -7.0F);
    for (int i = 0; i < 256; i++)
        cr_assert_eq(out[i], (float)(0.1 / 3 * ((i < 128 ? i : i - 256) + 7)));
}
