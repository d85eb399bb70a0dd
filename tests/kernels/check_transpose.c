/* SPDX-License-Identifier: MIT */
/* Transposes: variants against plain C, plain C against the definition. */
#include "check.h"

#include <criterion/criterion.h>

enum { MAX = 37 };

static void bytes(check *c, size_t rows, size_t cols, size_t step)
{
    const size_t n = rows * cols;
    uint8_t *x = check_in_u8(c, rows * step);
    check_out o = check_out_new(c, 1, n, n, 1);
    check_problem(c, "%zu x %zu of %zu bytes", rows, cols, step);
    c->ref.transpose_b1(o.ref, x, rows, cols, step);
    c->var.transpose_b1(o.var, x, rows, cols, step);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(o.ref[i % cols * rows + i / cols], x[i / cols * step + i % cols], "%s",
                     c->problem);
    check_out_done(c, &o, 1, false);
    check_free(x);
}

static void words(check *c, size_t rows, size_t cols, size_t step)
{
    const size_t n = rows * cols;
    uint32_t *x = (uint32_t *)(void *)check_in_f32(c, rows * step);
    check_out o = check_out_new(c, 1, 4 * n, 4 * n, 4);
    uint32_t *ref = (uint32_t *)(void *)o.ref;
    check_problem(c, "%zu x %zu of %zu words", rows, cols, step);
    c->ref.transpose_b4(ref, x, rows, cols, step);
    c->var.transpose_b4((uint32_t *)(void *)o.var, x, rows, cols, step);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(ref[i % cols * rows + i / cols], x[i / cols * step + i % cols], "%s",
                     c->problem);
    check_out_done(c, &o, 4, false);
    check_free(x);
}

static void sizes(check *c, void (*run)(check *c, size_t rows, size_t cols, size_t step))
{
    c->fill = FILL_UNIFORM;
    for (size_t rows = 1; rows <= MAX; rows++)
        for (size_t cols = 1; cols <= MAX; cols++)
            run(c, rows, cols, cols);
    run(c, 200, 65, 65);
    run(c, 65, 200, 200);
    run(c, 67, 16, 64);
    run(c, 67, 35, 36);
    for (size_t rows = 60; rows < 132; rows++)
        run(c, rows, 16 + rows % 3, 20);
}

static void run_bytes(check *c)
{
    sizes(c, bytes);
}

static void run_words(check *c)
{
    sizes(c, words);
}

Test(transpose, b1)
{
    check_family("transpose_b1", offsetof(qk_table, transpose_b1), run_bytes);
}

Test(transpose, b4)
{
    check_family("transpose_b4", offsetof(qk_table, transpose_b4), run_words);
}
