/* SPDX-License-Identifier: MIT */
#include "core/ops/dynamic_linear.h"
#include "core/ops/op_linear_dynamic.h"
#include "op_run.h"
#include "tests/unit/core/quant/golden_npz.h"

#include <math.h>

static size_t differ(const void *got, const golden *g, const json_t *c, const char *field, size_t n,
                     size_t size)
{
    const golden_array want = golden_get(g, c, field);
    const char *a = got, *b = want.data;
    size_t bad = 0;

    cr_assert_eq(want.n, n, "%s", field);
    for (size_t i = 0; i < n; i++)
        bad += memcmp(a + i * size, b + i * size, size) != 0;
    if (bad)
        cr_log_warn("%s: %zu of %zu differ", field, bad, n);
    free(want.bytes);
    return bad;
}

/* A float or code tensor in the arena of r. */
static qns_tensor load(op_run *r, const golden *g, const json_t *c, const char *field,
                       qns_dtype type)
{
    const golden_array a = golden_get(g, c, field);
    qns_tensor t = {.dtype = type, .shape = {.rank = a.rank}};

    memcpy(t.shape.dim, a.dim, sizeof *a.dim * (size_t)a.rank);
    t.data = op_bytes(r, qns_tensor_bytes(&t));
    memcpy(t.data, a.data, qns_tensor_bytes(&t));
    free(a.bytes);
    return t;
}

static const qns_qparams *weight_qp(op_run *r, const golden *g, const json_t *c, int32_t n)
{
    const bool per_channel = golden_num(c, "per_channel") != 0;
    const golden_array s = golden_get(g, c, "w_scales");
    const qns_qparams *qp;
    int32_t *zero = op_bytes(r, (size_t)n * sizeof *zero);

    memset(zero, 0, (size_t)n * sizeof *zero);
    cr_assert_eq(qns_qparams_new(&qp, r->arena, QNS_I8, per_channel ? 0 : -1, per_channel ? n : 1,
                                 s.data, zero, NULL),
                 QNS_OK);
    free(s.bytes);
    return qp;
}

/* What the layer quantizes its input to. */
static size_t check_codes(op_run *r, const golden *g, const json_t *c, const char *field, bool fb8,
                          const char *scale_key, const char *zero_key)
{
    const size_t k = (size_t)r->in[1].shape.dim[1], m = qns_tensor_count(&r->in[0]) / k;
    const qns_dynlin_spec spec = {.rule = {qns_backend_find(r->be)->requant, false, fb8},
                                  .n = (size_t)r->in[1].shape.dim[0],
                                  .k = k,
                                  .w = r->in[1].data,
                                  .qp = r->in[1].qp,
                                  .clamp = QNS_NO_CLAMP};
    qns_dynlin *l;
    qk_table table;
    double scale;
    int32_t zero;

    qk_table_init(&table, ~0u);
    cr_assert_eq(qns_dynlin_create(&l, r->arena, &spec, NULL), QNS_OK);
    uint8_t *codes = op_bytes(r, m * qns_dynlin_row(l)), *dense = op_bytes(r, m * k);
    cr_assert_eq(qns_dynlin_quantize(codes, &scale, &zero, l, qns_cf32(&r->in[0]), m, &table, NULL),
                 QNS_OK);
    for (size_t i = 0; i < m; i++)
        memcpy(dense + i * k, codes + i * qns_dynlin_row(l), k);
    cr_expect_eq(zero, (int32_t)golden_num(c, zero_key));
    cr_expect(scale == golden_num(c, scale_key), "%.17g, want %.17g", scale,
              golden_num(c, scale_key));
    return differ(dense, g, c, field, m * k, 1);
}

/* One way of computing a case. */
static size_t check(const golden *g, const json_t *c, const char *be, bool fb8, const char *y,
                    const char *codes)
{
    const qns_range relu = {0, INFINITY};
    const qns_linear_dynamic_attr attr = {.fb8 = fb8};
    const bool qnnpack = strcmp(be, "qnnpack") == 0;
    op_run r = {.op = "linear_dynamic", .be = be, .attr = &attr, .constants = 6};

    cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
    r.in[0] = load(&r, g, c, "x", QNS_F32);
    r.in[1] = load(&r, g, c, "w_q", QNS_I8);
    r.in[1].qp = weight_qp(&r, g, c, (int32_t)r.in[1].shape.dim[0]);
    r.n_in = 2;
    if (golden_has(c, "bias"))
        r.in[r.n_in++] = load(&r, g, c, "bias", QNS_F32);
    if (golden_num(c, "relu") != 0)
        r.clamp = &relu;
    cr_assert(op_execute(&r));
    size_t bad = differ(r.out[0].data, g, c, y, qns_tensor_count(&r.out[0]), sizeof(float));
    bad += check_codes(&r, g, c, codes, fb8, qnnpack ? "act_scale_qnnpack" : "act_scale_fbgemm",
                       qnnpack ? "act_zp_qnnpack" : "act_zp_fbgemm");
    op_finish(&r);
    return bad;
}

static size_t check_half(const golden *g, const json_t *c)
{
    op_run r = {.op = "linear_dynamic", .constants = 6, .n_in = 3};

    cr_assert_eq(qns_arena_create(&r.arena, NULL), QNS_OK);
    r.in[0] = load(&r, g, c, "x", QNS_F32);
    r.in[1] = load(&r, g, c, "w", QNS_F32);
    r.in[2] = load(&r, g, c, "bias", QNS_F32);
    const size_t n = qns_tensor_count(&r.in[1]);
    uint16_t *half = op_bytes(&r, n * sizeof *half);
    qns_half_weights(half, qns_cf32(&r.in[1]), n);
    size_t bad = differ(half, g, c, "w_fp16_bits", n, sizeof *half);
    r.in[1].dtype = QNS_F16;
    r.in[1].data = half;
    cr_assert(op_execute(&r));
    bad += differ(r.out[0].data, g, c, "y_fbgemm", qns_tensor_count(&r.out[0]), sizeof(float));
    op_finish(&r);
    return bad;
}

Test(linear_dynamic, golden)
{
    golden g;
    size_t n_codes = 0, n_half = 0;

    if (!golden_open(&g, "linear_dynamic"))
        cr_skip_test("no golden vectors");
    for (size_t i = 0; golden_case(&g, i); i++) {
        const json_t *c = golden_case(&g, i);

        if (strcmp(golden_text(c, "kind"), "linear_dynamic_fp16") == 0) {
            n_half++;
            cr_expect_eq(check_half(&g, c), 0, "case %zu", i);
            continue;
        }
        n_codes++;
        cr_expect_eq(check(&g, c, "qnnpack", false, "y_qnnpack", "q_act_qnnpack"), 0, "case %zu",
                     i);
        cr_expect_eq(check(&g, c, "fbgemm", false, "y_fbgemm_reduce_range", "q_act_fbgemm"), 0,
                     "case %zu", i);
        cr_expect_eq(
            check(&g, c, "fbgemm", true, "y_fbgemm_reduce_range_head2026", "q_act_fbgemm_head2026"),
            0, "case %zu", i);
    }
    cr_expect(n_codes && n_half);
    golden_close(&g);
}

/* Against the definition in 64-bit integers: odd sizes, weight zero points, many rows. */
static void check_size(qns_rng *rng, int64_t m, int64_t n, int64_t k, const char *be, int32_t zw)
{
    op_run r = {.op = "linear_dynamic", .be = be, .constants = 6, .n_in = 3};
    const bool qnnpack = strcmp(be, "qnnpack") == 0;

    r.in[0] = op_random(&r, rng, op_shape(3, 1, m, k, 0), -3, 5);
    r.in[1] = op_codes(&r, rng, op_shape(2, n, k, 0, 0), op_qp(&r, QNS_I8, 0.03125, zw));
    r.in[2] = op_random(&r, rng, op_shape(1, n, 0, 0, 0), -1, 1);
    const float *x = qns_cf32(&r.in[0]), *bias = qns_cf32(&r.in[2]);
    const int8_t *w = r.in[1].data;
    cr_assert(op_execute(&r));
    float lo = 0, hi = 0;
    for (int64_t i = 0; i < m * k; i++) {
        lo = fminf(lo, x[i]);
        hi = fmaxf(hi, x[i]);
    }
    const double s = ((double)hi - (double)lo) / (qnnpack ? 255 : 127);
    const int32_t z = (int32_t)rint(-(double)lo / s);
    const float inv = 1.0f / (float)s, by = (float)s * 0.03125f;
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) {
            int64_t acc = 0;
            for (int64_t t = 0; t < k; t++) {
                const float v = x[i * k + t];
                const float q = qnnpack ? (float)z + rintf(v * inv) : rintf(fmaf(v, inv, (float)z));
                acc += ((int64_t)fminf(fmaxf(q, 0), 255) - z) * (w[j * k + t] - zw);
            }
            const float want = qnnpack ? (float)acc * by + bias[j] : fmaf((float)acc, by, bias[j]);
            cr_assert(qns_f32(&r.out[0])[i * n + j] == want, "%s %lldx%lldx%lld at %lld %lld", be,
                      (long long)m, (long long)n, (long long)k, (long long)i, (long long)j);
        }
    op_finish(&r);
}

Test(linear_dynamic, by_the_definition)
{
    static const int64_t size[][3] = {{1, 1, 1},   {1, 64, 4},  {8, 65, 3},  {9, 17, 33},
                                      {33, 80, 5}, {2, 130, 7}, {70, 40, 64}};
    qns_rng rng;

    qns_rng_seed(&rng, 7);
    for (size_t i = 0; i < QNS_ARRAY_LEN(size); i++)
        for (int zero = 0; zero < 2; zero++) {
            check_size(&rng, size[i][0], size[i][1], size[i][2], "fbgemm", zero ? -9 : 0);
            check_size(&rng, size[i][0], size[i][1], size[i][2], "qnnpack", zero ? 5 : 0);
        }
}

Test(linear_dynamic, not_finite_gives_nan_and_an_empty_batch_nothing)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    qns_rng rng;

    qns_rng_seed(&rng, 8);
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++) {
        op_run r = {.op = "linear_dynamic", .constants = 2, .n_in = 2};
        r.in[0] = op_random(&r, &rng, op_shape(2, 2, 5, 0, 0), -1, 1);
        qns_f32(&r.in[0])[7] = bad[i];
        r.in[1] = op_codes(&r, &rng, op_shape(2, 3, 5, 0, 0), op_qp(&r, QNS_I8, 0.5, 0));
        cr_assert(op_execute(&r));
        for (size_t j = 0; j < 6; j++)
            cr_expect(isnan(qns_f32(&r.out[0])[j]));
        op_finish(&r);
    }
    op_run r = {.op = "linear_dynamic", .constants = 2, .n_in = 2};
    r.in[0] = op_random(&r, &rng, op_shape(2, 0, 5, 0, 0), -1, 1);
    r.in[1] = op_codes(&r, &rng, op_shape(2, 3, 5, 0, 0), op_qp(&r, QNS_I8, 0.5, 0));
    cr_assert(op_execute(&r));
    cr_expect_eq(qns_tensor_count(&r.out[0]), 0);
    op_finish(&r);
}

Test(linear_dynamic, refusals)
{
    qns_rng rng;

    qns_rng_seed(&rng, 9);
    op_run r = {
        .op = "linear_dynamic", .be = "qnnpack", .constants = 2, .n_in = 2, .want_refusal = true};
    r.in[0] = op_random(&r, &rng, op_shape(2, 2, 5, 0, 0), -1, 1);
    r.in[1] = (qns_tensor){.dtype = QNS_F16, .shape = op_shape(2, 3, 5, 0, 0)};
    r.in[1].data = op_bytes(&r, qns_tensor_bytes(&r.in[1]));
    cr_expect_not(op_execute(&r));
    cr_expect(strstr(r.why, "float16"), "%s", r.why);
    r.in[1].shape.dim[1] = 4;
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    op_finish(&r);
}
