/* SPDX-License-Identifier: MIT */
#include "core/base/half.h"
#include "core/base/rng.h"
#include "core/ops/embedding.h"
#include "tests/unit/core/quant/golden_npz.h"

#include <math.h>

enum { MAX = 8192 };

static bool same(const void *got, const golden *g, const json_t *c, const char *field, size_t size)
{
    golden_array want = golden_get(g, c, field);
    cr_expect_eq(want.n * (size_t)(want.type[2] - '0'), size, "%s", field);
    const bool equal = memcmp(got, want.data, size) == 0;
    free(want.bytes);
    return equal;
}

static const void *load(golden_array *a, const golden *g, const json_t *c, const char *field)
{
    *a = golden_get(g, c, field);
    cr_assert_leq(a->n, MAX);
    return a->data;
}

/* Codes, table and sums of one width. */
static void check_bits(const golden *g, const json_t *c, int bits)
{
    static uint8_t codes[MAX], table[4 * MAX];
    static float scale[MAX], zero[MAX], out[MAX];
    golden_array w, index, offset, weight = {0}, codes_want;
    const float *x = load(&w, g, c, "w");
    const size_t rows = (size_t)w.dim[0], dim = (size_t)w.dim[1];
    const size_t size = qns_embedding_row_size(bits, dim), n_codes = bits == 8 ? dim : dim / 2;
    cr_assert_eq(qns_embedding_quantize(codes, scale, zero, bits, x, rows, dim, NULL), QNS_OK);
    cr_expect(same(codes, g, c, bits == 8 ? "q8" : "q4_unpacked", rows * dim));
    cr_assert_eq(qns_embedding_pack(table, bits, codes, scale, zero, rows, dim, NULL), QNS_OK);
    const qns_embedding e = {bits, rows, dim, table};
    cr_expect_eq(qns_embedding_check(&e, rows * size, NULL), QNS_OK);
    const uint8_t *packed = load(&codes_want, g, c, bits == 8 ? "q8" : "q4_packed");
    uint16_t half[2][MAX];
    float bias[MAX];
    for (size_t i = 0; i < rows; i++) {
        float s;
        cr_expect_eq(memcmp(table + i * size, packed + i * n_codes, n_codes), 0, "row %zu", i);
        qns_embedding_row(&s, &bias[i], &e, i);
        half[0][i] = qns_float_to_half(s);
        half[1][i] = qns_float_to_half(bias[i]);
    }
    if (bits == 8) {
        cr_expect(same(scale, g, c, "scale8", rows * sizeof *scale));
        cr_expect(same(zero, g, c, "zp8", rows * sizeof *zero));
        cr_expect(same(bias, g, c, "bias8", rows * sizeof *bias));
    } else {
        cr_expect(same(half[0], g, c, "scale4_f16", rows * sizeof **half));
        cr_expect(same(half[1], g, c, "bias4_f16", rows * sizeof **half));
    }
    qns_bags b = {.index = load(&index, g, c, "indices"),
                  .offset = load(&offset, g, c, "offsets_with_last"),
                  .with_last = true};
    b.n_index = index.n;
    b.n = offset.n - 1;
    if (golden_has(c, "per_sample_weights"))
        b.weight = load(&weight, g, c, "per_sample_weights");
    cr_assert_eq(qns_embedding_sum(out, &e, &b, NULL), QNS_OK);
    cr_expect(same(out, g, c, bits == 8 ? "y8" : "y4", b.n * dim * sizeof *out));
    b.with_last = false; /* the last bag ends with the indices: the same */
    cr_assert_eq(qns_embedding_sum(out, &e, &b, NULL), QNS_OK);
    cr_expect(same(out, g, c, bits == 8 ? "y8" : "y4", b.n * dim * sizeof *out));
    free(w.bytes);
    free(index.bytes);
    free(offset.bytes);
    free(weight.bytes);
    free(codes_want.bytes);
}

Test(embedding, golden)
{
    golden g;
    size_t n = 0;
    if (!golden_open(&g, "embedding"))
        cr_skip_test("no golden vectors");
    for (; golden_case(&g, n); n++) {
        check_bits(&g, golden_case(&g, n), 8);
        check_bits(&g, golden_case(&g, n), 4);
    }
    cr_expect_gt(n, 0);
    golden_close(&g);
}

/* Rows by hand: 0 1 .. 255 has scale 1, 0 1 .. 15 too. */
Test(embedding, direct_by_hand)
{
    static float w[256], sum[256];
    static uint8_t table[300];
    for (size_t j = 0; j < 256; j++)
        w[j] = (float)j - 7;
    cr_assert_eq(qns_embedding_pack_direct(table, 8, w, 1, 256, NULL), QNS_OK);
    const qns_embedding e8 = {8, 1, 256, table};
    float scale, bias;
    qns_embedding_row(&scale, &bias, &e8, 0);
    cr_expect(scale == 1 && bias == -7);
    const int64_t zero = 0;
    const qns_bags one = {.n = 1, .index = &zero, .n_index = 1};
    cr_assert_eq(qns_embedding_sum(sum, &e8, &one, NULL), QNS_OK);
    cr_expect_eq(memcmp(sum, w, sizeof w), 0);
    cr_assert_eq(qns_embedding_pack_direct(table, 4, w, 1, 16, NULL), QNS_OK);
    const qns_embedding e4 = {4, 1, 16, table};
    cr_expect_eq(table[1], 0x32); /* columns 2 and 3 */
    cr_expect_eq(qns_embedding_at(&e4, 0, 3), 3);
    cr_assert_eq(qns_embedding_sum(sum, &e4, &one, NULL), QNS_OK);
    cr_expect_eq(memcmp(sum, w, 16 * sizeof *w), 0);
    for (size_t j = 0; j < 4; j++) /* a constant row: code 0 and the constant */
        w[j] = 2.5f;
    for (int bits = 4; bits <= 8; bits += 4) {
        const qns_embedding e = {bits, 1, 4, table};
        cr_assert_eq(qns_embedding_pack_direct(table, bits, w, 1, 4, NULL), QNS_OK);
        cr_assert_eq(qns_embedding_sum(sum, &e, &one, NULL), QNS_OK);
        cr_expect(sum[0] == 2.5f && sum[3] == 2.5f && qns_embedding_at(&e, 0, 2) == 0);
    }
}

/* Half a step is the largest error of a row; weights scale, bags add. */
Test(embedding, sums_are_near_the_float_sums)
{
    enum { ROWS = 9, DIM = 10, N = 40, BAGS = 6 };
    float w[ROWS * DIM], factor[N], out[BAGS * DIM];
    int64_t index[N], offset[BAGS] = {0, 0, 7, 20, 20, 39};
    uint8_t table[ROWS * (DIM + 8)];
    qns_rng rng;
    qns_rng_seed(&rng, 21);
    for (size_t i = 0; i < ROWS * DIM; i++)
        w[i] = (float)(4 * qns_rng_unit(&rng) - 1);
    for (size_t i = 0; i < N; i++) {
        index[i] = (int64_t)qns_rng_below(&rng, ROWS);
        factor[i] = (float)(2 * qns_rng_unit(&rng) - 1);
    }
    for (int bits = 4; bits <= 8; bits += 4) {
        const qns_embedding e = {bits, ROWS, DIM, table};
        const qns_bags b = {
            .n = BAGS, .index = index, .n_index = N, .offset = offset, .weight = factor};
        cr_assert_eq(qns_embedding_pack_direct(table, bits, w, ROWS, DIM, NULL), QNS_OK);
        cr_assert_eq(qns_embedding_sum(out, &e, &b, NULL), QNS_OK);
        for (size_t i = 0; i < BAGS; i++) {
            const size_t end = i + 1 < BAGS ? (size_t)offset[i + 1] : N;
            for (size_t j = 0; j < DIM; j++) {
                double want = 0, room = 1e-4;
                for (size_t k = (size_t)offset[i]; k < end; k++) {
                    want += (double)factor[k] * (double)w[(size_t)index[k] * DIM + j];
                    room += fabs((double)factor[k]) * 4 / (bits == 8 ? 255 : 15) * 0.51;
                }
                cr_expect(fabs((double)out[i * DIM + j] - want) <= room);
                cr_expect(offset[i] != (int64_t)end || out[i * DIM + j] == 0);
            }
        }
    }
}

Test(embedding, bad_input_is_refused)
{
    float w[4] = {1, 2, 3, 4}, out[4] = {9}, scale[2], zero[2];
    uint8_t table[64] = {0}, codes[4] = {16, 1, 2, 3};
    const qns_embedding e = {8, 2, 2, table};
    const int64_t index[] = {0, 2}, fine[] = {0, 1}, minus[] = {-1};
    const int64_t late[] = {1, 2}, falling[] = {0, 2, 1}, beyond[] = {0, 3};
    const qns_bags bad[] = {
        {.n = 2, .index = index, .n_index = 2},
        {.n = 1, .index = minus, .n_index = 1},
        {.n = 1, .index = fine, .n_index = 2},
        {.n = 2, .index = fine, .n_index = 2, .offset = late},
        {.n = 2, .index = fine, .n_index = 2, .offset = falling, .with_last = true},
        {.n = 2, .index = fine, .n_index = 2, .offset = beyond},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++)
        cr_expect_eq(qns_embedding_sum(out, &e, &bad[i], NULL), QNS_E_DATA, "%zu", i);
    cr_expect_eq(out[0], 9);
    cr_expect_eq(qns_embedding_check(&e, 20, NULL), QNS_OK);
    cr_expect_eq(qns_embedding_check(&e, 21, NULL), QNS_E_SHAPE);
    cr_expect_eq(qns_embedding_check(&e, 10, NULL), QNS_E_SHAPE);
    cr_expect_eq(qns_embedding_pack_direct(table, 2, w, 1, 4, NULL), QNS_E_SHAPE);
    cr_expect_eq(qns_embedding_pack_direct(table, 4, w, 1, 3, NULL), QNS_E_SHAPE);
    cr_expect_eq(qns_embedding_pack_direct(table, 8, w, 1, 0, NULL), QNS_E_SHAPE);
    scale[0] = 1;
    zero[0] = 0;
    cr_expect_eq(qns_embedding_pack(table, 4, codes, scale, zero, 1, 4, NULL), QNS_E_DATA);
    codes[0] = 15;
    zero[0] = 1e6f;
    cr_expect_eq(qns_embedding_pack(table, 4, codes, scale, zero, 1, 4, NULL), QNS_E_DATA);
    w[3] = 1e7f;
    cr_expect_eq(qns_embedding_pack_direct(table, 4, w, 1, 4, NULL), QNS_E_DATA);
    w[2] = -3e38f;
    w[3] = 3e38f;
    cr_expect_eq(qns_embedding_pack_direct(table, 8, w, 1, 4, NULL), QNS_E_DATA);
    w[2] = NAN;
    cr_expect_eq(qns_embedding_pack_direct(table, 8, w, 1, 4, NULL), QNS_E_DATA);
    cr_expect_eq(qns_embedding_quantize(codes, scale, zero, 8, w, 1, 4, NULL), QNS_E_DATA);
}
