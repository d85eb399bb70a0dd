/* SPDX-License-Identifier: MIT */
/* Lines of depthwise convolutions: channels around the blocks, kernels of every size around the
 * quads of rows, strides, dilations, one and several lines, shared columns; plain C against the
 * one-position kernel and the requantization it joins. */
#include "check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

typedef struct problem {
    size_t lines, m, n, rows, cols, stride, dilation;
} problem;

typedef struct tensors {
    uint8_t *codes;
    const uint8_t **columns;
    int8_t *w, *packed;
    int32_t *col_sum, *offset;
    float *bias, *mult;
    size_t span;
} tensors;

static tensors tensors_new(check *c, problem p)
{
    const size_t span = (p.m - 1) * p.stride + (p.cols - 1) * p.dilation + 1;
    const size_t n_ptr = p.lines * span * p.rows, n_own = n_ptr < 40 ? n_ptr : 40;
    tensors t = {.codes = check_in_u8(c, n_own * p.n),
                 .columns = calloc(n_ptr, sizeof *t.columns),
                 .w = check_in_s8(c, p.n * p.rows * p.cols),
                 .packed = check_in_bytes(c, qk_pack_dw_size(p.n, p.rows, p.cols)),
                 .col_sum = check_in_bytes(c, p.n * 4),
                 .offset = check_in_bytes(c, p.n * 4),
                 .bias = check_in_f32(c, p.n),
                 .mult = check_in_bytes(c, p.n * 4),
                 .span = span};

    /* Any column may be any memory: padding is one row that many of them share. */
    for (size_t i = 0; i < n_ptr; i++)
        t.columns[i] = t.codes + check_pick(c, 0, n_own - 1) * p.n;
    qk_pack_dw(t.packed, t.col_sum, t.w, p.n, p.rows, p.cols);
    return t;
}

static void tensors_free(tensors *t)
{
    check_free(t->mult);
    check_free(t->bias);
    check_free(t->offset);
    check_free(t->col_sum);
    check_free(t->packed);
    check_free(t->w);
    free(t->columns);
    check_free(t->codes);
}

static qk_dw_line line_of(const tensors *t, problem p, const qk_requant *rq)
{
    return (qk_dw_line){.columns = t->columns,
                        .n_lines = p.lines,
                        .m = p.m,
                        .span = t->span,
                        .n_rows = p.rows,
                        .n_cols = p.cols,
                        .stride = p.stride,
                        .dilation = p.dilation,
                        .packed = t->packed,
                        .end = p.n,
                        .rq = rq};
}

static void dwline(check *c, problem p)
{
    tensors t = tensors_new(c, p);
    const qk_requant rq = check_requant(c, t.mult, t.offset, t.bias, p.rows * p.cols, p.n);
    const qk_dw_line line = line_of(&t, p, &rq);
    const size_t ld = p.n + check_pick(c, 0, 5);
    check_out o = check_out_new(c, p.lines * p.m, p.n, ld, 1);

    check_problem(c, "lines %zu, m %zu, n %zu, kernel %zu x %zu, stride %zu, dilation %zu", p.lines,
                  p.m, p.n, p.rows, p.cols, p.stride, p.dilation);
    c->ref.dwline_u8s8(o.ref, ld, &line);
    if (p.n > 64) { /* in two parts */
        qk_dw_line part = line;
        part.first = 64;
        c->var.dwline_u8s8(o.var, ld, &part);
        part = line;
        part.end = 64;
        c->var.dwline_u8s8(o.var, ld, &part);
    } else {
        c->var.dwline_u8s8(o.var, ld, &line);
    }
    check_out_done(c, &o, 1,
                   c->fill == FILL_UNIFORM && p.n > 16 && rq.lo + 100 < rq.hi &&
                       rq.zero + 20 < rq.hi);
    tensors_free(&t);
}

static void run(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= 133; n++)
            dwline(c, (problem){1, check_pick(c, 1, 9), n, 3, 3, check_pick(c, 1, 2), 1});
        for (size_t rows = 1; rows <= 9; rows++)
            for (size_t cols = 1; cols <= 7; cols++)
                dwline(c, (problem){check_pick(c, 1, 3), check_pick(c, 1, 20), check_pick(c, 1, 80),
                                    rows, cols, check_pick(c, 1, 3), check_pick(c, 1, 2)});
        dwline(c, (problem){2, 150, 70, 3, 3, 1, 1});
        dwline(c, (problem){1, 90, 70, 5, 5, 2, 1});
        dwline(c, (problem){1, 3, 20, 40, 9, 1, 1});  /* rows beyond any register block */
        dwline(c, (problem){1, 2, 20, 3, 3, 1, 400}); /* columns too far apart for a stretch */
    }
}

Test(dwline, u8s8)
{
    check_family("dwline_u8s8", offsetof(qk_table, dwline_u8s8), run);
}

/* The same numbers from the kernel of one position and the requantization. */
static void joined(check *c, problem p)
{
    tensors t = tensors_new(c, p);
    const qk_requant rq = check_requant(c, t.mult, t.offset, t.bias, p.rows * p.cols, p.n);
    const qk_dw_line line = line_of(&t, p, &rq);
    const size_t taps = p.rows * p.cols;
    uint8_t *out = malloc(p.lines * p.m * p.n), *want = malloc(p.n);
    int8_t *w = malloc(taps * p.n);
    int32_t *acc = malloc(p.n * sizeof *acc);
    const uint8_t **tap = malloc(taps * sizeof *tap);

    for (size_t k = 0; k < taps; k++)
        for (size_t j = 0; j < p.n; j++)
            w[k * p.n + j] = t.w[j * taps + k];
    c->ref.dwline_u8s8(out, p.n, &line);
    for (size_t i = 0; i < p.lines * p.m; i++) {
        const size_t column = i / p.m * t.span + i % p.m * p.stride;
        for (size_t k = 0; k < taps; k++)
            tap[k] = t.columns[(column + k % p.cols * p.dilation) * p.rows + k / p.cols];
        c->ref.dwconv_u8s8(acc, tap, taps, w, p.n);
        c->ref.requant(want, p.n, acc, p.n, 1, p.n, NULL, &rq);
        cr_assert_eq(memcmp(want, out + i * p.n, p.n), 0, "output %zu of %zu channels", i, p.n);
    }
    free(tap);
    free(acc);
    free(w);
    free(want);
    free(out);
    tensors_free(&t);
}

Test(dwline, plain_c_is_sums_and_requantization)
{
    check c = {.family = "dwline_u8s8"};

    qk_table_init(&c.ref, 0);
    qns_rng_seed(&c.rng, 12);
    for (c.fill = FILL_UNIFORM; c.fill < FILL_COUNT; c.fill++)
        for (int i = 0; i < 40; i++)
            joined(&c, (problem){check_pick(&c, 1, 3), check_pick(&c, 1, 6), check_pick(&c, 1, 80),
                                 check_pick(&c, 1, 6), check_pick(&c, 1, 6), check_pick(&c, 1, 3),
                                 check_pick(&c, 1, 2)});
}
