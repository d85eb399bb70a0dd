/* SPDX-License-Identifier: MIT */
#include "core/ops/op_mean.h"
#include "golden.h"
#include "op_run.h"

static void compare(const golden *g, const json_t *c, const char *be, const char *field,
                    qns_layout layout)
{
    const qns_mean_attr a = {2, 0, {2, 3}};
    op_run r = {.op = "mean", .be = be, .attr = &a, .n_in = 1, .layout = layout};
    r.in[0] = golden_array(g, c, "x");
    r.out_qp = r.in[0].qp =
        op_qp(&r, QNS_U8, golden_number(c, "scale"), (int32_t)golden_number(c, "zp"));
    qns_tensor want = golden_array(g, c, field);
    want.shape = op_shape(2, r.in[0].shape.dim[0], r.in[0].shape.dim[1], 0, 0);
    cr_assert(op_execute(&r));
    cr_expect_eq(golden_diff(&r.out[0], &want, field), 0);
    qns_free(want.data);
    qns_free(r.in[0].data);
    op_finish(&r);
}

Test(op_mean, golden)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "pool");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "pool2d") != 0)
            continue;
        compare(&g, c, "fbgemm", "mean23_native_nchw", QNS_ROW);
        compare(&g, c, "fbgemm", "mean23_native_nhwc", QNS_CHLAST);
        compare(&g, c, "qnnpack", "mean23_qnnpack_nchw", QNS_ROW);
        compare(&g, c, "qnnpack", "mean23_qnnpack_nhwc", QNS_CHLAST);
        n++;
    }
    cr_expect_geq(n, 14);
    golden_close(&g);
}

/* Every subset of axes, with and without keepdims, in both layouts. */
Test(op_mean, float_by_definition)
{
    qns_rng rng;
    qns_rng_seed(&rng, 31);
    for (int k = 0; k < 64; k++) {
        const int set = k % 16;
        qns_mean_attr a = {0, k & 16, {0}};
        for (int x = 0; x < 4; x++)
            if (set >> x & 1)
                a.axis[a.n++] = x & 1 ? x : x - 4;
        op_run r = {.op = "mean", .attr = &a, .n_in = 1, .layout = k & 32 ? QNS_CHLAST : QNS_ROW};
        const int64_t d[4] = {2, 3, 4, 5};
        r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 5), -1, 1);
        cr_assert(op_execute(&r));
        double sum[120] = {0};
        size_t count = 1, n_out = 1;
        for (int x = 0; x < 4; x++) {
            const bool reduce = set == 0 || set >> x & 1;
            count *= reduce ? (size_t)d[x] : 1;
            n_out *= reduce ? 1 : (size_t)d[x];
        }
        for (size_t at = 0; at < 120; at++) {
            const size_t index[4] = {at / 60, at / 20 % 3, at / 5 % 4, at % 5};
            size_t to = 0;
            for (int x = 0; x < 4; x++)
                if (!(set == 0 || set >> x & 1))
                    to = to * (size_t)d[x] + index[x];
            sum[to] += (double)qns_cf32(&r.in[0])[at];
        }
        cr_assert_eq(qns_tensor_count(&r.out[0]), n_out);
        cr_expect_eq(r.out[0].shape.rank, a.keep     ? 4
                                          : set == 0 ? 0
                                                     : 4 - __builtin_popcount((unsigned)set));
        for (size_t i = 0; i < n_out; i++)
            cr_expect_float_eq(qns_cf32(&r.out[0])[i], sum[i] / (double)count, 1e-6);
        op_finish(&r);
    }
}

Test(op_mean, refuses)
{
    qns_rng rng;
    qns_rng_seed(&rng, 32);
    const qns_mean_attr a = {1, 0, {3}}, channel = {1, 0, {1}};
    op_run r = {.op = "mean", .attr = &a, .n_in = 1, .want_refusal = true};
    r.in[0] = op_random(&r, &rng, op_shape(3, 2, 3, 4, 0), 0, 1);
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.attr = &channel;
    r.in[0] = op_codes(&r, &rng, op_shape(3, 2, 3, 4, 0), op_qp(&r, QNS_U8, 0.5, 3));
    cr_expect_not(op_execute(&r), "codes over other than the innermost axes");
    op_finish(&r);
}
