/* SPDX-License-Identifier: MIT */
#include "core/base/rng.h"
#include "core/train/fakequant.h"
#include "core/train/fused_moving_avg.h"
#include "core/train/lsq.h"
#include "tests/unit/core/quant/golden_npz.h"

#include <math.h>

enum { MAX = 4096 };

/* Number of floats with other bits; any NaN is equal to any other. */
static size_t differ(const float *got, const golden *g, const json_t *c, const char *field,
                     size_t n)
{
    golden_array want = golden_get(g, c, field);
    const float *w = want.data;
    size_t bad = 0, first = 0;
    cr_assert_eq(want.n, n, "%s", field);
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &w[i], sizeof *w) != 0 && !(isnan(got[i]) && isnan(w[i])) && !bad++)
            first = i;
    if (bad)
        cr_log_warn("%s: %zu of %zu differ, first %zu: %a, want %a", field, bad, n, first,
                    (double)got[first], (double)w[first]);
    free(want.bytes);
    return bad;
}

/* As the vectors' README has it: 1e-5 of the largest. */
static size_t far(const float *got, const golden *g, const json_t *c, const char *field, size_t n)
{
    golden_array want = golden_get(g, c, field);
    const float *w = want.data;
    float top = 0;
    size_t bad = 0;
    cr_assert_eq(want.n, n, "%s", field);
    for (size_t i = 0; i < n; i++)
        top = fmaxf(top, fabsf(w[i]));
    for (size_t i = 0; i < n; i++)
        bad += !(fabsf(got[i] - w[i]) <= 1e-5f * top);
    free(want.bytes);
    return bad;
}

static const void *keep(const golden *g, const json_t *c, const char *field, golden_array *a)
{
    *a = golden_get(g, c, field);
    cr_assert_leq(a->n, MAX);
    return a->data;
}

static size_t inner_of(const golden_array *x, int axis)
{
    size_t n = 1;
    for (int i = axis + 1; i < x->rank; i++)
        n *= (size_t)x->dim[i];
    return n;
}

static void check_plain(const golden *g, const json_t *c, bool per_channel)
{
    static float y[MAX], dx[MAX];
    static uint8_t mask[MAX];
    golden_array ax, ady, as = {0}, az = {0};
    const float *x = keep(g, c, "x", &ax), *dy = keep(g, c, "dy", &ady);
    const float scale = per_channel ? 0 : (float)golden_num(c, "scale");
    const int32_t zero = per_channel ? 0 : (int32_t)golden_num(c, "zero_point");
    const int axis = per_channel ? (int)golden_num(c, "axis") : 0;
    qns_fq f = {.per_channel = per_channel,
                .qmin = (int32_t)golden_num(c, "quant_min"),
                .qmax = (int32_t)golden_num(c, "quant_max"),
                .n = 1,
                .scale = &scale,
                .zero = &zero};
    if (per_channel) {
        f.scale = keep(g, c, "scales", &as);
        f.zero = keep(g, c, "zero_points", &az);
        f.n = as.n;
        f.inner = inner_of(&ax, axis);
    }
    qns_fq_forward(y, mask, &f, x, ax.n);
    cr_expect_eq(differ(y, g, c, "y", ax.n), 0);
    qns_fq_backward(dx, dy, mask, ax.n);
    cr_expect_eq(differ(dx, g, c, "dx", ax.n), 0);
    if (per_channel) {
        f.version = QNS_FQ_2X;
        qns_fq_forward(y, NULL, &f, x, ax.n);
        cr_expect_eq(differ(y, g, c, "y_round_away_newer", ax.n), 0);
    }
    free(ax.bytes);
    free(ady.bytes);
    free(as.bytes);
    free(az.bytes);
}

static void check_lsq(const golden *g, const json_t *c, bool per_channel)
{
    static float y[MAX], dx[MAX], ds[MAX], dz[MAX];
    golden_array ax, ady, as = {0}, az = {0};
    const float *x = keep(g, c, "x", &ax), *dy = keep(g, c, "dy", &ady);
    const float scale = per_channel ? 0 : (float)golden_num(c, "scale");
    const float zero = per_channel ? 0 : (float)golden_num(c, "zero_point");
    const int axis = per_channel ? (int)golden_num(c, "axis") : 0;
    qns_lsq l = {.per_channel = per_channel,
                 .qmin = (int32_t)golden_num(c, "quant_min"),
                 .qmax = (int32_t)golden_num(c, "quant_max"),
                 .n = 1,
                 .scale = &scale,
                 .zero = &zero,
                 .grad_factor = (float)golden_num(c, "grad_factor")};
    if (per_channel) {
        l.scale = keep(g, c, "scales", &as);
        l.zero = keep(g, c, "zero_points", &az);
        l.n = as.n;
        l.inner = inner_of(&ax, axis);
    }
    cr_assert_eq(qns_lsq_forward(y, &l, x, ax.n, NULL), QNS_OK);
    cr_expect_eq(differ(y, g, c, "y", ax.n), 0);
    const qns_lsq_grad grad = {dx, ds, dz};
    cr_assert_eq(qns_lsq_backward(&grad, &l, x, dy, ax.n, NULL), QNS_OK);
    cr_expect_eq(differ(dx, g, c, "dx", ax.n), 0);
    cr_expect_eq(far(ds, g, c, "dscale", l.n), 0);
    cr_expect_eq(far(dz, g, c, "dzp", l.n), 0);
    free(ax.bytes);
    free(ady.bytes);
    free(as.bytes);
    free(az.bytes);
}

static const char *numbered(const char *name, int k)
{
    static char out[4][32];
    static int at;
    snprintf(out[at = (at + 1) % 4], sizeof out[0], "%s%d", name, k);
    return out[at];
}

static void check_int(int64_t got, const golden *g, const json_t *c, const char *field)
{
    golden_array a = golden_get(g, c, field);
    const int64_t want =
        strcmp(a.type, "<i8") == 0 ? *(const int64_t *)a.data : *(const int32_t *)a.data;
    cr_expect_eq(got, want, "%s", field);
    free(a.bytes);
}

static void check_fused(const golden *g, const json_t *c)
{
    static float y[MAX];
    const bool symmetric = golden_num(c, "symmetric") != 0;
    const qns_fused_rule rule = {
        .range = {symmetric ? QNS_I8 : QNS_U8, (int32_t)golden_num(c, "quant_min"),
                  (int32_t)golden_num(c, "quant_max"), symmetric, 0x1p-23f},
        .averaging = (float)golden_num(c, "averaging_constant"),
        .n = 1};
    qns_fused *f;
    cr_assert_eq(qns_fused_create(&f, &rule, NULL), QNS_OK);
    for (int k = 0; golden_has(c, numbered("x", k)); k++) {
        golden_array ax;
        float s;
        int32_t z;
        const float *x = keep(g, c, numbered("x", k), &ax);
        cr_assert_eq(qns_fused_forward(y, NULL, f, x, ax.n, NULL), QNS_OK);
        cr_expect_eq(differ(y, g, c, numbered("y", k), ax.n), 0);
        cr_expect_eq(differ(f->min, g, c, numbered("min", k), 1), 0);
        cr_expect_eq(differ(f->max, g, c, numbered("max", k), 1), 0);
        cr_expect_eq(differ(f->scale, g, c, numbered("train_scale", k), 1), 0);
        check_int(f->zero[0], g, c, numbered("train_zp", k));
        cr_assert_eq(qns_fused_convert(&s, &z, f, NULL), QNS_OK);
        cr_expect_eq(differ(&s, g, c, numbered("convert_scale", k), 1), 0);
        check_int(z, g, c, numbered("convert_zp", k));
        free(ax.bytes);
    }
    qns_fused_free(f);
}

Test(fakequant, golden)
{
    golden g;
    size_t n[3] = {0};
    if (!golden_open(&g, "fakequant"))
        cr_skip_test("no golden vectors");
    for (size_t i = 0; golden_case(&g, i); i++) {
        const json_t *c = golden_case(&g, i);
        const char *kind = golden_text(c, "kind");
        if (strncmp(kind, "per_", 4) == 0) {
            check_plain(&g, c, strcmp(kind, "per_channel") == 0);
            n[0]++;
        } else if (strncmp(kind, "lsq_", 4) == 0) {
            check_lsq(&g, c, strcmp(kind, "lsq_per_channel") == 0);
            n[1]++;
        } else if (strcmp(kind, "fused_moving_avg") == 0) {
            check_fused(&g, c);
            n[2]++;
        } else {
            cr_expect_fail("unknown kind '%s'", kind);
        }
    }
    cr_expect(n[0] && n[1] && n[2]);
    golden_close(&g);
}

static void expect_y(const qns_fq *f, float x, float y, int mask)
{
    float got;
    uint8_t m;
    qns_fq_forward(&got, &m, f, &x, 1);
    cr_expect(got == y && m == mask, "%g: %g %d, want %g %d", (double)x, (double)got, m, (double)y,
              mask);
}

/* By hand: scale 0.5, zero point 3, codes 0..15. */
Test(fakequant, ties_and_overflow)
{
    const float scale = 0.5f, real = 2.5f;
    const int32_t zero = 3;
    qns_fq f = {.qmin = 0, .qmax = 15, .n = 1, .inner = 1, .scale = &scale, .zero = &zero};
    expect_y(&f, 0.25f, 0, 1); /* rne(0.5) = 0 */
    expect_y(&f, 0.75f, 1, 1); /* rne(1.5) = 2 */
    expect_y(&f, -1.75f, -1.5f, 0);
    expect_y(&f, 6, 6, 1);
    expect_y(&f, 6.5f, 6, 0);
    expect_y(&f, 1e18f, 6, 0);
    expect_y(&f, 1e30f, -1.5f, 0);
    expect_y(&f, INFINITY, -1.5f, 0);
    expect_y(&f, NAN, -1.5f, 0);
    f.version = QNS_FQ_2X;
    expect_y(&f, 0.25f, 0, 1);
    expect_y(&f, INFINITY, 6, 0);
    expect_y(&f, NAN, -1.5f, 0);
    f.per_channel = true;
    expect_y(&f, 0.25f, 0.5f, 1); /* 3.5 away from 0 is 4 */
    f.version = QNS_FQ_113;
    f.zero = NULL;
    f.zero_real = &real;
    expect_y(&f, 0.5f, 0.75f, 1); /* rne(1 + 2.5) = 4 */
    expect_y(&f, 0, -0.25f, 1);   /* rne(2.5) = 2 */
    f.version = QNS_FQ_2X;
    expect_y(&f, 0, 0.25f, 1); /* 3 */
}

/* One element a channel, many at ties: x * inv + zero and code * s - x are rounded once. */
Test(lsq, gradients_are_rounded_once)
{
    enum { N = 2000 };
    static float x[N], dy[N], dx[N], ds[N], dz[N], scale[N], zero[N];
    qns_rng rng;
    size_t twice = 0;
    qns_rng_seed(&rng, 14);
    for (size_t i = 0; i < N; i++) {
        scale[i] = (float)(0.001 + qns_rng_unit(&rng));
        zero[i] = (float)qns_rng_below(&rng, 256);
        x[i] = ((float)qns_rng_below(&rng, 256) + 0.5f - zero[i]) * scale[i];
        dy[i] = 1;
    }
    const qns_lsq l = {true, 0, 255, N, 1, scale, zero, 1};
    const qns_lsq_grad grad = {dx, ds, dz};
    cr_assert_eq(qns_lsq_backward(&grad, &l, x, dy, N, NULL), QNS_OK);
    for (size_t i = 0; i < N; i++) {
        /* Both products are exact in double. */
        const float inv = 1.0f / scale[i];
        const double q = rint((double)(float)((double)x[i] * (double)inv + (double)zero[i]));
        const bool in = q >= 0 && q <= 255;
        const float lost = (float)((q - (double)zero[i]) * (double)scale[i] - (double)x[i]);
        cr_expect_eq(dx[i], in ? 1.0f : 0.0f, "%zu", i);
        cr_expect_eq(ds[i], in ? lost * inv : (q < 0 ? 0.0f : 255.0f) - zero[i], "%zu", i);
        twice += lost != ((float)q - zero[i]) * scale[i] - x[i];
    }
    cr_expect_gt(twice, 100); /* rounding twice would show */
}

/* What differs from a difference quotient is a bug, away from ties and borders. */
Test(lsq, gradients_are_slopes)
{
    enum { N = 40 };
    float x[N], dy[N], y[N], dx[N], ds[2], dz[2], scale[2] = {0.25f, 0.5f}, zero[2] = {0, 0};
    qns_rng rng;
    qns_rng_seed(&rng, 12);
    for (size_t i = 0; i < N; i++) { /* never near a tie: codes k + 0.3, some outside */
        x[i] = scale[i / 5 % 2] * ((float)qns_rng_below(&rng, 40) - 20.0f + 0.3f);
        dy[i] = (float)(2 * qns_rng_unit(&rng) - 1);
    }
    const qns_lsq l = {true, -8, 7, 2, 5, scale, zero, 1};
    const qns_lsq_grad grad = {dx, ds, dz};
    cr_assert_eq(qns_lsq_backward(&grad, &l, x, dy, N, NULL), QNS_OK);
    for (size_t c = 0; c < 2; c++) {
        const float h = 0x1p-10f, keep_s = scale[c];
        double slope[2] = {0, 0};
        for (int side = 0; side < 2; side++) {
            scale[c] = keep_s + (side ? h : -h) * keep_s;
            cr_assert_eq(qns_lsq_forward(y, &l, x, N, NULL), QNS_OK);
            for (size_t i = 0; i < N; i++)
                if (i / 5 % 2 == c) /* inside: the code stays, LSQ's slope is code - x / s */
                    slope[side] += (double)dy[i] *
                                   ((double)y[i] -
                                    (dx[i] != 0 ? (double)x[i] * (double)(scale[c] / keep_s) : 0));
        }
        scale[c] = keep_s;
        const double want = (slope[1] - slope[0]) / (2 * (double)h * (double)keep_s);
        cr_expect(fabs((double)ds[c] - want) < 2e-3 * (1 + fabs(want)), "%g, want %g",
                  (double)ds[c], want);
    }
    float all[2], none[2] = {0, -1};
    memcpy(all, scale, sizeof all);
    qns_lsq_limit(none, all, 2, 0.125f, true);
    cr_expect(none[0] == 0.125f && none[1] == 0.125f && all[0] == 0 && all[1] == 0);
    cr_expect_eq(qns_lsq_grad_factor(4, 16), 0.125f);
}

Test(fused_moving_avg, rows_are_tensors)
{
    enum { N = 3, EACH = 20 };
    const qns_fused_rule all = {.variant = QNS_CHOOSE_FB,
                                .range = {QNS_I8, -128, 127, true, 0x1p-23f},
                                .averaging = 0.01f,
                                .per_channel = true,
                                .n = N};
    qns_fused_rule one = all;
    qns_fused *f, *row[N];
    qns_rng rng;
    one.per_channel = false;
    one.n = 1;
    qns_rng_seed(&rng, 13);
    cr_assert_eq(qns_fused_create(&f, &all, NULL), QNS_OK);
    for (size_t c = 0; c < N; c++)
        cr_assert_eq(qns_fused_create(&row[c], &one, NULL), QNS_OK);
    for (int batch = 0; batch < 4; batch++) {
        float x[N * EACH], y[N * EACH], part[EACH];
        uint8_t mask[N * EACH];
        for (size_t i = 0; i < N * EACH; i++)
            x[i] = (float)(i / EACH + 1) * (float)(2 * qns_rng_unit(&rng) - 1);
        cr_assert_eq(qns_fused_forward(y, mask, f, x, N * EACH, NULL), QNS_OK);
        for (size_t c = 0; c < N; c++) {
            cr_assert_eq(qns_fused_forward(part, NULL, row[c], x + c * EACH, EACH, NULL), QNS_OK);
            cr_expect_eq(memcmp(part, y + c * EACH, sizeof part), 0);
            cr_expect(f->scale[c] == row[c]->scale[0] && f->zero[c] == 0);
        }
    }
    qns_fused_free(f);
    for (size_t c = 0; c < N; c++)
        qns_fused_free(row[c]);
}

Test(fused_moving_avg, switches_and_bad_numbers)
{
    const qns_fused_rule rule = {
        .range = {QNS_U8, 0, 255, false, 0x1p-23f}, .averaging = 0.5f, .n = 1};
    const float x[3] = {-1, 0.3f, 2}, wide[3] = {-10, 0, 10}, bad[3] = {0, NAN, 1};
    float y[3];
    uint8_t mask[3];
    qns_fused *f;
    cr_assert_eq(qns_fused_create(&f, &rule, NULL), QNS_OK);
    f->observe = false;
    cr_expect_eq(qns_fused_forward(y, mask, f, x, 3, NULL), QNS_E_DATA); /* saw nothing */
    f->observe = true;
    cr_expect_eq(qns_fused_forward(y, mask, f, bad, 3, NULL), QNS_E_DATA);
    cr_expect(isinf(f->min[0]));
    f->fake_quant = false;
    cr_expect_eq(qns_fused_forward(y, mask, f, x, 3, NULL), QNS_OK);
    cr_expect(memcmp(x, y, sizeof x) == 0 && mask[0] && f->min[0] == -1 && f->max[0] == 2);
    f->observe = false;
    f->fake_quant = true;
    cr_expect_eq(qns_fused_forward(y, mask, f, wide, 3, NULL), QNS_OK);
    cr_expect(f->min[0] == -1 && !mask[0] && mask[1] && !mask[2]);
    cr_expect_eq(f->scale[0], (float)(3.0 / 255));
    f->observe = true;
    cr_expect_eq(qns_fused_forward(y, mask, f, wide, 3, NULL), QNS_OK);
    cr_expect(f->min[0] == -5.5f && f->max[0] == 6);
    cr_expect_eq(qns_fused_forward(y, mask, f, wide, 0, NULL), QNS_OK);
    qns_fused_free(f);
    qns_fused_free(NULL);
}
