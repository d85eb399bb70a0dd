/* SPDX-License-Identifier: MIT */
/* Operators on the rare integer types, where 64 bits without a sign are the trap. */
#include "core/graph/element.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_moves.h"
#include "op_run.h"

#include <math.h>

#define BIG (UINT64_C(1) << 63)

static qns_tensor row(qns_dtype type, void *data, int64_t n)
{
    return (qns_tensor){.dtype = type, .shape = {1, {n}}, .data = data};
}

static op_run on_two(const char *op, const void *attr, qns_dtype type, void *a, void *b, int64_t n)
{
    op_run r = {.op = op, .attr = attr, .n_in = 2};
    r.in[0] = row(type, a, n);
    r.in[1] = row(type, b, n);
    cr_assert(op_execute(&r), "%s: %s", op, r.err.text);
    return r;
}

Test(op_types, uint64_beyond_int64)
{
    static const int64_t max = 0, min = 1, zero = 0, less = 1;
    uint64_t a[] = {BIG + 5, 7, UINT64_MAX}, b[] = {3, BIG, 10};
    static const uint64_t mod[] = {(BIG + 5) % 3, 7, UINT64_MAX % 10};
    static const uint64_t quotient[] = {(BIG + 5) / 3, 0, UINT64_MAX / 10};
    op_run r = on_two("maximum", &max, QNS_U64, a, b, 3);
    cr_expect_arr_eq(r.out[0].data, ((uint64_t[]){BIG + 5, BIG, UINT64_MAX}), 24);
    op_finish(&r);
    r = on_two("maximum", &min, QNS_U64, a, b, 3);
    cr_expect_arr_eq(r.out[0].data, ((uint64_t[]){3, 7, 10}), 24);
    op_finish(&r);
    r = on_two("mod", &zero, QNS_U64, a, b, 3);
    cr_expect_arr_eq(r.out[0].data, mod, 24);
    op_finish(&r);
    r = on_two("div", NULL, QNS_U64, a, b, 3);
    cr_expect_arr_eq(r.out[0].data, quotient, 24);
    op_finish(&r);
    r = on_two("compare", &less, QNS_U64, a, b, 3);
    cr_expect_arr_eq(r.out[0].data, ((uint8_t[]){0, 1, 0}), 3);
    op_finish(&r);
    op_run arg = {.op = "argmax", .attr = (const int64_t[4]){0, 1}, .n_in = 1};
    arg.in[0] = row(QNS_U64, a, 3);
    cr_assert(op_execute(&arg), "%s", arg.err.text);
    cr_expect_eq(*(int64_t *)arg.out[0].data, 2);
    op_finish(&arg);
}

Test(op_types, division_by_zero_is_zero)
{
    static const int64_t zero = 0;
    uint64_t a[] = {5, BIG}, b[] = {0, 0};
    op_run r = on_two("div", NULL, QNS_U64, a, b, 2);
    cr_expect_arr_eq(r.out[0].data, ((uint64_t[]){0, 0}), 16);
    op_finish(&r);
    r = on_two("mod", &zero, QNS_U64, a, b, 2);
    cr_expect_arr_eq(r.out[0].data, ((uint64_t[]){0, 0}), 16);
    op_finish(&r);
}

Test(op_types, casts_saturate)
{
    const qns_dtype to[] = {QNS_I16, QNS_U16, QNS_U32, QNS_I64};
    uint64_t x[] = {UINT64_MAX, 40000};
    int64_t y[] = {-1, 70000};
    static const int64_t from_x[][2] = {
        {INT16_MAX, INT16_MAX}, {UINT16_MAX, 40000}, {UINT32_MAX, 40000}, {INT64_MAX, 40000}};
    static const int64_t from_y[][2] = {{-1, INT16_MAX}, {0, UINT16_MAX}, {0, 70000}, {-1, 70000}};
    for (size_t i = 0; i < 4; i++)
        for (int k = 0; k < 2; k++) {
            const qns_cast_attr a = {.to = to[i]};
            op_run r = {.op = "cast", .attr = &a, .n_in = 1};
            r.in[0] = k ? row(QNS_I64, y, 2) : row(QNS_U64, x, 2);
            cr_assert(op_execute(&r), "%s", r.err.text);
            for (size_t e = 0; e < 2; e++)
                cr_expect_eq(qns_int_at(&r.out[0], e), k ? from_y[i][e] : from_x[i][e], "%s %zu",
                             qns_dtype_name(to[i]), e);
            op_finish(&r);
        }
}

/* Ties of float16 go to even; bfloat16 drops bits; both keep what is no number. */
Test(op_types, casts_to_short_floats_leave_their_values)
{
    float x[] = {1.0f + 0x1p-11f, 1.0f + 0x3p-11f, 65520.0f, 1.0f + 0x1.fp-8f, -INFINITY, NAN};
    static const float half[] = {1.0f, 1.0f + 0x1p-9f, INFINITY, 1.0f + 0x1p-7f, -INFINITY};
    static const float bfloat[] = {1.0f, 1.0f, 65280.0f, 1.0f, -INFINITY};
    for (int k = 1; k < 3; k++) {
        const qns_cast_attr a = {.to = QNS_F32, .grid = k};
        op_run r = {.op = "cast", .attr = &a, .n_in = 1};
        r.in[0] = row(QNS_F32, x, 6);
        cr_assert(op_execute(&r), "%s", r.err.text);
        for (size_t i = 0; i < 5; i++)
            cr_expect_eq(qns_cf32(&r.out[0])[i], k == QNS_CAST_F16 ? half[i] : bfloat[i], "%d %zu",
                         k, i);
        cr_expect(isnan(qns_cf32(&r.out[0])[5]));
        op_finish(&r);
    }
}

Test(op_types, clamps_of_unsigned_numbers)
{
    const qns_clamp_attr a = {{-3, 100}};
    uint64_t x[] = {0, 50, BIG, UINT64_MAX};
    op_run r = {.op = "clamp", .attr = &a, .n_in = 1};
    r.in[0] = row(QNS_U64, x, 4);
    cr_assert(op_execute(&r), "%s", r.err.text);
    cr_expect_arr_eq(r.out[0].data, ((uint64_t[]){0, 50, 100, 100}), 32);
    op_finish(&r);
}
