/* SPDX-License-Identifier: MIT */
/* resize: codes against the golden vectors, float against ONNX's definition in double. */
#include "core/ops/op_resize.h"
#include "golden.h"
#include "op_run.h"

#include <math.h>

static size_t compare(const golden *g, const json_t *c, const qns_resize_attr *a, const char *field,
                      const char *impl)
{
    op_run r = {.op = "resize", .attr = a, .n_in = 1};
    qns_tensor want = golden_array(g, c, field);
    size_t bad = 0;

    r.in[0] = golden_array(g, c, "x");
    r.out_qp = r.in[0].qp =
        op_qp(&r, QNS_U8, golden_number(c, "scale"), (int32_t)golden_number(c, "zp"));
    for (int layout = 0; layout < 2; layout++) {
        r.layout = layout ? QNS_CHLAST : QNS_ROW;
        cr_assert(op_execute(&r), "%s", r.err.text);
        cr_expect_str_eq(r.impl, impl);
        if (strcmp(field, "bilinear_nhwc") != 0) {
            bad += golden_diff(&r.out[0], &want, field);
            continue;
        }
        /* The channels-last original was made with contraction: a step off at ties (spec 5.3). */
        for (size_t i = 0; i < qns_tensor_count(&want); i++) {
            const int d = ((uint8_t *)want.data)[i] - ((uint8_t *)r.out[0].data)[i];
            cr_expect_leq(abs(d), 1);
            bad += d != 0;
        }
    }
    qns_free(want.data);
    qns_free(r.in[0].data);
    op_finish(&r);
    return bad;
}

Test(op_resize, golden)
{
    golden g;
    size_t i, n = 0, bad = 0, near_ties = 0;
    json_t *c;

    golden_open(&g, "pool");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "pool2d") != 0)
            continue;
        const json_t *to = json_object_get(c, "interp_out");
        qns_resize_attr a = {.coord = QNS_COORD_ASYMMETRIC,
                             .round = QNS_ROUND_FLOOR,
                             .by_size = 1,
                             .n = 4,
                             .size = {0, 0, json_integer_value(json_array_get(to, 0)),
                                      json_integer_value(json_array_get(to, 1))}};
        bad += compare(&g, c, &a, "nearest", "resize.nearest");
        a.mode = QNS_RESIZE_LINEAR;
        a.coord =
            golden_number(c, "align_corners") != 0 ? QNS_COORD_ALIGN_CORNERS : QNS_COORD_HALF_PIXEL;
        bad += compare(&g, c, &a, "bilinear_nchw", "resize.linear.u8");
        near_ties += compare(&g, c, &a, "bilinear_nhwc", "resize.linear.u8");
        n++;
    }
    golden_close(&g);
    cr_expect_geq(n, 14);
    cr_expect_eq(bad, 0);
    cr_expect_leq(near_ties, 2 * 11, "%zu", near_ties);
}

/* ONNX's position of output x. */
static double position(const qns_resize_attr *a, int i, double x, double in, double out)
{
    const double scale = a->by_size ? out / in : a->scale[i];

    switch (a->coord) {
    case QNS_COORD_ALIGN_CORNERS:
        return out == 1.0 ? 0.0 : x * (in - 1) / (scale * in - 1);
    case QNS_COORD_ASYMMETRIC:
        return x / scale;
    case QNS_COORD_PYTORCH_HALF_PIXEL:
        return out > 1.0 ? (x + 0.5) / scale - 0.5 : 0.0;
    case QNS_COORD_HALF_PIXEL_SYMMETRIC:
        return in / 2 * (1 - out / (scale * in)) + (x + 0.5) / scale - 0.5;
    case QNS_COORD_TF_HALF_PIXEL_FOR_NN:
        return (x + 0.5) / scale;
    default:
        return (x + 0.5) / scale - 0.5;
    }
}

/* Linear interpolation at fractional coordinates, axis by axis. */
static double value_at(const float *x, const int64_t *in, const double *p, int axes)
{
    size_t step = 1;

    if (!axes)
        return (double)x[0];
    for (int i = 1; i < axes; i++)
        step *= (size_t)in[i];
    const double q = fmax(0, fmin(p[0], (double)in[0] - 1)), low = floor(q);
    const double a = value_at(x + (size_t)low * step, in + 1, p + 1, axes - 1);
    const double b = low + 1 < (double)in[0]
                         ? value_at(x + ((size_t)low + 1) * step, in + 1, p + 1, axes - 1)
                         : a;
    return a + (q - low) * (b - a);
}

static void check(op_run *r, const qns_resize_attr *a)
{
    cr_assert(op_execute(r), "%s", r->err.text);
    const qns_shape *x = &r->in[0].shape, *y = &r->out[0].shape;
    const size_t pixels = qns_shape_span(y, 2, y->rank), own = qns_shape_span(x, 2, x->rank);

    for (size_t at = 0; at < qns_tensor_count(&r->out[0]); at++) {
        double p[3];
        size_t rest = at % pixels;
        for (int32_t i = y->rank; i-- > 2;) {
            p[i - 2] = position(a, i, (double)(rest % (size_t)y->dim[i]), (double)x->dim[i],
                                (double)y->dim[i]);
            if (a->mode == QNS_RESIZE_NEAREST) {
                const double v = p[i - 2];
                p[i - 2] = a->round == QNS_ROUND_FLOOR          ? floor(v + 1e-5)
                           : a->round == QNS_ROUND_CEIL         ? ceil(v - 1e-5)
                           : a->round == QNS_ROUND_PREFER_FLOOR ? ceil(v - 0.5 - 1e-5)
                                                                : floor(v + 0.5 + 1e-5);
            }
            rest /= (size_t)y->dim[i];
        }
        const double want =
            value_at(qns_cf32(&r->in[0]) + at / pixels * own, x->dim + 2, p, (int)(x->rank - 2));
        cr_assert_float_eq(qns_cf32(&r->out[0])[at], want, 1e-4, "coord %d round %d: %zu",
                           (int)a->coord, (int)a->round, at);
    }
}

Test(op_resize, float_by_definition)
{
    static const double scales[] = {2.0, 3.0, 0.6, 1.7};
    qns_rng rng;

    qns_rng_seed(&rng, 91);
    for (int i = 0; i < 240; i++) {
        const int32_t rank = 3 + i % 3;
        qns_resize_attr a = {.mode = i / 3 % 2,
                             .coord = i / 6 % 6,
                             .round = i / 36 % 4,
                             .by_size = i / 12 % 2,
                             .n = rank,
                             .scale = {1, 1, 1, 1, 1}};
        op_run r = {.op = "resize", .attr = &a, .n_in = 1, .layout = i & 1 ? QNS_CHLAST : QNS_ROW};
        qns_shape x = {.rank = rank, .dim = {2, 3, 4, 5, 3}};
        for (int32_t k = 2; k < rank; k++) {
            if (a.by_size)
                a.size[k] = 1 + (int64_t)qns_rng_below(&rng, 9);
            else
                a.scale[k] = (double)(float)scales[qns_rng_below(&rng, 4)];
        }
        r.in[0] = op_random(&r, &rng, x, -2, 2);
        check(&r, &a);
        op_finish(&r);
    }
}

Test(op_resize, refuses)
{
    qns_resize_attr a = {.n = 4, .scale = {1, 1, 2, 2}};
    qns_rng rng;

    qns_rng_seed(&rng, 92);
    op_run r = {.op = "resize", .attr = &a, .n_in = 1};
    r.in[0] = op_random(&r, &rng, op_shape(4, 1, 2, 3, 4), -1, 1);
    a.scale[1] = 2;
    cr_expect_not(op_execute(&r), "channels");
    cr_expect_eq(r.st, QNS_E_UNSUPPORTED);
    a.scale[1] = 1;
    a.scale[2] = 0.1;
    cr_expect_not(op_execute(&r), "nothing is left");
    a.scale[2] = 1e30;
    cr_expect_not(op_execute(&r), "too much");
    a = (qns_resize_attr){.by_size = 1, .n = 4, .size = {0, 0, 5, 5}};
    r.in[0].shape.dim[3] = 0;
    cr_expect_not(op_execute(&r), "something from nothing");
    a.n = 3;
    cr_expect_not(op_execute(&r), "other rank");
    op_finish(&r);
}
