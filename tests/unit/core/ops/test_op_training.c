/* SPDX-License-Identifier: MIT */
/* What models for training ask for: batch statistics, masks, and outputs beside the first. */
#include "core/base/mt19937.h"
#include "core/ops/norm.h"
#include "core/ops/op_batchnorm.h"
#include "core/ops/window.h"
#include "op_run.h"

#include <math.h>

/* numpy.random.RandomState(0): random_sample(), and randint words of seed 5489. */
Test(op_training, mersenne_twister_is_numpys)
{
    qns_mt m;
    qns_mt_seed(&m, 0);
    cr_expect_eq(qns_mt_unit(&m), 0.5488135039273248);
    cr_expect_eq(qns_mt_unit(&m), 0.7151893663724195);
    qns_mt_seed(&m, 5489);
    for (int i = 0; i < 9999; i++)
        qns_mt_next(&m);
    cr_expect_eq(qns_mt_next(&m), 4123659995u); /* the 10000th, as std::mt19937 must give */
}

Test(op_training, batch_norm_has_the_moments_of_the_batch)
{
    const qns_batchnorm_attr a = {.eps = 1e-3f, .momentum = 0.75f, .training = 1};
    const qns_range relu = {0.0f, INFINITY};
    qns_rng rng;
    qns_rng_seed(&rng, 3);
    for (int k = 0; k < 4; k++) {
        op_run r = {.op = "batchnorm",
                    .attr = &a,
                    .n_in = 5,
                    .n_out = k & 1 ? 3 : 1,
                    .constants = 30,
                    .layout = k & 2 ? QNS_CHLAST : QNS_ROW,
                    .clamp = k == 2 ? &relu : NULL};
        r.in[0] = op_random(&r, &rng, op_shape(4, 3, 2, 4, 5), -1, 3);
        for (int i = 1; i < 5; i++)
            r.in[i] = op_random(&r, &rng, op_shape(1, 2, 0, 0, 0), 0.5f, 2);
        cr_assert(op_execute(&r), "%s", r.err.text);
        cr_assert_str_eq(r.impl, "batchnorm.training.f32");
        const float *x = qns_cf32(&r.in[0]), *y = qns_cf32(&r.out[0]);
        for (size_t c = 0; c < 2; c++) {
            double sum = 0, square = 0;
            for (size_t i = 0; i < 120; i++)
                if (i / 20 % 2 == c) {
                    sum += (double)x[i];
                    square += (double)x[i] * (double)x[i];
                }
            const double mean = sum / 60, var = square / 60 - mean * mean;
            for (size_t i = 0; i < 120; i++)
                if (i / 20 % 2 == c) {
                    const double v =
                        ((double)x[i] - mean) / sqrt(var + 1e-3) * (double)qns_cf32(&r.in[1])[c] +
                        (double)qns_cf32(&r.in[2])[c];
                    cr_assert_float_eq(y[i], k == 2 && v < 0 ? 0.0 : v, 1e-5);
                }
            if (k & 1) {
                cr_expect_float_eq(qns_cf32(&r.out[1])[c],
                                   0.75 * (double)qns_cf32(&r.in[3])[c] + 0.25 * mean, 1e-6);
                cr_expect_float_eq(qns_cf32(&r.out[2])[c],
                                   0.75 * (double)qns_cf32(&r.in[4])[c] + 0.25 * var, 1e-6);
            }
        }
        op_finish(&r);
    }
}

/* Training mode on codes would be another formula: it has to stay in float. */
Test(op_training, batch_norm_of_codes_is_refused)
{
    const qns_batchnorm_attr a = {.eps = 1e-3f, .training = 1};
    op_run r = {.op = "batchnorm", .attr = &a, .n_in = 5, .constants = 30, .want_refusal = true};
    qns_rng rng;
    qns_rng_seed(&rng, 3);
    r.out_qp = op_qp(&r, QNS_U8, 0.1, 128);
    r.in[0] = op_codes(&r, &rng, op_shape(4, 1, 2, 3, 3), r.out_qp);
    for (int i = 1; i < 5; i++)
        r.in[i] = op_random(&r, &rng, op_shape(1, 2, 0, 0, 0), 1, 2);
    cr_expect_not(op_execute(&r));
    op_finish(&r);
}

Test(op_training, layer_norm_gives_mean_and_inverse_deviation)
{
    const qns_layer_norm_attr a = {.axis = 1, .eps = 1e-3f};
    op_run r = {.op = "layer_norm", .attr = &a, .n_in = 2, .n_out = 3};
    qns_rng rng;
    qns_rng_seed(&rng, 4);
    r.in[0] = op_random(&r, &rng, op_shape(3, 2, 3, 4, 0), -1, 3);
    r.in[1] = op_random(&r, &rng, op_shape(2, 3, 4, 0, 0), 1, 2);
    cr_assert(op_execute(&r), "%s", r.err.text);
    const qns_shape want = op_shape(3, 2, 1, 1, 0);
    for (size_t g = 0; g < 2; g++) {
        double sum = 0, square = 0;
        for (size_t i = 0; i < 12; i++) {
            const double v = (double)qns_cf32(&r.in[0])[g * 12 + i];
            sum += v;
            square += v * v;
        }
        const double mean = sum / 12, var = square / 12 - mean * mean;
        cr_expect_float_eq(qns_cf32(&r.out[1])[g], mean, 1e-6);
        cr_expect_float_eq(qns_cf32(&r.out[2])[g], 1 / sqrt(var + 1e-3), 1e-5);
    }
    cr_expect(qns_shape_equal(&r.out[1].shape, &want) && qns_shape_equal(&r.out[2].shape, &want));
    op_finish(&r);
}

/* Every index names an element with the value of output 0, the first of equal ones. */
Test(op_training, max_pool_tells_where_the_maximum_was)
{
    for (int k = 0; k < 4; k++) {
        const qns_window w = {.rank = 2,
                              .column_major = k & 1,
                              .kernel = {2, 3},
                              .stride = {1, 2},
                              .dilation = {1, 1},
                              .pad_lo = {1, 0}};
        op_run r = {.op = "maxpool",
                    .attr = &w,
                    .n_in = 1,
                    .n_out = 2,
                    .layout = k & 2 ? QNS_CHLAST : QNS_ROW};
        qns_rng rng;
        qns_rng_seed(&rng, 5);
        r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 7), 0, 4);
        float *x = qns_f32(&r.in[0]);
        for (size_t i = 0; i < qns_tensor_count(&r.in[0]); i++)
            x[i] = floorf(x[i]); /* many ties */
        r.in[0].layout = QNS_ROW;
        if (!(k & 2))
            r.want_refusal = true; /* pools are channels-last */
        if (!op_execute(&r)) {
            cr_expect(r.want_refusal);
            op_finish(&r);
            continue;
        }
        const int64_t *at = r.out[1].data;
        for (size_t i = 0; i < qns_tensor_count(&r.out[1]); i++) {
            const int64_t plane = at[i] / 28, pixel = at[i] % 28;
            const int64_t row_major = k & 1 ? pixel % 4 * 7 + pixel / 4 : pixel;
            cr_assert(at[i] >= 0 && at[i] < 168);
            cr_assert_eq(x[plane * 28 + row_major], qns_cf32(&r.out[0])[i]);
            for (int64_t before = 0; before < row_major; before++) {
                const int64_t y = (int64_t)(i / 3 % 4) - 1, c = (int64_t)(i % 3) * 2;
                const int64_t by = before / 7, bx = before % 7;
                if (by >= y && by < y + 2 && bx >= c && bx < c + 3)
                    cr_assert_neq(x[plane * 28 + before], qns_cf32(&r.out[0])[i]);
            }
        }
        op_finish(&r);
    }
}
