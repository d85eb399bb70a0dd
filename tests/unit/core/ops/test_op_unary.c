/* SPDX-License-Identifier: MIT */
#include "golden.h"
#include "op_run.h"

#include <math.h>

typedef struct field {
    const char *op, *name, *scale_key; /* scale_key: [scale, zero]; NULL: out_scale, out_zp */
    float attr[2];
    bool same; /* the output has the input's qparams */
} field;

static const field fields[] = {
    {"sigmoid", "sigmoid", "sigmoid_out", {0}, false},
    {"tanh", "tanh", "tanh_out", {0}, false},
    {"hardsigmoid", "hardsigmoid", "hardsigmoid_out", {1.0f / 6, 0.5f}, false},
    {"hardswish", "hardswish", NULL, {0}, false},
    {"leaky_relu", "leaky_relu_0p1", NULL, {0.1f}, false},
    {"elu", "elu_1", NULL, {1.0f}, false},
    {"gelu", "gelu", NULL, {0}, true},
};

static void compare(const golden *g, const json_t *c, const field *f)
{
    const bool qnnpack = strcmp(golden_text(c, "backend"), "qnnpack") == 0;
    op_run r = {.op = f->op, .attr = f->attr, .n_in = 1, .be = qnnpack ? "qnnpack" : "fbgemm"};
    double scale, zero;
    if (f->same) {
        scale = golden_number(c, "a_scale");
        zero = golden_number(c, "a_zp");
    } else if (f->scale_key) {
        scale = json_number_value(json_array_get(json_object_get(c, f->scale_key), 0));
        zero = json_number_value(json_array_get(json_object_get(c, f->scale_key), 1));
    } else {
        scale = golden_number(c, "out_scale");
        zero = golden_number(c, "out_zp");
    }
    r.in[0] = golden_array(g, c, "a");
    r.in[0].qp = op_qp(&r, QNS_U8, golden_number(c, "a_scale"), (int32_t)golden_number(c, "a_zp"));
    r.out_qp = op_qp(&r, QNS_U8, scale, (int32_t)zero);
    qns_tensor want = golden_array(g, c, f->name);
    cr_assert(op_execute(&r));
    cr_expect_eq(golden_diff(&r.out[0], &want, f->name), 0, "%s by %s", f->name, r.impl);
    qns_free(want.data);
    qns_free(r.in[0].data);
    op_finish(&r);
}

Test(op_unary, golden)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "elementwise");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strcmp(golden_text(c, "kind"), "unary") != 0)
            continue;
        for (size_t k = 0; k < QNS_ARRAY_LEN(fields); k++)
            compare(&g, c, &fields[k]);
        n++;
    }
    cr_expect_geq(n, 20);
    golden_close(&g);
}

static double by_definition(const field *f, double x)
{
    if (!strcmp(f->op, "sigmoid"))
        return 1 / (1 + exp(-x));
    if (!strcmp(f->op, "tanh"))
        return tanh(x);
    if (!strcmp(f->op, "hardsigmoid"))
        return fmax(0, fmin(1, (double)f->attr[0] * x + (double)f->attr[1]));
    if (!strcmp(f->op, "hardswish"))
        return x * fmax(0, fmin(1, x / 6 + 0.5));
    if (!strcmp(f->op, "leaky_relu"))
        return x > 0 ? x : (double)f->attr[0] * x;
    if (!strcmp(f->op, "elu"))
        return x > 0 ? x : (double)f->attr[0] * (exp(x) - 1);
    if (!strcmp(f->op, "celu"))
        return x > 0 ? x : (double)f->attr[0] * (exp(x / (double)f->attr[0]) - 1);
    if (!strcmp(f->op, "gelu"))
        return x * 0.5 * (1 + erf(x / sqrt(2)));
    return erf(x);
}

Test(op_unary, float_and_int8)
{
    static const field more[] = {
        {"erf", "", NULL, {0}, false},
        {"hardsigmoid", "", NULL, {0.2f, 0.4f}, false},
        {"elu", "", NULL, {0.5f}, false},
        {"celu", "", NULL, {0.7f}, false},
    };
    qns_rng rng;
    qns_rng_seed(&rng, 51);
    for (size_t k = 0; k < QNS_ARRAY_LEN(fields) + QNS_ARRAY_LEN(more); k++) {
        const field *f = k < QNS_ARRAY_LEN(fields) ? &fields[k] : &more[k - QNS_ARRAY_LEN(fields)];
        op_run r = {.op = f->op, .attr = f->attr, .n_in = 1};
        r.in[0] = op_random(&r, &rng, op_shape(2, 5, 1000, 0, 0), -8, 8);
        qns_f32(&r.in[0])[0] = NAN;
        cr_assert(op_execute(&r));
        cr_expect(isnan(qns_cf32(&r.out[0])[0]), "%s", f->op);
        for (size_t i = 1; i < 5000; i++)
            cr_expect_float_eq(qns_cf32(&r.out[0])[i],
                               by_definition(f, (double)qns_cf32(&r.in[0])[i]), 2e-6);
        if (strcmp(f->op, "erf") != 0) {
            r.in[0] = op_codes(&r, &rng, op_shape(1, 100, 0, 0, 0), op_qp(&r, QNS_I8, 0.05, -3));
            r.out_qp = op_qp(&r, QNS_I8, 0.06, 2);
            cr_assert(op_execute(&r));
            for (size_t i = 0; i < 100; i++) {
                const double x = 0.05 * (((int8_t *)r.in[0].data)[i] + 3);
                const double y = by_definition(f, x) / 0.06 + 2;
                cr_expect_float_eq(((int8_t *)r.out[0].data)[i], fmin(y, 127), 0.501);
            }
        }
        op_finish(&r);
    }
}

/* y = x or slope * x, in steps of the output. */
static void check_prelu(op_run *r, int layout)
{
    r->layout = layout ? QNS_CHLAST : QNS_ROW;
    cr_assert(op_execute(r), "%s", r->err.text);
    for (size_t i = 0; i < qns_tensor_count(&r->in[0]); i++) {
        const size_t ch = i / 20 % 3;
        double x, y, w, half = 1e-5;
        if (r->in[0].dtype == QNS_F32) {
            x = (double)qns_cf32(&r->in[0])[i];
            y = (double)qns_cf32(&r->out[0])[i];
        } else {
            x = 0.05 * (((const uint8_t *)r->in[0].data)[i] - 100);
            y = 0.11 * (((const uint8_t *)r->out[0].data)[i] - 90);
            half = 0.0551;
        }
        if (r->in[1].dtype == QNS_F32)
            w = (double)qns_cf32(&r->in[1])[ch];
        else
            w = 0.01 * (((const uint8_t *)r->in[1].data)[ch] - 30);
        cr_assert_float_eq(y, x > 0 ? x : w * x, half, "%s %zu", r->impl, i);
    }
}

Test(op_unary, prelu)
{
    qns_rng rng;
    qns_rng_seed(&rng, 52);
    op_run r = {.op = "prelu", .n_in = 2, .constants = 2};
    const qns_tensor f = op_random(&r, &rng, op_shape(4, 2, 3, 4, 5), -3, 3);
    const qns_tensor slope = op_random(&r, &rng, op_shape(3, 3, 1, 1, 0), -1, 1);
    const qns_tensor q = op_codes(&r, &rng, f.shape, op_qp(&r, QNS_U8, 0.05, 100));
    const qns_tensor qslope = op_codes(&r, &rng, slope.shape, op_qp(&r, QNS_U8, 0.01, 30));
    const qns_tensor small = op_codes(&r, &rng, slope.shape, op_qp(&r, QNS_U8, 0.001, 30));
    for (int layout = 0; layout < 2; layout++) {
        r.out_qp = NULL;
        r.in[0] = f;
        r.in[1] = slope;
        check_prelu(&r, layout);
        r.out_qp = op_qp(&r, QNS_U8, 0.11, 90);
        r.in[0] = q;
        check_prelu(&r, layout);
        cr_expect_str_eq(r.impl, "prelu.u8.float_slope");
        r.in[1] = qslope;
        check_prelu(&r, layout);
        cr_expect_str_eq(r.impl, "prelu.codes");
    }
    r.in[1] = small;
    r.want_refusal = true;
    cr_expect_not(op_execute(&r), "no code for 1");
    r.in[1].shape = op_shape(1, 4, 0, 0, 0);
    cr_expect_not(op_execute(&r), "4 slopes");
    cr_expect_eq(r.st, QNS_E_SHAPE);
    op_finish(&r);
}
