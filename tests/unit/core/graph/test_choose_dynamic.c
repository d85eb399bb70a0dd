/* SPDX-License-Identifier: MIT */
#include "core/graph/choose_dynamic.h"
#include "tests/unit/core/quant/golden_npz.h"

#include <math.h>

static char *columns[16];
static size_t n_columns;

/* The bytes are freed at the end. */
static const void *column(const golden *g, const char *field, size_t n)
{
    const golden_array a = golden_get(g, golden_case(g, 0), field);
    cr_assert_eq(a.n, n, "%s", field);
    cr_assert_lt(n_columns, QNS_ARRAY_LEN(columns));
    columns[n_columns++] = a.bytes;
    return a.data;
}

Test(choose_dynamic, golden)
{
    golden g;
    if (!golden_open(&g, "choose_qparams"))
        cr_skip_test("no golden vectors");
    golden_array min = golden_get(&g, golden_case(&g, 0), "min");
    const size_t n = min.n;
    free(min.bytes);
    const float *lo = column(&g, "min", n), *hi = column(&g, "max", n);
    const int32_t *qmin = column(&g, "qmin", n), *qmax = column(&g, "qmax", n);
    const int32_t *sparse = column(&g, "preserve_sparsity", n);
    const int32_t *reduce = column(&g, "reduce_range", n);
    const double *torch = column(&g, "scale_torch_f64", n);
    const float *fb = column(&g, "scale_fbgemm_head_f32", n);
    const int32_t *z_torch = column(&g, "zp_torch", n), *z_fb = column(&g, "zp_fbgemm_head", n);
    cr_assert_gt(n, 0);
    for (size_t i = 0; i < n; i++) {
        qns_choose_rule rule = {QNS_CHOOSE_TORCH, qmin[i],   qmax[i],
                                reduce[i] != 0,   sparse[i], false};
        double s;
        int32_t z;
        cr_assert_eq(qns_choose_dynamic(&s, &z, &rule, (qns_range){lo[i], hi[i]}, NULL), QNS_OK);
        cr_expect(s == torch[i] && z == z_torch[i], "row %zu: %.17g, %d; want %.17g, %d", i, s, z,
                  torch[i], z_torch[i]);
        rule.variant = QNS_CHOOSE_FB;
        cr_assert_eq(qns_choose_dynamic(&s, &z, &rule, (qns_range){lo[i], hi[i]}, NULL), QNS_OK);
        cr_expect(s == (double)fb[i] && z == z_fb[i], "row %zu, fb: %.9g, %d; want %.9g, %d", i, s,
                  z, (double)fb[i], z_fb[i]);
    }
    while (n_columns)
        free(columns[--n_columns]);
    golden_close(&g);
}

static void check(qns_choose_rule rule, float lo, float hi, double scale, int32_t zero)
{
    double s;
    int32_t z;
    cr_assert_eq(qns_choose_dynamic(&s, &z, &rule, (qns_range){lo, hi}, NULL), QNS_OK);
    cr_expect(s == scale, "[%g, %g]: scale %.17g, want %.17g", (double)lo, (double)hi, s, scale);
    cr_expect_eq(z, zero, "[%g, %g]: zero %d, want %d", (double)lo, (double)hi, z, zero);
}

/* Spec section 2.2, worked by hand. */
Test(choose_dynamic, edges)
{
    const qns_choose_rule full = QNS_CHOOSE_DYN_QNNPACK, half = QNS_CHOOSE_DYN_FBGEMM;
    qns_choose_rule fb = full, pow2 = full, sparse = {.qmin = -128, .qmax = 127};
    fb.variant = QNS_CHOOSE_FB;
    pow2.force_pow2 = true;
    sparse.preserve_sparsity = true;
    check(full, 0, 0, 0.1, 0);
    check(fb, 0, 0, (double)0.1f, 0);
    check(full, 5, 5, 5.0 / 255, 0); /* 0 joins the range */
    check(full, -5, -5, 5.0 / 255, 255);
    check(half, 0, 127, 1, 0);
    check(half, -127, 0, 1, 127);
    check(full, 0, 1e-6f, (double)6.1e-5f, 0); /* the floor */
    check(full, -1e-6f, 0, (double)6.1e-5f, 255);
    check(sparse, -1, 254, 2, 0); /* -0.5 rounds to even */
    check(sparse, -256, 1, 2, 0);
    check(sparse, 1, 127.5f, 0.5, -128); /* 0 is not inside: as ever */
    check(pow2, 0, 255 * 0.3f, 0.5, 0);
    check(pow2, 0, 255 * 3.0f, 4, 0);
}

Test(choose_dynamic, what_is_no_range_is_refused)
{
    const qns_choose_rule full = QNS_CHOOSE_DYN_QNNPACK, one = {.qmax = 1, .reduce_range = true};
    const qns_choose_rule fb = {QNS_CHOOSE_FB, 0, 1, false, false, true};
    const qns_range bad[] = {{NAN, 1}, {0, NAN}, {1, -1}, {-INFINITY, 1}, {0, INFINITY}};
    double s;
    int32_t z;
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++)
        cr_expect_eq(qns_choose_dynamic(&s, &z, &full, bad[i], NULL), QNS_E_DATA);
    cr_expect_eq(qns_choose_dynamic(&s, &z, &one, (qns_range){0, 1}, NULL), QNS_E_CONFIG);
    cr_expect_eq(qns_choose_dynamic(&s, &z, &fb, (qns_range){-3e38f, 3e38f}, NULL), QNS_E_DATA);
    cr_expect_eq(qns_choose_dynamic(&s, &z, &full, (qns_range){-3e38f, 3e38f}, NULL), QNS_OK);
}
