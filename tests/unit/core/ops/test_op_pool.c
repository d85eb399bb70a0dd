/* SPDX-License-Identifier: MIT */
#include "core/ops/op_pool.h"
#include "golden.h"
#include "op_run.h"

#include <math.h>

static qns_window square(int64_t rank, int64_t kernel, int64_t stride, int64_t pad)
{
    qns_window w = {.rank = rank};
    for (int64_t i = 0; i < rank; i++) {
        w.kernel[i] = kernel;
        w.stride[i] = stride;
        w.dilation[i] = 1;
        w.pad_lo[i] = w.pad_hi[i] = pad;
    }
    return w;
}

static void compare(const golden *g, const json_t *c, op_run *r, const char *field,
                    const char *impl)
{
    r->n_in = 1;
    r->layout = QNS_CHLAST;
    r->in[0] = golden_array(g, c, "x");
    r->out_qp = r->in[0].qp =
        op_qp(r, QNS_U8, golden_number(c, "scale"), (int32_t)golden_number(c, "zp"));
    qns_tensor want = golden_array(g, c, field);
    if (want.shape.rank == 2) { /* a mean without keepdims */
        want.shape.rank = 4;
        want.shape.dim[2] = want.shape.dim[3] = 1;
    }
    cr_assert(op_execute(r));
    cr_expect_str_eq(r->impl, impl);
    cr_expect_eq(golden_diff(&r->out[0], &want, field), 0);
    qns_free(want.data);
    qns_free(r->in[0].data);
    op_finish(r);
}

static void compare_global(const golden *g, const json_t *c)
{
    const json_t *size = json_object_get(c, "adaptive_out");
    op_run r = {.op = "global_avgpool"}, q = {.op = "global_avgpool", .be = "qnnpack"};
    if (json_integer_value(json_array_get(size, 0)) != 1 ||
        json_integer_value(json_array_get(size, 1)) != 1)
        return;
    compare(g, c, &r, "adaptive_native_nhwc", "global_avgpool.u8.native");
    compare(g, c, &q, "adaptive_qnnpack_nhwc", "global_avgpool.u8.qnnpack");
}

static void compare_adaptive(const golden *g, const json_t *c)
{
    static const char *const fields[] = {"adaptive_native_nhwc", "adaptive_native_nchw",
                                         "adaptive_qnnpack_nhwc", "adaptive_qnnpack_nchw"};
    const json_t *size = json_object_get(c, "adaptive_out");
    qns_adaptive_attr a = {.n = 2};
    qns_tensor x = golden_array(g, c, "x");
    bool divides = true;
    for (int i = 0; i < 2; i++) {
        a.size[i] = json_integer_value(json_array_get(size, (size_t)i));
        divides &= x.shape.dim[2 + i] % a.size[i] == 0;
    }
    for (int i = 0; i < 4; i++) {
        op_run r = {.op = "adaptive_avgpool", .attr = &a, .be = i < 2 ? "fbgemm" : "qnnpack"};
        a.planar = i & 1;
        compare(g, c, &r, fields[i],
                i > 1 && divides ? "adaptive_avgpool.u8.qnnpack" : "adaptive_avgpool.u8.native");
    }
    qns_free(x.data);
}

Test(op_pool, golden_2d)
{
    golden g;
    size_t i, n = 0, n_global = 0;
    json_t *c;
    golden_open(&g, "pool");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "pool2d") != 0)
            continue;
        const bool ceil_mode = golden_number(c, "ceil_mode") != 0;
        qns_avgpool_attr a = {.w = square(2, (int64_t)golden_number(c, "kernel"),
                                          (int64_t)golden_number(c, "stride"),
                                          (int64_t)golden_number(c, "padding")),
                              .include_pad = (int64_t)golden_number(c, "count_include_pad")};
        a.w.ceil_mode = ceil_mode;
        op_run max = {.op = "maxpool", .attr = &a.w}, avg = {.op = "avgpool", .attr = &a};
        op_run qavg = {.op = "avgpool", .attr = &a, .be = "qnnpack"};
        compare(&g, c, &max, "max", "maxpool.codes");
        compare_global(&g, c);
        compare_adaptive(&g, c);
        n_global += golden_has(c, "adaptive_native_nhwc");
        if (!json_is_null(json_object_get(c, "divisor_override")))
            continue; /* not in ONNX */
        compare(&g, c, &avg, "avg_native_nhwc", "avgpool.u8.native");
        compare(&g, c, &qavg, "avg_qnnpack_nhwc",
                ceil_mode ? "avgpool.u8.native" : "avgpool.u8.qnnpack");
        n++;
    }
    cr_expect_geq(n, 5);
    cr_expect_geq(n_global, 10);
    golden_close(&g);
}

Test(op_pool, golden_3d)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "pool");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "pool3d") != 0)
            continue;
        const qns_avgpool_attr a = {.w = square(3, 2, 2, 0)};
        op_run avg = {.op = "avgpool", .attr = &a};
        const qns_adaptive_attr two = {.n = 3, .size = {2, 2, 2}, .planar = 1};
        op_run grid = {.op = "adaptive_avgpool", .attr = &two};
        compare(&g, c, &avg, "avg", "avgpool.u8.native");
        compare(&g, c, &grid, "adaptive", "adaptive_avgpool.u8.native");
        n++;
    }
    cr_expect_eq(n, 3);
    golden_close(&g);
}

/* Plain loops over one plane: the definition. */
static double pool_at(const float *x, const qns_avgpool_attr *a, const int64_t in[2], int64_t oy,
                      int64_t ox, bool max)
{
    double sum = 0, top = -INFINITY;
    int64_t inside = 0, padded = 0;
    for (int64_t ky = 0; ky < a->w.kernel[0]; ky++)
        for (int64_t kx = 0; kx < a->w.kernel[1]; kx++) {
            const int64_t y = oy * a->w.stride[0] - a->w.pad_lo[0] + ky * a->w.dilation[0];
            const int64_t z = ox * a->w.stride[1] - a->w.pad_lo[1] + kx * a->w.dilation[1];
            padded += y < in[0] + a->w.pad_hi[0] && z < in[1] + a->w.pad_hi[1];
            if (y < 0 || z < 0 || y >= in[0] || z >= in[1])
                continue;
            const double v = (double)x[y * in[1] + z];
            sum += v;
            top = v > top ? v : top;
            inside++;
        }
    return max ? top : sum / (double)(a->include_pad ? padded : inside);
}

static void check_float(qns_rng *rng, const qns_avgpool_attr *a, qns_shape s, bool max)
{
    op_run r = {.op = max ? "maxpool" : "avgpool", .n_in = 1, .layout = QNS_CHLAST};
    r.attr = max ? (const void *)&a->w : a;
    r.in[0] = op_random(&r, rng, s, -2, 2);
    cr_assert(op_execute(&r));
    const qns_shape *o = &r.out[0].shape;
    const float *y = qns_cf32(&r.out[0]);
    for (int64_t p = 0; p < o->dim[0] * o->dim[1]; p++)
        for (int64_t oy = 0; oy < o->dim[2]; oy++)
            for (int64_t ox = 0; ox < o->dim[3]; ox++, y++) {
                const float *plane = qns_cf32(&r.in[0]) + p * s.dim[2] * s.dim[3];
                cr_expect_float_eq(*y, pool_at(plane, a, s.dim + 2, oy, ox, max), 1e-6);
            }
    op_finish(&r);
}

Test(op_pool, float_by_definition)
{
    qns_rng rng;
    qns_rng_seed(&rng, 3);
    qns_avgpool_attr a = {.w = square(2, 3, 2, 1)};
    for (int i = 0; i < 16; i++) {
        a.include_pad = i & 1;
        a.w.ceil_mode = i >> 1 & 1;
        a.w.kernel[1] = 2 + (i >> 2 & 1);
        a.w.pad_hi[0] = i >> 3;
        check_float(&rng, &a, op_shape(4, 2, 300, 7, 8), false);
        check_float(&rng, &a, op_shape(4, 2, 5, 8, 9), true);
    }
    a = (qns_avgpool_attr){.w = square(2, 3, 1, 2)};
    a.w.dilation[0] = a.w.dilation[1] = 2;
    check_float(&rng, &a, op_shape(4, 1, 3, 8, 6), true);
    a = (qns_avgpool_attr){.w = square(2, 15, 1, 0)}; /* more taps than one chunk holds */
    check_float(&rng, &a, op_shape(4, 1, 3, 16, 17), true);
    check_float(&rng, &a, op_shape(4, 1, 3, 16, 17), false);
}

Test(op_pool, adaptive_float_by_definition)
{
    static const int from[] = {0, 2, 4}, to[] = {3, 5, 7};
    const qns_adaptive_attr a = {.n = 2, .size = {3, 0}};
    qns_rng rng;
    qns_rng_seed(&rng, 6);
    op_run r = {.op = "adaptive_avgpool", .attr = &a, .n_in = 1, .layout = QNS_CHLAST};
    r.in[0] = op_random(&r, &rng, op_shape(4, 2, 5, 7, 8), -2, 2);
    cr_assert(op_execute(&r));
    for (int p = 0; p < 10 * 3 * 8; p++) {
        const int row = p / 8 % 3;
        double sum = 0;
        for (int y = from[row]; y < to[row]; y++)
            sum += (double)qns_cf32(&r.in[0])[(p / 24 * 7 + y) * 8 + p % 8];
        cr_expect_float_eq(qns_cf32(&r.out[0])[p], sum / (to[row] - from[row]), 1e-6);
    }
    r.in[0].shape = op_shape(3, 2, 5, 7, 0);
    cr_expect_not(op_execute(&r), "other rank");
    op_finish(&r);
}

Test(op_pool, long_windows_of_codes)
{
    qns_rng rng;
    qns_rng_seed(&rng, 4);
    for (int type = 0; type < 2; type++) {
        op_run r = {.op = "global_maxpool", .n_in = 1, .layout = QNS_CHLAST};
        r.out_qp = op_qp(&r, type ? QNS_U8 : QNS_I8, 0.5, 3);
        r.in[0] = op_codes(&r, &rng, op_shape(4, 2, 300, 13, 11), r.out_qp);
        cr_assert(op_execute(&r));
        for (int p = 0; p < 600; p++) {
            int top = -128;
            for (int i = 0; i < 143; i++) {
                const uint8_t b = ((uint8_t *)r.in[0].data)[p * 143 + i];
                const int v = type ? b : (int8_t)b;
                top = v > top ? v : top;
            }
            cr_expect_eq(((uint8_t *)r.out[0].data)[p], (uint8_t)top);
        }
        op_finish(&r);
    }
}

Test(op_pool, one_spatial_axis_and_batch_zero)
{
    qns_rng rng;
    qns_rng_seed(&rng, 5);
    const qns_avgpool_attr a = {.w = square(1, 2, 2, 0)};
    op_run r = {.op = "avgpool", .attr = &a, .n_in = 1, .layout = QNS_CHLAST};
    r.in[0] = op_random(&r, &rng, op_shape(3, 1, 2, 6, 0), -1, 1);
    cr_assert(op_execute(&r));
    const float *x = qns_cf32(&r.in[0]), *y = qns_cf32(&r.out[0]);
    for (int i = 0; i < 6; i++)
        cr_expect_float_eq(y[i], 0.5 * ((double)x[2 * i] + (double)x[2 * i + 1]), 1e-6);
    r.in[0].shape.dim[0] = 0;
    cr_expect(op_execute(&r));
    cr_expect_eq(r.out[0].shape.dim[0], 0);
    r.in[0].shape = op_shape(4, 1, 2, 6, 1);
    cr_expect_not(op_execute(&r), "another rank");
    r.in[0].shape = op_shape(3, 1, 2, 1, 0);
    cr_expect_not(op_execute(&r), "window larger than the input");
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.op = "global_avgpool";
    r.in[0].shape = op_shape(2, 1, 2, 0, 0);
    cr_expect_not(op_execute(&r), "no spatial axis");
    op_finish(&r);
}
