/* SPDX-License-Identifier: MIT */
#include "core/ops/scalar_form.h"

#include <criterion/criterion.h>
#include <math.h>

static const qns_qparams *one(qns_qparams *qp, qns_dtype type, const double *scale,
                              const int32_t *zero)
{
    *qp = (qns_qparams){type, -1, 1, scale, zero};
    return qp;
}

/* What a code stands for after the form is what it stood for, plus or times the number: exactly up
 * to half a step of either side. */
Test(scalar_form, keeps_its_promise)
{
    static const double numbers[] = {0.3, -0.3, 7, -7, 40, -40, 1e-3};
    static const int32_t zeros[] = {-128, -3, 0, 5, 127, 200};
    const double s = 0.0625;
    for (size_t i = 0; i < QNS_ARRAY_LEN(numbers) * QNS_ARRAY_LEN(zeros) * 2; i++) {
        const double c = numbers[i / 2 % QNS_ARRAY_LEN(numbers)];
        const int32_t z = zeros[i / 2 / QNS_ARRAY_LEN(numbers)];
        const qns_dtype type = i % 2 ? QNS_I8 : QNS_U8;
        const int32_t lo = qns_dtype_min(type), hi = qns_dtype_max(type);
        qns_qparams qp;
        qns_scalar_form add, mul;
        if (z < lo || z > hi)
            continue;
        cr_assert_eq(qns_scalar_form_add(&add, one(&qp, type, &s, &z), c, false, NULL), QNS_OK);
        cr_assert_eq(qns_scalar_form_mul(&mul, &qp, c, false, NULL), QNS_OK);
        for (int32_t q = lo; q <= hi; q++) {
            const uint8_t a = add.table.at[(uint8_t)q], m = mul.table.at[(uint8_t)q];
            const double sum = add.scale * ((type == QNS_I8 ? (int8_t)a : a) - add.zero);
            const double product = mul.scale * ((type == QNS_I8 ? (int8_t)m : m) - mul.zero);
            cr_expect_leq(fabs(sum - (s * (q - z) + c)), s / 2 + add.scale / 2 + 1e-6);
            cr_expect_leq(fabs(product - s * (q - z) * c), 1e-12);
        }
    }
}

Test(scalar_form, refuses)
{
    const double s = 0.1;
    const int32_t z = 3;
    qns_qparams qp;
    qns_scalar_form f;
    one(&qp, QNS_U8, &s, &z);
    cr_expect_eq(qns_scalar_form_add(&f, &qp, (double)NAN, false, NULL), QNS_E_DATA);
    cr_expect_eq(qns_scalar_form_mul(&f, &qp, (double)INFINITY, false, NULL), QNS_E_DATA);
    cr_expect_eq(qns_scalar_form_add(&f, &qp, 1e300, false, NULL), QNS_E_DATA);
    cr_expect_eq(qns_scalar_form_mul(&f, &qp, 1e-300, false, NULL), QNS_E_DATA);
    cr_expect_eq(qns_scalar_form_mul(&f, &qp, 0, false, NULL), QNS_OK);
    cr_expect(f.scale == 1 && f.zero == 0 && f.table.at[77] == 0);
}
