/* SPDX-License-Identifier: MIT */
/* Every member of the function table on one typical problem. A new member is one line below. */
#include "tools/bench_kernels.h"

#include <assert.h>

enum {
    M = QNS_BENCH_M,
    N = QNS_BENCH_N,
    K = QNS_BENCH_K,
    CH = QNS_BENCH_CH,
    WINDOW = QNS_BENCH_WINDOW,
    POSITIONS = QNS_BENCH_POSITIONS,
    RUN = QNS_BENCH_RUN
};

static void gemm_u8s8(const qk_table *k, qns_bench_data *d)
{
    k->gemm_u8s8(d->acc, N, d->row_u8, M, d->packed, N, K);
}

static void gemm_u8s8_pairs(const qk_table *k, qns_bench_data *d)
{
    k->gemm_u8s8_pairs(d->acc, N, d->row_u8, M, d->packed, N, K);
}

static void gemm_f32(const qk_table *k, qns_bench_data *d)
{
    k->gemm_f32(d->floats_out, N, d->row_f32, M, d->packed_f32, NULL, N, K / 4);
}

static void conv_u8s8(const qk_table *k, qns_bench_data *d)
{
    const qk_conv_tile t = {.rows = d->row_u8,
                            .m = M,
                            .n_taps = 1,
                            .tap_k = K,
                            .packed = d->packed,
                            .n = N,
                            .rq = &d->requant,
                            .notes = d->notes,
                            .scratch = d->scratch};

    if (d->noted != k) {
        k->conv_u8s8_notes(d->notes, d->packed, N / 16, 1, K);
        d->noted = k;
    }

    assert(k->conv_u8s8_scratch(&t) <= QNS_BENCH_SCRATCH);
    k->conv_u8s8(d->codes_out, N, &t);
}

static void requant(const qk_table *k, qns_bench_data *d)
{
    k->requant(d->codes_out, N, d->acc, N, M, N, NULL, &d->requant);
}

static void dwconv_u8s8(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->dwconv_u8s8(d->acc + i * CH, d->row_u8 + i % 8, WINDOW, d->weight, CH);
}

static void dwconv_u8s8_pairs(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->dwconv_u8s8_pairs(d->acc + i * CH, d->row_u8 + i % 8, WINDOW, d->weight, CH);
}

static void dwconv_f32(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->dwconv_f32(d->floats_out + i * CH, d->row_f32 + i % 8, WINDOW, d->weight_f32, NULL, CH);
}

static void quantize_u8(const qk_table *k, qns_bench_data *d)
{
    k->quantize_u8(d->codes_out, d->floats, RUN, 30.0f, 128);
}

static void quantize_s8(const qk_table *k, qns_bench_data *d)
{
    k->quantize_s8((int8_t *)d->codes_out, d->floats, RUN, 30.0f, 0);
}

static void dequantize_u8(const qk_table *k, qns_bench_data *d)
{
    k->dequantize_u8(d->floats_out, d->codes, RUN, 0.03f, 128);
}

static void dequantize_s8(const qk_table *k, qns_bench_data *d)
{
    k->dequantize_s8(d->floats_out, (const int8_t *)d->codes, RUN, 0.03f, 0);
}

static void add_u8(const qk_table *k, qns_bench_data *d)
{
    k->add_u8(d->codes_out, d->codes, d->codes2, RUN, &d->add);
}

static void add_u8_fixed(const qk_table *k, qns_bench_data *d)
{
    const qk_add_fixed p = {.a = 3 << 20,
                            .b = 2 << 20,
                            .zero_a = 100,
                            .zero_b = 3,
                            .zero_out = 120,
                            .hi = 255,
                            .shift = 22};

    k->add_u8_fixed(d->codes_out, d->codes, d->codes2, RUN, &p);
}

static void max_u8(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->max_u8(d->codes_out + i * CH, d->row_u8 + i % 8, WINDOW, CH);
}

static void max_s8(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->max_s8((int8_t *)d->codes_out + i * CH, d->row_s8 + i % 8, WINDOW, CH);
}

static void max_f32(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->max_f32(d->floats_out + i * CH, d->row_f32 + i % 8, WINDOW, CH);
}

static void sum_u8(const qk_table *k, qns_bench_data *d)
{
    for (int i = 0; i < POSITIONS; i++)
        k->sum_u8(d->acc + i * CH, d->row_u8 + i % 8, WINDOW, CH);
}

static void lut_u8(const qk_table *k, qns_bench_data *d)
{
    k->lut_u8(d->codes_out, d->codes, RUN, d->table);
}

static void clamp_u8(const qk_table *k, qns_bench_data *d)
{
    k->clamp_u8(d->codes_out, d->codes, RUN, 20, 200);
}

static void clamp_s8(const qk_table *k, qns_bench_data *d)
{
    k->clamp_s8((int8_t *)d->codes_out, (const int8_t *)d->codes, RUN, -20, 100);
}

static void minmax_f32(const qk_table *k, qns_bench_data *d)
{
    k->minmax_f32(&d->floats_out[0], &d->floats_out[1], d->floats, RUN);
}

static void dequantize_wide_u8(const qk_table *k, qns_bench_data *d)
{
    k->dequantize_wide_u8(d->floats_out, d->codes, RUN, 0.03, 128);
}

static void dequantize_wide_s8(const qk_table *k, qns_bench_data *d)
{
    k->dequantize_wide_s8(d->floats_out, (const int8_t *)d->codes, RUN, 0.03, 0);
}

static void bin_f32(const qk_table *k, qns_bench_data *d)
{
    k->bin_f32((int32_t *)d->floats_out, d->floats, RUN, -2.0f, 2.0f, 2048);
}

static void transpose_b1(const qk_table *k, qns_bench_data *d)
{
    k->transpose_b1(d->codes_out, d->codes, RUN / 64, 64, 64);
}

static void transpose_b4(const qk_table *k, qns_bench_data *d)
{
    k->transpose_b4((uint32_t *)d->floats_out, (const uint32_t *)d->floats, RUN / 64, 64, 64);
}

static void pair_f32(const qk_table *k, qns_bench_data *d)
{
    qk_pair sums;
    k->pair_f32(&sums, d->floats, d->floats + 16, RUN);
    d->floats_out[0] = (float)sums.ee;
}

static void pair_codes(const qk_table *k, qns_bench_data *d)
{
    const qk_coded test[QK_PAIR_TESTS] = {{d->codes, 0.03f, 128, false},
                                          {d->codes + 16, 0.03f, 128, false}};
    qk_pair sums[QK_PAIR_TESTS];
    k->pair_codes(sums, d->floats, test, QK_PAIR_TESTS, RUN);
    d->floats_out[0] = (float)sums[1].ee;
}

static void outside_f32(const qk_table *k, qns_bench_data *d)
{
    d->floats_out[0] = (float)k->outside_f32(d->floats, RUN, -1.0f, 1.0f);
}

#define CASE(f)  .name = #f, .member = offsetof(qk_table, f), .run = f
#define ROW_TEXT "196 x 192 ch, 3x3"
#define RUN_TEXT "65536"

#define GEMM       .shape = "196 x 256 x 1024", .ops = 2.0 * M * N * K
#define WINDOW_SUM .shape = ROW_TEXT, .ops = 2.0 * POSITIONS * WINDOW * CH
/* Every tap counts as read: most come from the first-level cache. */
#define TAPS(in, out) .shape = ROW_TEXT, .bytes = (double)POSITIONS * CH * (WINDOW * (in) + (out))
#define EACH(bytes_)  .shape = RUN_TEXT, .bytes = (double)RUN * (bytes_)

static const qns_bench_kernel list[] = {
    {CASE(conv_u8s8), GEMM},
    {CASE(gemm_u8s8), GEMM},
    {CASE(gemm_u8s8_pairs), GEMM},
    {CASE(gemm_f32), .shape = "196 x 256 x 256", .kind = QK_PEAK_F32, .ops = 2.0 * M * N * K / 4},
    {CASE(dwconv_u8s8), WINDOW_SUM},
    {CASE(dwconv_u8s8_pairs), WINDOW_SUM},
    {CASE(dwconv_f32), WINDOW_SUM, .kind = QK_PEAK_F32},
    {CASE(requant), .shape = "196 x 256", .bytes = 5.0 * M * N},
    {CASE(quantize_u8), EACH(5)},
    {CASE(quantize_s8), EACH(5)},
    {CASE(dequantize_u8), EACH(5)},
    {CASE(dequantize_s8), EACH(5)},
    {CASE(dequantize_wide_u8), EACH(5)},
    {CASE(dequantize_wide_s8), EACH(5)},
    {CASE(add_u8), EACH(3)},
    {CASE(add_u8_fixed), EACH(3)},
    {CASE(max_u8), TAPS(1, 1)},
    {CASE(max_s8), TAPS(1, 1)},
    {CASE(max_f32), TAPS(4, 4)},
    {CASE(sum_u8), TAPS(1, 4)},
    {CASE(lut_u8), EACH(2)},
    {CASE(clamp_u8), EACH(2)},
    {CASE(clamp_s8), EACH(2)},
    {CASE(minmax_f32), EACH(4)},
    {CASE(outside_f32), EACH(4)},
    {CASE(bin_f32), EACH(8)},
    {CASE(pair_f32), EACH(8)},
    {CASE(pair_codes), EACH(6)},
    {CASE(transpose_b1), EACH(2)},
    {CASE(transpose_b4), EACH(8)},
};

const qns_bench_kernel *qns_bench_kernels(size_t *n)
{
    *n = QNS_ARRAY_LEN(list);
    return list;
}
