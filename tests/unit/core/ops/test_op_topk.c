/* SPDX-License-Identifier: MIT */
/* topk against repeated selection. */
#include "core/ops/op_topk.h"
#include "op_run.h"

#include <math.h>

static double at(const qns_tensor *t, size_t i)
{
    if (t->dtype == QNS_U8)
        return ((const uint8_t *)t->data)[i];
    if (t->dtype == QNS_I8)
        return ((const int8_t *)t->data)[i];
    return isnan(qns_cf32(t)[i]) ? 1e30 : (double)qns_cf32(t)[i];
}

/* The vectors of [2, n, 3] along axis 1: every output is the best that is not taken yet. */
static void check(op_run *r, const qns_topk_attr *a)
{
    cr_assert(op_execute(r), "%s", r->err.text);
    const size_t n = (size_t)r->in[0].shape.dim[1], k = (size_t)r->out[0].shape.dim[1];

    cr_assert_eq(k, a->k < 0 ? n : (size_t)a->k);
    for (size_t v = 0; v < 6; v++) {
        bool taken[64] = {false};
        const size_t in = v / 3 * n * 3 + v % 3, out = v / 3 * k * 3 + v % 3;
        for (size_t i = 0; i < k; i++) {
            size_t best = n;
            for (size_t j = 0; j < n; j++) {
                const double x = at(&r->in[0], in + j * 3);
                const double y = best < n ? at(&r->in[0], in + best * 3) : 0;
                if (!taken[j] && (best == n || (a->largest ? x > y : x < y)))
                    best = j;
            }
            taken[best] = true;
            cr_assert_eq(((int64_t *)r->out[1].data)[out + i * 3], (int64_t)best);
            cr_assert_eq(at(&r->out[0], out + i * 3), at(&r->in[0], in + best * 3));
        }
    }
}

Test(op_topk, by_selection)
{
    qns_rng rng;

    qns_rng_seed(&rng, 95);
    for (int i = 0; i < 24; i++) {
        const qns_topk_attr a = {i & 1 ? 1 : -2, i % 3 ? (int64_t)qns_rng_below(&rng, 8) : -1,
                                 i >> 1 & 1};
        const qns_shape s = op_shape(3, 2, 7 + i, 3, 0);
        op_run r = {.op = "topk", .attr = &a, .n_in = 1, .n_out = 2};
        if (i % 4 < 2) {
            r.in[0] = op_random(&r, &rng, s, -2, 2);
            for (size_t k = 0; k < 20; k++) /* equal ones, zeros of both signs */
                qns_f32(&r.in[0])[qns_rng_below(&rng, qns_tensor_count(&r.in[0]))] = k & 1   ? 1.0f
                                                                                     : k & 2 ? -0.0f
                                                                                             : 0.0f;
            qns_f32(&r.in[0])[4] = NAN;
            qns_f32(&r.in[0])[5] = -INFINITY;
        } else {
            r.in[0] = op_codes(&r, &rng, s, op_qp(&r, i & 8 ? QNS_I8 : QNS_U8, 0.1, 7));
        }
        check(&r, &a);
        op_finish(&r);
    }
}

Test(op_topk, refuses)
{
    const qns_topk_attr more = {0, 3, 1}, axis = {2, 1, 1};
    qns_rng rng;

    qns_rng_seed(&rng, 96);
    op_run r = {.op = "topk", .attr = &more, .n_in = 1, .n_out = 2};
    r.in[0] = op_random(&r, &rng, op_shape(2, 2, 5, 0, 0), -1, 1);
    cr_expect_not(op_execute(&r), "3 of 2");
    r.attr = &axis;
    cr_expect_not(op_execute(&r), "no such axis");
    op_finish(&r);
}
