/* SPDX-License-Identifier: MIT */
/* Layer, group and instance norm: float against the definition, codes against the golden vectors.
 */
#include "core/ops/norm.h"
#include "golden.h"
#include "op_run.h"

#include <math.h>

static size_t compare(const golden *g, const json_t *c, op_run *r, const char *x, const char *y)
{
    qns_tensor want = golden_array(g, c, y);
    size_t bad = 0;

    r->n_in = 3;
    r->constants = 6;
    r->in[0] = golden_array(g, c, x);
    r->in[1] = golden_array(g, c, "weight");
    r->in[2] = golden_array(g, c, "bias");
    r->in[0].qp = op_qp(r, QNS_U8, golden_number(c, "scale"), (int32_t)golden_number(c, "zp"));
    r->out_qp = op_qp(r, QNS_U8, golden_number(c, "out_scale_ln_gn_in"),
                      (int32_t)golden_number(c, "out_zp"));
    for (int layout = 0; layout < 2; layout++) {
        r->layout = layout ? QNS_CHLAST : QNS_ROW;
        cr_assert(op_execute(r), "%s", r->err.text);
        cr_expect(strstr(r->impl, ".u8"), "%s", r->impl);
        bad += golden_diff(&r->out[0], &want, y);
    }
    for (int i = 0; i < 3; i++)
        qns_free(r->in[i].data);
    qns_free(want.data);
    op_finish(r);
    return bad;
}

Test(op_norm, golden)
{
    golden g;
    size_t i, bad = 0;
    json_t *c;

    golden_open(&g, "norm");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        const float eps = (float)golden_number(c, "eps");
        const qns_layer_norm_attr layer = {.axis = -1, .eps = eps};
        const qns_group_norm_attr two = {.groups = 2, .per_channel = 1, .eps = eps};
        const qns_group_norm_attr instance = {.per_channel = 1, .eps = eps};
        op_run l = {.op = "layer_norm", .attr = &layer}, t = {.op = "group_norm", .attr = &two};
        op_run n = {.op = "instance_norm", .attr = &instance};

        bad += compare(&g, c, &l, "ln_x", "layer_norm");
        bad += compare(&g, c, &t, "x", "group_norm2");
        bad += compare(&g, c, &n, "x", "instance_norm");
    }
    golden_close(&g);
    cr_assert_geq(i, 8);
    cr_assert_eq(bad, 0);
}

/* x: images of `channels` channels of `pixels` numbers; every `own` channels form a group. */
static void check(op_run *r, size_t channels, size_t pixels, size_t own, size_t param_div,
                  size_t param_pixels, double eps)
{
    cr_assert(op_execute(r), "%s", r->err.text);
    const float *x = qns_cf32(&r->in[0]), *y = qns_cf32(&r->out[0]);
    const size_t n = own * pixels, all = qns_tensor_count(&r->in[0]);

    for (size_t at = 0; at < all; at += n) {
        double mean = 0, var = 0;
        for (size_t i = at; i < at + n; i++)
            mean += (double)x[i] / (double)n;
        for (size_t i = at; i < at + n; i++)
            var += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
        for (size_t i = at; i < at + n; i++) {
            const size_t p = param_pixels ? i % n : i / pixels % channels / param_div;
            double want = ((double)x[i] - mean) / sqrt(var + eps) * (double)qns_cf32(&r->in[1])[p];
            want += r->n_in > 2 ? (double)qns_cf32(&r->in[2])[p] : 0.0;
            cr_assert_float_eq(y[i], want, 1e-5, "%s %zu", r->op, i);
        }
    }
    op_finish(r);
}

Test(op_norm, float_by_definition)
{
    qns_rng rng;

    qns_rng_seed(&rng, 81);
    for (int i = 0; i < 8; i++) {
        const qns_layout layout = i & 1 ? QNS_CHLAST : QNS_ROW;
        const qns_group_norm_attr g = {.groups = 3, .per_channel = i >> 1 & 1, .eps = 0.01f};
        const qns_group_norm_attr n = {.per_channel = 1, .eps = 0.02f};
        const qns_layer_norm_attr l = {.axis = 2, .eps = 0.03f};
        const qns_shape param = op_shape(1, g.per_channel ? 6 : 3, 0, 0, 0);
        op_run r = {.op = "group_norm", .attr = &g, .n_in = 3, .constants = 6, .layout = layout};
        r.in[0] = op_random(&r, &rng, op_shape(4, 2, 6, 5, 7), -3, 5);
        r.in[1] = op_random(&r, &rng, param, -1, 1);
        r.in[2] = op_random(&r, &rng, param, -1, 1);
        check(&r, 6, 35, 2, g.per_channel ? 1 : 2, 0, 0.01);
        r = (op_run){
            .op = "instance_norm", .attr = &n, .n_in = 3, .constants = 6, .layout = layout};
        r.in[0] = op_random(&r, &rng, op_shape(3, 2, 6, 35, 0), -3, 5);
        r.in[1] = op_random(&r, &rng, op_shape(1, 6, 0, 0, 0), -1, 1);
        r.in[2] = op_random(&r, &rng, op_shape(1, 6, 0, 0, 0), -1, 1);
        check(&r, 6, 35, 1, 1, 0, 0.02);
        r = (op_run){.op = "layer_norm", .attr = &l, .n_in = 2 + (i & 1u), .constants = 6};
        r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 5, 7), -3, 5);
        r.in[1] = op_random(&r, &rng, op_shape(2, 5, 7, 0, 0), -1, 1);
        r.in[2] = op_random(&r, &rng, op_shape(2, 5, 7, 0, 0), -1, 1);
        check(&r, 1, 35, 1, 1, 1, 0.03);
    }
}

Test(op_norm, refuses_shapes)
{
    const qns_group_norm_attr g = {.groups = 4, .per_channel = 1, .eps = 0.01f};
    const qns_layer_norm_attr l = {.axis = 2, .eps = 0.01f};
    qns_rng rng;

    qns_rng_seed(&rng, 82);
    op_run r = {.op = "group_norm", .attr = &g, .n_in = 3, .constants = 6};
    r.in[0] = op_random(&r, &rng, op_shape(3, 2, 6, 5, 0), -1, 1);
    r.in[1] = r.in[2] = op_random(&r, &rng, op_shape(1, 6, 0, 0, 0), -1, 1);
    cr_expect_not(op_execute(&r), "6 channels, 4 groups");
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.op = "instance_norm";
    r.in[1].shape.dim[0] = 5;
    cr_expect_not(op_execute(&r), "5 numbers for 6 channels");
    r.op = "layer_norm";
    r.attr = &l;
    cr_expect_not(op_execute(&r), "6 numbers for an axis of 5");
    r.in[0].shape = op_shape(2, 6, 5, 0, 0);
    cr_expect_not(op_execute(&r), "no axis 2");
    op_finish(&r);
}
