/* SPDX-License-Identifier: MIT */
/* Convolution tiles: every m and n around the blocks, ends of k, several taps, rows in any order
 * and at any address; plain C against the product and the requantization it joins. */
#include "check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_M = 35, MAX_N = 133, MAX_K = 150 };

typedef struct problem {
    size_t m, n, taps, k;                                         /* k: of a tap */
    enum { ANY_CODES, SMALL_CODES, SMALL_WEIGHTS, LIMITS } codes; /* all but the first below 128 */
} problem;

typedef struct tensors {
    uint8_t *a;
    const uint8_t **rows;
    int8_t *w, *packed;
    int32_t *col_sum, *offset;
    float *bias, *mult;
} tensors;

static size_t room(size_t k)
{
    return (k + 3) / 4 * 4;
}

/* Weights of which four, two of a quad and two of the next, add up to 257 or 258 on either side of
 * 0, and rarely to 259: where products are added in 16 bits, 258 just fits. */
static int8_t at_limit(check *c, size_t i)
{
    const bool down = i / 64 % 2;
    const int some = check_pick(c, 0, 1999) ? (int)check_pick(c, 3, 4) : 5;
    const int rest = i % 8 < 4 ? some : 0;

    return (int8_t)(i % 2 == 0 ? (down ? -128 : 127) : down && rest ? 2 - rest : rest);
}

static void make_small(check *c, tensors *t, problem p)
{
    const size_t n_codes = p.m * p.taps * room(p.k), n_weights = p.n * p.taps * p.k;

    for (size_t i = 0; p.codes != ANY_CODES && i < n_codes; i++)
        t->a[i] = p.codes == LIMITS ? 127 : t->a[i] & 127;
    for (size_t i = 0; i < n_weights; i++)
        if (p.codes == LIMITS)
            t->w[i] = at_limit(c, i);
        else if (p.codes == SMALL_WEIGHTS && i / 8 % 64)
            t->w[i] /= 2;
}

static tensors tensors_new(check *c, problem p)
{
    const size_t k = p.taps * p.k, k4 = room(p.k), n_rows = p.m * p.taps;
    tensors t = {.a = check_in_u8(c, n_rows * k4),
                 .rows = calloc(n_rows, sizeof *t.rows),
                 .w = check_in_s8(c, p.n * k),
                 .packed = check_in_bytes(c, qk_pack_s8_size(p.n, k)),
                 .col_sum = check_in_bytes(c, p.n * 4),
                 .offset = check_in_bytes(c, p.n * 4),
                 .bias = check_in_f32(c, p.n),
                 .mult = check_in_bytes(c, p.n * 4)};
    const bool in_order = check_pick(c, 0, 1);

    make_small(c, &t, p);
    for (size_t i = 0; i < n_rows; i++)
        t.rows[i] = t.a + (in_order ? i : n_rows - 1 - i) * k4;
    qk_pack_s8(t.packed, t.col_sum, t.w, p.n, k);
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
    free(t->rows);
    check_free(t->a);
}

static void conv(check *c, problem p)
{
    tensors t = tensors_new(c, p);
    const qk_requant rq = check_requant(c, t.mult, t.offset, t.bias, p.taps * p.k, p.n);
    qk_conv_tile tile = {.rows = t.rows,
                         .m = p.m,
                         .n_taps = p.taps,
                         .tap_k = p.k,
                         .packed = t.packed,
                         .n = p.n,
                         .rq = &rq};
    const size_t ld = p.n + check_pick(c, 0, 5);
    check_out o = check_out_new(c, p.m, p.n, ld, 1);

    check_problem(c,
                  "m %zu, n %zu, taps %zu of %zu, scheme %d, per channel %d, bias %d, prescaled "
                  "%d, zero %d, %d..%d",
                  p.m, p.n, p.taps, p.k, rq.scheme, rq.per_channel, rq.bias != NULL, rq.prescaled,
                  rq.zero, rq.lo, rq.hi);
    c->ref.conv_u8s8(o.ref, ld, &tile);
    const size_t n_panels = (p.n + 15) / 16;
    const size_t n_notes = c->var.conv_u8s8_notes(NULL, t.packed, n_panels, p.taps, p.k);
    int32_t *notes = calloc(n_notes + 1, sizeof *notes);
    c->var.conv_u8s8_notes(notes, t.packed, n_panels, p.taps, p.k);
    tile.notes = notes;
    tile.ahead = check_pick(c, 0, 1) ? t.w : NULL;
    tile.scratch = aligned_alloc(64, (c->var.conv_u8s8_scratch(&tile) + 64) / 64 * 64);
    c->var.conv_u8s8(o.var, ld, &tile);
    free(tile.scratch);
    free(notes);
    check_out_done(c, &o, 1,
                   c->fill == FILL_UNIFORM && p.codes != LIMITS && p.m * p.n > 40 &&
                       rq.zero + 20 < rq.hi);
    tensors_free(&t);
}

static void run(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++)
            conv(c, (problem){check_pick(c, 1, 9), n, 1, check_pick(c, 1, MAX_K), n % 3});
        for (size_t m = 1; m <= MAX_M; m++)
            for (size_t taps = 1; taps <= 9; taps += 4)
                conv(c, (problem){m, check_pick(c, 1, MAX_N), taps, 4 * check_pick(c, 1, 35),
                                  (m + taps / 4) % 3});
        for (int codes = ANY_CODES; codes < LIMITS; codes++) {
            conv(c, (problem){37, 200, 1, 1153, codes});
            conv(c, (problem){70, 150, 9, 68, codes});
        }
        conv(c, (problem){9, 40, 1, 264, LIMITS});
        conv(c, (problem){6, 33, 3, 40, LIMITS});
    }
}

Test(conv, variants)
{
    check_family("conv_u8s8", offsetof(qk_table, conv_u8s8), run);
}

/* The two kernels that the tile joins, one after the other, on rows that lie side by side. */
static void joined(check *c, problem p)
{
    tensors t = tensors_new(c, p);
    const qk_requant rq = check_requant(c, t.mult, t.offset, t.bias, p.taps * p.k, p.n);
    const size_t k = p.taps * p.k, k4 = room(k);
    uint8_t *patch = calloc(p.m, k4), *out = calloc(p.m, p.n), *want = calloc(p.m, p.n);
    const uint8_t **rows = calloc(p.m, sizeof *rows);
    int32_t *acc = calloc(p.m * p.n, sizeof *acc);

    for (size_t i = 0; i < p.m; i++) {
        rows[i] = patch + i * k4;
        for (size_t tap = 0; tap < p.taps; tap++)
            memcpy(patch + i * k4 + tap * p.k, t.rows[tap * p.m + i], p.k);
    }
    c->ref.gemm_u8s8(acc, p.n, rows, p.m, t.packed, p.n, k);
    c->ref.requant(want, p.n, acc, p.n, p.m, p.n, NULL, &rq);
    c->ref.conv_u8s8(out, p.n,
                     &(qk_conv_tile){.rows = t.rows,
                                     .m = p.m,
                                     .n_taps = p.taps,
                                     .tap_k = p.k,
                                     .packed = t.packed,
                                     .n = p.n,
                                     .rq = &rq});
    cr_assert_eq(memcmp(out, want, p.m * p.n), 0, "m %zu, n %zu, taps %zu of %zu", p.m, p.n, p.taps,
                 p.k);
    free(acc);
    free(rows);
    free(want);
    free(out);
    free(patch);
    tensors_free(&t);
}

static void run_joined(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill < FILL_COUNT; c->fill++)
        for (int i = 0; i < 40; i++) {
            const size_t taps = check_pick(c, 1, 5), k = check_pick(c, 1, 12);
            joined(c, (problem){check_pick(c, 1, 9), check_pick(c, 1, 40), taps,
                                taps > 1 ? 4 * k : k, ANY_CODES});
        }
}

Test(conv, plain_c_is_product_and_requantization)
{
    check c = {.family = "conv_u8s8"};

    qk_table_init(&c.ref, 0);
    qns_rng_seed(&c.rng, 11);
    run_joined(&c);
}
