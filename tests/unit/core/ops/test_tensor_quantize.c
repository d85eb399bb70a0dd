/* SPDX-License-Identifier: MIT */
/* PyTorch's tensor functions; their numbers are compared with PyTorch's by the golden runner. */
#include "core/ops/tensor_quantize.h"

#include <criterion/criterion.h>
#include <math.h>

static qns_arena *arena(void)
{
    qns_arena *a;
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    return a;
}

Test(tensor_quantize, per_tensor_and_back)
{
    float x[] = {-1, -0.24F, 0, 0.26F, 9};
    const qns_tensor t = {QNS_F32, QNS_ROW, {1, {5}}, x, NULL};
    const uint8_t want[] = {8, 10, 10, 11, 28};
    const float back[] = {-1, 0, 0, 0.5F, 9};
    qns_arena *a = arena();
    qns_tensor q, dq;
    cr_assert_eq(qns_quantize_per_tensor(&q, a, &t, 0.5, 10, QNS_U8, NULL), QNS_OK);
    cr_expect_eq(qns_q_scale(&q), 0.5);
    cr_expect_eq(qns_q_zero_point(&q), 10);
    const qns_tensor ints = qns_int_repr(&q);
    cr_expect(ints.dtype == QNS_U8 && !ints.qp);
    cr_expect_arr_eq((uint8_t *)ints.data, want, sizeof want);
    cr_assert_eq(qns_dequantize(&dq, a, &q, NULL), QNS_OK);
    cr_expect_arr_eq((float *)dq.data, back, sizeof back);
    qns_arena_free(a);
}

/* One scale for each channel of a channels-last tensor: its codes lie as its floats do. */
Test(tensor_quantize, per_channel_in_both_layouts)
{
    float row[] = {1, 2, 3, 4, 10, 20, 30, 40}, last[] = {1, 10, 2, 20, 3, 30, 4, 40};
    const double scales[] = {0.5, 10};
    const int32_t zeros[] = {1, -1};
    const qns_shape s = {4, {1, 2, 2, 2}};
    const qns_tensor x = {QNS_F32, QNS_ROW, s, row, NULL}, y = {QNS_F32, QNS_CHLAST, s, last, NULL};
    const int8_t want[] = {3, 5, 7, 9, 0, 1, 2, 3}, want_last[] = {3, 0, 5, 1, 7, 2, 9, 3};
    qns_arena *a = arena();
    qns_tensor q, p, dq;
    cr_assert_eq(qns_quantize_per_channel(&q, a, &x, scales, zeros, 1, QNS_I8, NULL), QNS_OK);
    cr_assert_eq(qns_quantize_per_channel(&p, a, &y, scales, zeros, 1, QNS_I8, NULL), QNS_OK);
    cr_expect_arr_eq((int8_t *)q.data, want, sizeof want);
    cr_expect_arr_eq((int8_t *)p.data, want_last, sizeof want_last);
    cr_expect_eq(qns_q_per_channel_axis(&q), 1);
    cr_expect_arr_eq(qns_q_per_channel_scales(&q), scales, sizeof scales);
    cr_expect_arr_eq(qns_q_per_channel_zero_points(&q), zeros, sizeof zeros);
    cr_assert_eq(qns_dequantize(&dq, a, &p, NULL), QNS_OK);
    cr_expect_arr_eq((float *)dq.data, row, sizeof row);
    qns_arena_free(a);
}

Test(tensor_quantize, int32_codes_and_bad_qparams)
{
    float x[] = {1e9F, -3, NAN};
    int64_t n[] = {1};
    const qns_tensor t = {QNS_F32, QNS_ROW, {1, {3}}, x, NULL};
    const qns_tensor ints = {QNS_I64, QNS_ROW, {1, {1}}, n, NULL};
    const double zero_scale = 0, scales[] = {1, INFINITY, 1};
    const int32_t zeros[] = {0, 0, 0};
    qns_arena *a = arena();
    qns_tensor q;
    qns_err err = {0};
    cr_assert_eq(qns_quantize_per_tensor(&q, a, &t, 0.25, 0, QNS_I32, &err), QNS_OK);
    cr_expect_eq(((int32_t *)q.data)[0], INT32_MAX);
    cr_expect_eq(((int32_t *)q.data)[1], -12);
    cr_expect_eq(qns_quantize_per_tensor(&q, a, &t, zero_scale, 0, QNS_U8, &err), QNS_E_DATA);
    cr_expect_eq(qns_quantize_per_tensor(&q, a, &t, NAN, 0, QNS_U8, &err), QNS_E_DATA);
    cr_expect_eq(qns_quantize_per_tensor(&q, a, &t, 1, 256, QNS_U8, &err), QNS_E_DATA);
    cr_expect_eq(qns_quantize_per_tensor(&q, a, &ints, 1, 0, QNS_U8, &err), QNS_E_SHAPE);
    cr_expect_eq(qns_quantize_per_channel(&q, a, &t, scales, zeros, 0, QNS_U8, &err), QNS_E_DATA);
    cr_expect_eq(qns_quantize_per_channel(&q, a, &t, scales, zeros, 1, QNS_U8, &err), QNS_E_SHAPE);
    qns_arena_free(a);
}
