/* SPDX-License-Identifier: MIT */
#include "core/model/elem.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

Test(elem, half_all)
{
    /* Every half goes to float and back unchanged, and its neighbours' midpoints go to the even
     * one. */
    for (uint32_t h = 0; h < 0x7c00; h++) {
        const float f = qns_half_to_float((uint16_t)h);
        cr_assert_eq(qns_float_to_half(f), h, "%04x", h);
        cr_assert_eq(qns_float_to_half(-f), h | 0x8000, "%04x", h);
        if (h + 1 == 0x7c00)
            break;
        const float next = qns_half_to_float((uint16_t)(h + 1)), mid = (f + next) / 2;
        cr_assert_lt(f, next);
        cr_assert_eq(qns_float_to_half(mid), h & 1 ? h + 1 : h, "between %04x and the next", h);
        cr_assert_eq(qns_float_to_half(nextafterf(mid, INFINITY)), h + 1);
        cr_assert_eq(qns_float_to_half(nextafterf(mid, 0)), h);
    }
    cr_assert_eq(qns_half_to_float(0x3c00), 1.0f);
    cr_assert_eq(qns_half_to_float(0x0001), 0x1p-24f);
    cr_assert_eq(qns_half_to_float(0x7bff), 65504.0f);
    cr_assert(isinf(qns_half_to_float(0xfc00)));
    cr_assert(isnan(qns_half_to_float(0x7e01)));
    cr_assert_eq(qns_float_to_half(65519.996f), 0x7bff);
    cr_assert_eq(qns_float_to_half(65520.0f), 0x7c00);
    cr_assert_eq(qns_float_to_half(-INFINITY), 0xfc00);
    cr_assert_eq(qns_float_to_half(NAN), 0x7e00);
}

static void misfit(qns_dtype to, const void *in, qns_elem from, size_t at, const char *value,
                   const char *why)
{
    char out[64];
    qns_misfit bad = {0};
    cr_assert_not(qns_elem_convert(out, to, in, from, 4, true, &bad), "%s to %s",
                  qns_elem_name(from), qns_dtype_name(to));
    cr_assert_eq(bad.at, at);
    cr_assert_str_eq(bad.value, value);
    cr_assert_str_eq(bad.why, why);
}

Test(elem, misfits)
{
    const int16_t i16[4] = {1, 255, 300, -1};
    const float f32[4] = {0, 1.5f, 0, 0}, nans[4] = {0, 0, 0, NAN}, inf[4] = {-INFINITY, 0, 0, 0};
    const double f64[4] = {0, 1e300, 0, 0}, big[4] = {0, 0, 0x1p63, 0};
    const int64_t i64[4] = {0, INT64_C(1) << 31, 0, 0};
    const uint64_t u64[4] = {UINT64_MAX, 0, 0, 0};
    misfit(QNS_U8, i16, QNS_ELEM_I16, 2, "300", "does not fit uint8");
    misfit(QNS_I8, i16, QNS_ELEM_I16, 1, "255", "does not fit int8");
    misfit(QNS_BOOL, i16, QNS_ELEM_I16, 1, "255", "does not fit bool");
    misfit(QNS_U8, f32, QNS_ELEM_F32, 1, "1.5", "is not a whole number, as uint8 needs");
    misfit(QNS_F32, nans, QNS_ELEM_F32, 3, "nan", "is not a finite number");
    misfit(QNS_F32, inf, QNS_ELEM_F32, 0, "-inf", "is not a finite number");
    misfit(QNS_I64, nans, QNS_ELEM_F32, 3, "nan", "is not a finite number");
    misfit(QNS_F32, f64, QNS_ELEM_F64, 1, "1e+300", "does not fit float32");
    misfit(QNS_I64, big, QNS_ELEM_F64, 2, "9.22337204e+18", "does not fit int64");
    misfit(QNS_I32, i64, QNS_ELEM_I64, 1, "2147483648", "does not fit int32");
    misfit(QNS_I64, u64, QNS_ELEM_U64, 0, "18446744073709551615", "does not fit int64");
    misfit(QNS_F16, i64, QNS_ELEM_I64, 1, "2147483648", "does not fit float16");
}

Test(elem, exact)
{
    const int64_t wide[4] = {INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1, -3};
    int64_t out[4];
    qns_misfit bad;
    cr_assert(qns_elem_convert(out, QNS_I64, wide, QNS_ELEM_I64, 4, true, &bad));
    cr_assert_eq(memcmp(out, wide, sizeof wide), 0);
    const float f[4] = {-0.0f, 3.4e38f, NAN, INFINITY};
    float g[4];
    cr_assert(qns_elem_convert(g, QNS_F32, f, QNS_ELEM_F32, 4, false, &bad));
    cr_assert_eq(memcmp(f, g, 8), 0);
    cr_assert(isnan(g[2]) && isinf(g[3]));
    const uint8_t b[4] = {0, 1, 7, 255};
    cr_assert(qns_elem_convert(g, QNS_F32, b, QNS_ELEM_BOOL, 4, true, &bad));
    cr_assert(g[0] == 0 && g[1] == 1 && g[2] == 1 && g[3] == 1);
}

Test(elem, more_than_one_block)
{
    enum { N = 5000 };
    static int32_t in[N];
    static int8_t out[N];
    qns_misfit bad;
    for (int i = 0; i < N; i++)
        in[i] = i % 256 - 128;
    cr_assert(qns_elem_convert(out, QNS_I8, in, QNS_ELEM_I32, N, true, &bad));
    for (int i = 0; i < N; i++)
        cr_assert_eq(out[i], in[i]);
    in[4321] = 128;
    cr_assert_not(qns_elem_convert(out, QNS_I8, in, QNS_ELEM_I32, N, true, &bad));
    cr_assert_eq(bad.at, 4321);
}
