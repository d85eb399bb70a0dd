/* SPDX-License-Identifier: MIT */
/* Operators on plain integers against plain loops, and the formulas of ONNX Runtime. */
#include "tests/unit/core/ops/op_run.h"

#include "core/ops/conv_impl.h"
#include "core/ops/op_quantize.h"

#include <math.h>

static qns_tensor bytes(op_run *r, qns_rng *rng, qns_shape s, bool is_signed)
{
    qns_tensor t = op_codes(r, rng, s, op_qp(r, is_signed ? QNS_I8 : QNS_U8, 1, 0));
    t.qp = NULL;
    return t;
}

static int32_t at(const qns_tensor *t, size_t i)
{
    return t->dtype == QNS_I8 ? ((const int8_t *)t->data)[i] : ((const uint8_t *)t->data)[i];
}

static int32_t zero_of(const op_run *r, uint32_t i, size_t k)
{
    if (i >= r->n_in || r->in[i].dtype == QNS_DTYPE_COUNT)
        return 0;
    return at(&r->in[i], qns_tensor_count(&r->in[i]) > 1 ? k : 0);
}

Test(op_integer, products_of_matrices)
{
    qns_rng rng;
    qns_rng_seed(&rng, 51);
    for (int i = 0; i < 40; i++) {
        const int64_t m = 1 + i % 5, k = 1 + i % 7 * 9, n = 1 + i % 6 * 5, batch = 1 + i % 3;
        op_run r = {.op = "matmul_integer", .n_in = 2 + (uint32_t)(i % 3)};
        r.in[0] = bytes(&r, &rng, op_shape(3, batch, m, k, 0), i & 1);
        r.in[1] = bytes(&r, &rng, op_shape(2, k, n, 0, 0), i & 2);
        r.in[2] = bytes(&r, &rng, op_shape(i & 4 ? 1 : 0, m, 0, 0, 0), i & 1);
        r.in[3] = bytes(&r, &rng, op_shape(i & 8 ? 1 : 0, n, 0, 0, 0), i & 2);
        cr_assert(op_execute(&r), "%s", r.err.text);
        cr_assert_eq(r.out[0].dtype, QNS_I32);
        for (int64_t row = 0; row < batch * m; row++)
            for (int64_t j = 0; j < n; j++) {
                int32_t sum = 0;
                for (int64_t l = 0; l < k; l++)
                    sum +=
                        (at(&r.in[0], (size_t)(row * k + l)) - zero_of(&r, 2, (size_t)(row % m))) *
                        (at(&r.in[1], (size_t)(l * n + j)) - zero_of(&r, 3, (size_t)j));
                cr_assert_eq(((int32_t *)r.out[0].data)[row * n + j], sum, "case %d", i);
            }
        op_finish(&r);
    }
}

/* 3x3, stride 2 on the second axis, padding 1 above: padding is the zero point. */
Test(op_integer, convolutions)
{
    const qns_conv_attr attr = {.win = {.rank = 2,
                                        .kernel = {3, 3},
                                        .stride = {1, 2},
                                        .dilation = {1, 1},
                                        .pad_lo = {1, 0}},
                                .groups = 2};
    qns_rng rng;
    qns_rng_seed(&rng, 52);
    for (int i = 0; i < 12; i++) {
        op_run r = {.op = "conv_integer", .attr = &attr, .n_in = 2 + (uint32_t)(i % 3)};
        r.in[0] = bytes(&r, &rng, op_shape(4, 2, 4, 5, 7), i & 1);
        r.in[1] = bytes(&r, &rng, op_shape(4, 6, 2, 3, 3), i & 2);
        r.in[2] = bytes(&r, &rng, op_shape(0, 0, 0, 0, 0), i & 1);
        r.in[3] = bytes(&r, &rng, op_shape(i & 4 ? 1 : 0, 6, 0, 0, 0), i & 2);
        cr_assert(op_execute(&r), "%s", r.err.text);
        const qns_shape want = op_shape(4, 2, 6, 4, 3);
        cr_assert(qns_shape_equal(&r.out[0].shape, &want));
        for (int b = 0; b < 2; b++)
            for (int o = 0; o < 6; o++)
                for (int y = 0; y < 4; y++)
                    for (int x = 0; x < 3; x++) {
                        int32_t sum = 0;
                        for (int t = 0; t < 18; t++) {
                            const int c = t / 9, u = y - 1 + t % 9 / 3, v = 2 * x + t % 3;
                            if (u >= 0)
                                sum += (at(&r.in[0],
                                           (size_t)(((b * 4 + o / 3 * 2 + c) * 5 + u) * 7 + v)) -
                                        zero_of(&r, 2, 0)) *
                                       (at(&r.in[1], (size_t)(o * 18 + t)) -
                                        zero_of(&r, 3, (size_t)o));
                        }
                        cr_assert_eq(((int32_t *)r.out[0].data)[((b * 6 + o) * 4 + y) * 3 + x], sum,
                                     "case %d", i);
                    }
        op_finish(&r);
    }
}

Test(op_integer, refuses_zero_points_of_another_kind)
{
    qns_rng rng;
    qns_rng_seed(&rng, 53);
    op_run r = {.op = "matmul_integer", .n_in = 3};
    r.in[0] = bytes(&r, &rng, op_shape(2, 2, 3, 0, 0), false);
    r.in[1] = bytes(&r, &rng, op_shape(2, 3, 4, 0, 0), true);
    r.in[2] = bytes(&r, &rng, op_shape(0, 0, 0, 0, 0), true);
    cr_expect_not(op_execute(&r), "int8 zero point of uint8");
    r.in[2] = bytes(&r, &rng, op_shape(1, 3, 0, 0, 0), false);
    cr_expect_not(op_execute(&r), "three zero points for two rows");
    r.in[2] = r.in[0];
    r.in[0] = op_random(&r, &rng, op_shape(2, 2, 3, 0, 0), 0, 1);
    cr_expect_not(op_execute(&r), "float");
    op_finish(&r);
}

Test(op_integer, dynamic_quantization)
{
    static const float range[][2] = {{-1, 3}, {2, 5}, {-7, -3}, {0, 0}};
    qns_rng rng;
    qns_rng_seed(&rng, 54);
    for (int i = 0; i < 4; i++) {
        op_run r = {.op = "dynamic_quantize", .n_in = 1, .n_out = 3};
        r.in[0] = op_random(&r, &rng, op_shape(2, 3, 67, 0, 0), range[i][0], range[i][1]);
        cr_assert(op_execute(&r));
        float lo = 0, hi = 0;
        for (size_t k = 0; k < 201; k++) {
            lo = fminf(lo, qns_f32(&r.in[0])[k]);
            hi = fmaxf(hi, qns_f32(&r.in[0])[k]);
        }
        const float scale = hi > lo ? (hi - lo) / 255 : 1;
        const float zero = rintf(-lo / scale);
        cr_expect_eq(*qns_f32(&r.out[1]), scale);
        cr_expect_eq(*(uint8_t *)r.out[2].data, (uint8_t)zero);
        for (size_t k = 0; k < 201; k++) {
            const float v = rintf(qns_f32(&r.in[0])[k] / scale) + zero;
            cr_assert_eq(((uint8_t *)r.out[0].data)[k], (uint8_t)fminf(fmaxf(v, 0), 255));
        }
        op_finish(&r);
    }
}

/* ---- onnxruntime ---- */

/* 0.5 / 0.1 is a tie that the reciprocal of the scale would move. */
Test(op_integer, quantization_divides)
{
    float x[] = {0.05F, 0.15F, 0.25F, -0.35F, 12.75F, 1e9F, -1e9F, NAN, 0};
    op_run r = {.op = "quantize", .be = "onnxruntime", .n_in = 1};
    const qns_quantize_attr attr = {op_qp(&r, QNS_U8, (double)0.1F, 3)};
    r.attr = &attr;
    r.out_qp = attr.qp;
    r.in[0] = (qns_tensor){.dtype = QNS_F32, .shape = op_shape(1, 9, 0, 0, 0), .data = x};
    cr_assert(op_execute(&r));
    cr_assert_str_eq(r.impl, "quantize.onnx");
    for (int i = 0; i < 7; i++) {
        const float v = rintf(x[i] / 0.1F) + 3;
        cr_expect_eq(((uint8_t *)r.out[0].data)[i], (uint8_t)fminf(fmaxf(v, 0), 255), "%g",
                     (double)x[i]);
    }
    cr_expect_eq(((uint8_t *)r.out[0].data)[7], 0);
    op_finish(&r);
}

Test(op_integer, quantization_per_channel_divides)
{
    const double scale[] = {0.1, 0.03, 2};
    const int32_t zero[] = {0, -7, 100};
    const qns_qparams *qp;
    qns_rng rng;
    qns_rng_seed(&rng, 55);
    op_run r = {.op = "quantize", .be = "onnxruntime", .n_in = 1};
    r.in[0] = op_random(&r, &rng, op_shape(3, 2, 3, 50, 0), -9, 9);
    cr_assert_eq(qns_qparams_new(&qp, r.arena, QNS_I8, 1, 3, scale, zero, NULL), QNS_OK);
    const qns_quantize_attr attr = {qp};
    r.attr = &attr;
    r.out_qp = qp;
    cr_assert(op_execute(&r));
    for (size_t i = 0; i < 300; i++) {
        const size_t c = i / 50 % 3;
        const float v = rintf(qns_f32(&r.in[0])[i] / (float)scale[c]) + (float)zero[c];
        cr_assert_eq(((int8_t *)r.out[0].data)[i], (int8_t)fminf(fmaxf(v, -128), 127));
    }
    op_finish(&r);
}

/* Sums, of equal shapes and with one number on either side. */
Test(op_integer, sums_by_ratios)
{
    qns_rng rng;
    qns_rng_seed(&rng, 56);
    for (int i = 0; i < 30; i++) {
        const qns_shape full = op_shape(2, 3, 41, 0, 0), one = op_shape(1, 1, 0, 0, 0);
        const float sa = 0.02F + (float)i * 0.001F, sb = 0.013F, so = 0.031F;
        const qns_range relu = {0, INFINITY};
        op_run r = {.op = "add", .be = "onnxruntime", .n_in = 2, .clamp = i % 2 ? &relu : NULL};
        r.in[0] = op_codes(&r, &rng, i % 3 == 1 ? one : full, op_qp(&r, QNS_U8, (double)sa, 100));
        r.in[1] = op_codes(&r, &rng, i % 3 == 2 ? one : full, op_qp(&r, QNS_U8, (double)sb, 7));
        r.out_qp = op_qp(&r, QNS_U8, (double)so, 60);
        cr_assert(op_execute(&r));
        cr_assert_str_eq(r.impl, "add.u8.onnx");
        const float ra = sa / so, rb = sb / so, fixed = 60 - fmaf(ra, 100, rb * 7);
        for (size_t k = 0; k < 123; k++) {
            const float a = (float)at(&r.in[0], i % 3 == 1 ? 0 : k);
            const float b = (float)at(&r.in[1], i % 3 == 2 ? 0 : k);
            const float v =
                i % 3 == 2 ? fmaf(a, ra, fmaf(b, rb, fixed)) : fmaf(b, rb, fmaf(a, ra, fixed));
            const float lo = i % 2 ? 60 : 0;
            cr_assert_eq(((uint8_t *)r.out[0].data)[k], (uint8_t)fminf(fmaxf(rintf(v), lo), 255),
                         "case %d, %zu", i, k);
        }
        op_finish(&r);
    }
}
