/* SPDX-License-Identifier: MIT */
/* Matrix products: every m and n around the tiles, ends of k, strides, one large problem; the
 * packing against its drawing in gemm.h; plain C against a naive product. */
#include "check.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_M = 25, MAX_N = 129, MAX_K = 37 };

typedef struct problem {
    size_t m, n, k, ld;
} problem;

static void gemm_u8s8(check *c, problem p)
{
    const size_t k4 = (p.k + 3) / 4 * 4;
    uint8_t *a = check_in_u8(c, p.m * k4);
    int8_t *w = check_in_s8(c, p.n * p.k);
    int8_t *packed = check_in_bytes(c, qk_pack_s8_size(p.n, p.k));
    int32_t *col_sum = check_in_bytes(c, p.n * sizeof *col_sum);
    const uint8_t **rows = calloc(p.m, sizeof *rows);
    check_out o = check_out_new(c, p.m, p.n * 4, p.ld * 4, 4);

    check_problem(c, "m %zu, n %zu, k %zu, ld %zu", p.m, p.n, p.k, p.ld);
    for (size_t i = 0; i < p.m; i++)
        rows[i] = a + (p.m - 1 - i) * k4;
    qk_pack_s8(packed, col_sum, w, p.n, p.k);
    c->ref.gemm_u8s8((int32_t *)(void *)o.ref, p.ld, rows, p.m, packed, p.n, p.k);
    c->var.gemm_u8s8((int32_t *)(void *)o.var, p.ld, rows, p.m, packed, p.n, p.k);
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && p.m * p.n > 8);
    free(rows);
    check_free(col_sum);
    check_free(packed);
    check_free(w);
    check_free(a);
}

static void gemm_f32(check *c, problem p)
{
    float *a = check_in_f32(c, p.m * p.k), *w = check_in_f32(c, p.n * p.k);
    float *bias = check_in_f32(c, p.n);
    float *packed = check_in_bytes(c, qk_pack_f32_size(p.n, p.k) * sizeof *packed);
    const float **rows = calloc(p.m, sizeof *rows);
    check_out o = check_out_new(c, p.m, p.n * 4, p.ld * 4, 4);
    const float *b = check_pick(c, 0, 2) ? bias : NULL;

    check_problem(c, "m %zu, n %zu, k %zu, ld %zu, bias %d", p.m, p.n, p.k, p.ld, b != NULL);
    for (size_t i = 0; i < p.m; i++)
        rows[i] = a + (p.m - 1 - i) * p.k;
    qk_pack_f32(packed, w, p.n, p.k);
    c->ref.gemm_f32((float *)(void *)o.ref, p.ld, rows, p.m, packed, b, p.n, p.k);
    c->var.gemm_f32((float *)(void *)o.var, p.ld, rows, p.m, packed, b, p.n, p.k);
    check_out_done(c, &o, 4, c->fill == FILL_UNIFORM && p.m * p.n > 8);
    free(rows);
    check_free(packed);
    check_free(bias);
    check_free(w);
    check_free(a);
}

static void shapes(check *c, void (*run)(check *c, problem p), problem large)
{
    for (c->fill = FILL_UNIFORM; c->fill <= FILL_ZERO; c->fill++) {
        for (size_t n = 1; n <= MAX_N; n++) {
            const size_t m = n % 3 ? 1 : check_pick(c, 2, MAX_M);
            run(c, (problem){m, n, check_pick(c, 1, MAX_K), n + check_pick(c, 0, 5)});
        }
        for (size_t m = 1; m <= MAX_M; m++)
            for (size_t k = 1; k <= 9; k++) {
                const size_t n = check_pick(c, 1, MAX_N);
                run(c, (problem){m, n, k, n + check_pick(c, 0, 5)});
            }
        run(c, large);
    }
}

static void run_u8s8(check *c)
{
    shapes(c, gemm_u8s8, (problem){37, 200, 1153, 203});
}

static void run_f32(check *c)
{
    shapes(c, gemm_f32, (problem){29, 75, 411, 77});
}

Test(gemm, u8s8)
{
    check_family("gemm_u8s8", offsetof(qk_table, gemm_u8s8), run_u8s8);
}

Test(gemm, f32)
{
    check_family("gemm_f32", offsetof(qk_table, gemm_f32), run_f32);
}

/* Plain C is what the variants are compared with; this is what plain C is compared with. The sums
 * stay below 2^31, and adjacent pairs exceed 16 bits. */
static void naive_u8s8(check *c)
{
    enum { M = 5, N = 19, K = 23 };
    uint8_t *a = check_in_u8(c, M * (K + 1));
    int8_t *w = check_in_s8(c, N * K);
    int8_t packed[32 * 24];
    int32_t col_sum[N], acc[M * N];
    const uint8_t *rows[M];

    cr_assert_eq(qk_pack_s8_size(N, K), sizeof packed);
    qk_pack_s8(packed, col_sum, w, N, K);
    for (int i = 0; i < M; i++)
        rows[i] = a + i * (K + 1);
    c->var.gemm_u8s8(acc, N, rows, M, packed, N, K);
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) {
            long want = 0, sum = 0;
            for (int k = 0; k < K; k++) {
                want += (long)rows[i][k] * w[j * K + k];
                sum += w[j * K + k];
            }
            cr_assert_eq(acc[i * N + j], want, "row %d, column %d", i, j);
            cr_assert_eq(col_sum[j], sum);
        }
    check_free(w);
    check_free(a);
}

static void run_naive(check *c)
{
    for (c->fill = FILL_UNIFORM; c->fill <= FILL_ZERO; c->fill++) {
        const qk_table var = c->var;
        naive_u8s8(c);
        c->var = c->ref;
        naive_u8s8(c);
        c->var = var;
    }
}

Test(gemm, naive)
{
    check_family("gemm_u8s8", offsetof(qk_table, gemm_u8s8), run_naive);
}

/* In order, one multiply and one add each: 2^24 + 1 + 1 stays 2^24 that way and no other. */
Test(gemm, f32_takes_terms_in_order)
{
    enum { K = 4 };
    const float row[K] = {16777216.0f, 1.0f, 1.0f, -16777216.0f}, w[K] = {1, 1, 1, 1};
    const float *const rows[1] = {row};
    float packed[16 * K], out;
    qk_table t;

    qk_table_init(&t, 0);
    qk_pack_f32(packed, w, 1, K);
    t.gemm_f32(&out, 1, rows, 1, packed, NULL, 1, K);
    cr_assert_eq(out, 0.0f);
    t.gemm_f32(&out, 1, rows, 1, packed, (const float[]){0.5f}, 1, K);
    cr_assert_eq(out, 0.0f);
}

/* A fused multiply-add keeps what the rounded product loses. */
Test(gemm, f32_does_not_fuse)
{
    /* the product is 1 - 2^-26 and rounds to 1 */
    const float x = 1.0f + 0x1p-13f, w = 1.0f - 0x1p-13f;
    const float *const rows[1] = {&x};
    float packed[16], out;

    for (unsigned mask = 0; mask < 32; mask++) {
        qk_table t;
        qk_table_init(&t, mask);
        qk_pack_f32(packed, &w, 1, 1);
        t.gemm_f32(&out, 1, rows, 1, packed, (const float[]){-1.0f}, 1, 1);
        cr_assert_eq(out, 0.0f, "mask %u", mask);
    }
}
