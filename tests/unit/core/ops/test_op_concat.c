/* SPDX-License-Identifier: MIT */
#include "core/ops/op_concat.h"
#include "golden.h"
#include "op_run.h"

static double item(const json_t *c, const char *key, size_t i)
{
    return json_number_value(json_array_get(json_object_get(c, key), i));
}

Test(op_concat, golden)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "elementwise");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "cat") != 0)
            continue;
        const qns_concat_attr a = {(int64_t)golden_number(c, "dim")};
        for (int layout = 0; layout < 2; layout++) {
            op_run r = {.op = "concat", .attr = &a, .layout = layout ? QNS_CHLAST : QNS_ROW};
            r.n_in = (uint32_t)golden_number(c, "n");
            r.out_qp = op_qp(&r, QNS_U8, golden_number(c, "out_scale"),
                             (int32_t)golden_number(c, "out_zp"));
            for (uint32_t k = 0; k < r.n_in; k++) {
                const char name[] = {'x', (char)('0' + k), 0};
                r.in[k] = golden_array(&g, c, name);
                r.in[k].qp = op_qp(&r, QNS_U8, item(c, "scales", k), (int32_t)item(c, "zps", k));
            }
            qns_tensor want = golden_array(&g, c, layout ? "y_nhwc" : "y_nchw");
            cr_assert(op_execute(&r));
            cr_expect_eq(golden_diff(&r.out[0], &want, layout ? "nhwc" : "nchw"), 0, "case %zu", i);
            for (uint32_t k = 0; k < r.n_in; k++)
                qns_free(r.in[k].data);
            qns_free(want.data);
            op_finish(&r);
        }
        n++;
    }
    cr_expect_geq(n, 6);
    golden_close(&g);
}

Test(op_concat, float_by_definition)
{
    qns_rng rng;
    qns_rng_seed(&rng, 21);
    for (int k = 0; k < 16; k++) {
        const int axis = k % 4;
        const qns_concat_attr a = {k < 8 ? axis : axis - 4};
        op_run r = {.op = "concat", .attr = &a, .n_in = 3, .layout = k & 4 ? QNS_CHLAST : QNS_ROW};
        r.constants = k & 1 ? 4 : 0; /* the last one may be a constant */
        for (int i = 0; i < 3; i++) {
            qns_shape s = op_shape(4, 2, 3, 4, 5);
            s.dim[axis] = i + 1;
            r.in[i] = op_random(&r, &rng, s, -1, 1);
        }
        cr_assert(op_execute(&r));
        const qns_shape *o = &r.out[0].shape;
        cr_expect_eq(o->dim[axis], 6);
        for (size_t at = 0; at < qns_tensor_count(&r.out[0]); at++) {
            const size_t inner = qns_shape_span(o, axis + 1, 4);
            const int x = (int)(at / inner % 6);
            const int from = x < 1 ? 0 : x < 3 ? 1 : 2;
            const size_t first = from == 0 ? 0 : from == 1 ? 1 : 3;
            const size_t in_at =
                (at / inner / 6 * (size_t)(from + 1) + (size_t)x - first) * inner + at % inner;
            cr_expect_eq(qns_cf32(&r.out[0])[at], qns_cf32(&r.in[from])[in_at]);
        }
        op_finish(&r);
    }
}

Test(op_concat, refuses)
{
    qns_rng rng;
    qns_rng_seed(&rng, 22);
    const qns_concat_attr a = {1}, out = {4};
    op_run r = {.op = "concat", .attr = &a, .n_in = 2};
    r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 5), 0, 1);
    r.in[1] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 6), 0, 1);
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.in[1] = op_random(&r, &rng, op_shape(3, 2, 3, 4, 0), 0, 1);
    cr_expect_not(op_execute(&r), "another rank");
    r.in[1] = r.in[0];
    r.attr = &out;
    cr_expect_not(op_execute(&r), "no such axis");
    op_finish(&r);
}
