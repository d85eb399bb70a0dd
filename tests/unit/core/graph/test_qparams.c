/* SPDX-License-Identifier: MIT */
#include "core/graph/qparams.h"

#include <criterion/criterion.h>
#include <math.h>

static const qns_qrule_range affine = {QNS_U8, 0, 255, false, 0x1p-23f};
static const qns_qrule_range reduced = {QNS_U8, 0, 127, false, 0x1p-23f};
static const qns_qrule_range symmetric = {QNS_I8, -128, 127, true, 0x1p-23f};

static void check(const qns_qrule_range *rule, float lo, float hi, float scale, int32_t zero)
{
    float s;
    int32_t z;
    cr_assert_eq(qns_qparams_choose(&s, &z, rule, (qns_range){lo, hi}, NULL), QNS_OK);
    cr_expect(s == scale, "[%g, %g]: scale %.9g, expected %.9g", (double)lo, (double)hi, (double)s,
              (double)scale);
    cr_expect_eq(z, zero, "[%g, %g]: zero %d, expected %d", (double)lo, (double)hi, z, zero);
}

/* Spec section 2.1, worked by hand. */
Test(qparams, observer_formula)
{
    check(&affine, 5, 5, 5.0f / 255.0f, 0);
    check(&affine, 0, 0, 0x1p-23f, 0);
    check(&affine, -1, 1, 2.0f / 255.0f, 127); /* 2 / 255 rounds up in f32: -1 / s > -127.5 */
    check(&affine, -255, 0, 1, 255);
    check(&reduced, 0, 127, 1, 0);
    check(&reduced, -127, 0, 1, 127);
    check(&symmetric, -127.5f, 3, 1, 0);
    check(&symmetric, -1, 255, 2, 0);
    check(&affine, INFINITY, -INFINITY, 1, 0); /* no data */
}

Test(qparams, a_range_with_nan_is_an_error)
{
    float s;
    int32_t z;
    qns_err err = {0};
    cr_assert_eq(qns_qparams_choose(&s, &z, &affine, (qns_range){NAN, 1}, &err), QNS_E_DATA);
    cr_assert_eq(qns_qparams_choose(&s, &z, &affine, (qns_range){2, 1}, NULL), QNS_E_DATA);
}

Test(qparams, hostile_parameters_are_refused)
{
    const qns_qparams *qp;
    qns_arena *a;
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    const double good = 0.5, bad[] = {0, -1, INFINITY, NAN};
    const int32_t zero = 0, outside = 256;
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++)
        cr_assert_eq(qns_qparams_new(&qp, a, QNS_U8, -1, 1, &bad[i], &zero, NULL), QNS_E_DATA);
    cr_assert_eq(qns_qparams_new(&qp, a, QNS_U8, -1, 1, &good, &outside, NULL), QNS_E_DATA);
    cr_assert_eq(qns_qparams_new(&qp, a, QNS_F32, -1, 1, &good, &zero, NULL), QNS_E_UNSUPPORTED);
    cr_assert_eq(qns_qparams_new(&qp, a, QNS_U8, -1, 0, &good, &zero, NULL), QNS_E_SHAPE);
    cr_assert_eq(qns_qparams_new(&qp, a, QNS_U8, -1, 1, &good, &zero, NULL), QNS_OK);
    qns_arena_free(a);
}

Test(qparams, relayout_and_back_keeps_every_element)
{
    enum { N = 2, C = 5, H = 3, W = 7, COUNT = N * C * H * W };
    uint8_t row[COUNT], last[COUNT], back[COUNT];
    for (int i = 0; i < COUNT; i++)
        row[i] = (uint8_t)i;
    qns_tensor t = {QNS_U8, QNS_ROW, {4, {N, C, H, W}}, row, NULL};
    qns_tensor_relayout(last, QNS_CHLAST, &t);
    for (int n = 0; n < N; n++)
        for (int c = 0; c < C; c++)
            for (int p = 0; p < H * W; p++)
                cr_assert_eq(last[(n * H * W + p) * C + c], row[(n * C + c) * H * W + p]);
    t.data = last;
    t.layout = QNS_CHLAST;
    qns_tensor_relayout(back, QNS_ROW, &t);
    cr_assert_arr_eq(back, row, COUNT);
}

Test(qparams, to_float_dequantizes_by_channel_in_either_layout)
{
    qns_arena *a;
    const qns_qparams *qp;
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    const double scale[2] = {0.5, 0.25};
    const int32_t zero[2] = {1, -2};
    cr_assert_eq(qns_qparams_new(&qp, a, QNS_I8, 1, 2, scale, zero, NULL), QNS_OK);
    int8_t row[6] = {1, 2, 3, -2, 0, 2}, last[6];
    float got[6];
    const float want[6] = {0, 0.5f, 1, 0, 0.5f, 1};
    qns_tensor t = {QNS_I8, QNS_ROW, {3, {1, 2, 3}}, row, qp};
    qns_tensor_to_float(got, &t);
    cr_assert_arr_eq(got, want, sizeof want);
    qns_tensor_relayout(last, QNS_CHLAST, &t);
    t.data = last;
    t.layout = QNS_CHLAST;
    qns_tensor_to_float(got, &t);
    cr_assert_arr_eq(got, want, sizeof want);
    qns_arena_free(a);
}
