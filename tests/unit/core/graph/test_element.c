/* SPDX-License-Identifier: MIT */
/* Elements of every plain type: what is put is there again, orders, and limits. */
#include "core/graph/element.h"

#include <criterion/criterion.h>
#include <math.h>

static const qns_dtype types[] = {QNS_U8,  QNS_I8,  QNS_I16, QNS_U16,
                                  QNS_I32, QNS_U32, QNS_I64, QNS_U64};

Test(element, limits_are_kept)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        uint64_t room[2] = {0};
        const qns_tensor t = {.dtype = types[i], .shape = {1, {2}}, .data = room};
        const int64_t lo = qns_int_min(types[i]), hi = qns_int_max(types[i]);
        qns_int_put(&t, 0, lo);
        qns_int_put(&t, 1, hi);
        cr_expect_eq(qns_int_at(&t, 0), lo, "%s", qns_dtype_name(types[i]));
        cr_expect_eq(qns_int_at(&t, 1), hi, "%s", qns_dtype_name(types[i]));
        cr_expect_lt(qns_int_rank(types[i], lo), qns_int_rank(types[i], hi));
        cr_expect_eq(qns_real_at(&t, 1),
                     types[i] == QNS_U64 ? 0x1p64 : (double)hi); /* the nearest doubles */
        cr_expect_eq(qns_dtype_size(types[i]) * 8,
                     (size_t)lrint(log2(qns_real_at(&t, 1) - qns_real_at(&t, 0) + 1)));
    }
}

Test(element, reals_saturate)
{
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const qns_dtype t = types[i];
        cr_expect_eq(qns_int_of_real(t, 1e30), qns_int_max(t), "%s", qns_dtype_name(t));
        cr_expect_eq(qns_int_of_real(t, -1e30), qns_int_min(t), "%s", qns_dtype_name(t));
        cr_expect_eq(qns_int_of_real(t, INFINITY), qns_int_max(t));
        cr_expect_eq(qns_int_of_real(t, NAN), 0);
        cr_expect_eq(qns_int_of_real(t, 2.75), 2);
        cr_expect_eq(qns_int_of_real(t, -0.75), 0);
    }
    cr_expect_eq((uint64_t)qns_int_of_real(QNS_U64, 0x1p63), UINT64_C(1) << 63);
    cr_expect_eq(qns_int_of_real(QNS_I16, -2.5), -2);
}

Test(element, large_uint64_are_above_small_ones)
{
    const int64_t big = (int64_t)(UINT64_C(1) << 63);
    cr_expect_gt(qns_int_rank(QNS_U64, big), qns_int_rank(QNS_U64, 5));
    cr_expect_lt(qns_int_rank(QNS_I64, big), qns_int_rank(QNS_I64, 5));
    cr_expect_eq(qns_int_float(QNS_U64, big), 0x1p63f);
    cr_expect_eq(qns_int_real(QNS_U64, -1), 0x1p64);
}
