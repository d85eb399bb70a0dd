/* SPDX-License-Identifier: MIT */
#include "core/ops/softmax.h"
#include "op_run.h"

#include <math.h>

/* Before opset 13 everything from the axis on is one vector. */
static bool same_vector(size_t i, size_t k, const qns_shape *s, int axis, bool flatten)
{
    for (int a = s->rank; a-- > 0;) {
        const size_t xi = i % (size_t)s->dim[a], xk = k % (size_t)s->dim[a];
        if (xi != xk && (flatten ? a < axis : a != axis))
            return false;
        i /= (size_t)s->dim[a];
        k /= (size_t)s->dim[a];
    }
    return true;
}

Test(op_softmax, float_by_definition)
{
    qns_rng rng;
    qns_rng_seed(&rng, 41);
    for (int k = 0; k < 16; k++) {
        const int axis = k % 4;
        const qns_softmax_attr a = {k & 4 ? axis : axis - 4, k & 8};
        for (int is_log = 0; is_log < 2; is_log++) {
            op_run r = {.op = is_log ? "log_softmax" : "softmax", .attr = &a, .n_in = 1};
            r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 5), -90, 90);
            cr_assert(op_execute(&r));
            const float *x = qns_cf32(&r.in[0]);
            for (size_t i = 0; i < 120; i++) {
                double sum = 0;
                for (size_t j = 0; j < 120; j++)
                    if (same_vector(i, j, &r.in[0].shape, axis, a.flatten))
                        sum += exp((double)x[j] - (double)x[i]);
                cr_expect_float_eq(qns_cf32(&r.out[0])[i], is_log ? -log(sum) : 1 / sum, 2e-5);
            }
            op_finish(&r);
        }
    }
}

Test(op_softmax, codes)
{
    qns_rng rng;
    qns_rng_seed(&rng, 42);
    const qns_softmax_attr a = {-1, 0};
    op_run r = {.op = "softmax", .attr = &a, .n_in = 1};
    r.in[0] = op_codes(&r, &rng, op_shape(2, 4, 10, 0, 0), op_qp(&r, QNS_U8, 0.05, 128));
    r.out_qp = op_qp(&r, QNS_U8, 1.0 / 256, 0);
    cr_assert(op_execute(&r));
    cr_expect_str_eq(r.impl, "softmax.u8");
    for (int i = 0; i < 40; i++) {
        double sum = 0;
        for (int j = i / 10 * 10; j < i / 10 * 10 + 10; j++)
            sum += exp(0.05 * (((uint8_t *)r.in[0].data)[j] - ((uint8_t *)r.in[0].data)[i]));
        cr_expect_float_eq(((uint8_t *)r.out[0].data)[i], fmin(255, 256 / sum), 0.51);
    }
    op_finish(&r);
}

Test(op_softmax, edges)
{
    qns_rng rng;
    qns_rng_seed(&rng, 43);
    const qns_softmax_attr a = {2, 0};
    op_run r = {.op = "softmax", .attr = &a, .n_in = 1};
    r.in[0] = op_random(&r, &rng, op_shape(2, 2, 3, 0, 0), 0, 1);
    cr_expect_not(op_execute(&r), "no such axis");
    const qns_softmax_attr b = {1, 0};
    r.attr = &b;
    qns_f32(&r.in[0])[0] = NAN;
    qns_f32(&r.in[0])[3] = 1e30f;
    cr_assert(op_execute(&r));
    cr_expect(isnan(qns_cf32(&r.out[0])[1]));
    cr_expect_eq(qns_cf32(&r.out[0])[3], 1.0f);
    cr_expect_eq(qns_cf32(&r.out[0])[4], 0.0f);
    op_finish(&r);
}
