/* SPDX-License-Identifier: MIT */
#include "golden.h"
#include "op_run.h"

#include <math.h>

static void compare(const golden *g, const json_t *c, const char *op, const char *be,
                    const char *field, const char *scale_key, const char *impl)
{
    const qns_range relu = {0, INFINITY};
    op_run r = {.op = op, .be = be, .n_in = 2};
    r.clamp = golden_number(c, "relu") != 0 ? &relu : NULL;
    r.in[0] = golden_array(g, c, "a");
    r.in[1] = golden_array(g, c, "b");
    if (strcmp(impl, "add.u8.broadcast") == 0) { /* a leading 1 makes it one */
        memmove(r.in[1].shape.dim + 1, r.in[1].shape.dim, 7 * sizeof *r.in[1].shape.dim);
        r.in[1].shape.dim[0] = 1;
        r.in[1].shape.rank++;
    }
    r.in[0].qp = op_qp(&r, QNS_U8, golden_number(c, "a_scale"), (int32_t)golden_number(c, "a_zp"));
    r.in[1].qp = op_qp(&r, QNS_U8, golden_number(c, "b_scale"), (int32_t)golden_number(c, "b_zp"));
    r.out_qp = op_qp(&r, QNS_U8, golden_number(c, scale_key), (int32_t)golden_number(c, "out_zp"));
    qns_tensor want = golden_array(g, c, field);
    cr_assert(op_execute(&r));
    cr_expect_str_eq(r.impl, impl);
    r.out[0].shape = want.shape;
    cr_expect_eq(golden_diff(&r.out[0], &want, field), 0);
    qns_free(want.data);
    qns_free(r.in[0].data);
    qns_free(r.in[1].data);
    op_finish(&r);
}

Test(op_binary, golden)
{
    golden g;
    size_t i, n = 0;
    json_t *c;
    golden_open(&g, "elementwise");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (strncmp(golden_text(c, "kind"), "binary", 6) != 0)
            continue;
        compare(&g, c, "add", "fbgemm", "add_native", "out_scale_add", "add.u8.fbgemm");
        compare(&g, c, "add", "fbgemm", "add_scalar_ref", "out_scale_add", "add.u8.broadcast");
        if (golden_has(c, "add_qnnpack"))
            compare(&g, c, "add", "qnnpack", "add_qnnpack", "out_scale_add", "add.u8.qnnpack");
        if (golden_has(c, "mul"))
            compare(&g, c, "mul", "fbgemm", "mul", "out_scale_mul", "mul.u8");
        n++;
    }
    cr_expect_geq(n, 21);
    golden_close(&g);
}

/* Where output i of shape o finds its operand of shape s: the definition of broadcasting. */
static size_t source(size_t i, const qns_shape *o, const qns_shape *s)
{
    size_t at = 0, step = 1;
    for (int32_t k = o->rank, a = s->rank; k-- > 0;) {
        const size_t x = i % (size_t)o->dim[k];
        i /= (size_t)o->dim[k];
        if (--a >= 0) {
            at += s->dim[a] == 1 ? 0 : x * step;
            step *= (size_t)s->dim[a];
        }
    }
    return at;
}

static double apply(const char *op, double x, double y)
{
    return !strcmp(op, "add")   ? x + y
           : !strcmp(op, "sub") ? x - y
           : !strcmp(op, "mul") ? x * y
                                : x / y;
}

typedef struct shapes {
    qns_shape a, b;
    uint32_t constants;
} shapes;

static const shapes cases[] = {
    {{4, {2, 3, 4, 5}}, {4, {2, 3, 4, 5}}, 0},
    {{4, {2, 3, 4, 5}}, {3, {3, 1, 1}}, 2},
    {{4, {2, 3, 4, 5}}, {4, {1, 3, 4, 5}}, 2},
    {{4, {2, 3, 4, 5}}, {4, {2, 3, 1, 1}}, 0},
    {{4, {1, 3, 4, 5}}, {4, {2, 3, 4, 5}}, 1},
    {{4, {2, 3, 4, 5}}, {0, {0}}, 2},
    {{3, {2, 3, 5}}, {2, {3, 1}}, 2},
    {{4, {2, 1, 4, 1}}, {4, {1, 3, 1, 5}}, 0},
    {{2, {3, 4}}, {1, {4}}, 0},
    {{4, {0, 3, 4, 5}}, {3, {3, 1, 1}}, 2},
    {{2, {200, 300}}, {2, {200, 300}}, 0},
    {{4, {2, 3, 4, 5}}, {4, {1, 1, 4, 5}}, 2},
};

Test(op_binary, float_broadcast)
{
    static const char *const ops[] = {"add", "sub", "mul", "div"};
    const qns_range clamp = {-1.0f, 2.0f};
    qns_rng rng;
    qns_rng_seed(&rng, 11);
    for (size_t i = 0; i < QNS_ARRAY_LEN(cases) * 16; i++) {
        const shapes *s = &cases[i / 16];
        op_run r = {.op = ops[i % 4],
                    .n_in = 2,
                    .constants = s->constants,
                    .layout = i / 4 % 2 ? QNS_CHLAST : QNS_ROW};
        r.clamp = i / 8 % 2 && i % 2 == 0 ? &clamp : NULL;
        if (i % 4 != 0 && i % 4 != 2)
            r.clamp = NULL;
        r.in[0] = op_random(&r, &rng, s->a, -2, 2);
        r.in[1] = op_random(&r, &rng, s->b, 0.5f, 2);
        cr_assert(op_execute(&r));
        for (size_t k = 0; k < qns_tensor_count(&r.out[0]); k++) {
            double want = (double)(float)apply(
                r.op, (double)qns_cf32(&r.in[0])[source(k, &r.out[0].shape, &s->a)],
                (double)qns_cf32(&r.in[1])[source(k, &r.out[0].shape, &s->b)]);
            if (r.clamp)
                want = fmin(fmax(want, -1), 2);
            cr_expect_eq((double)qns_cf32(&r.out[0])[k], want, "case %zu at %zu", i, k);
        }
        op_finish(&r);
    }
}

Test(op_binary, codes_broadcast_and_clip)
{
    const qns_range clip = {-0.3f, 1.0f};
    qns_rng rng;
    qns_rng_seed(&rng, 12);
    for (int i = 0; i < 4; i++) {
        op_run r = {.op = i & 1 ? "mul" : "add", .n_in = 2, .layout = QNS_CHLAST, .clamp = &clip};
        const qns_shape sa = op_shape(4, 2, 3, 4, 5);
        const qns_shape sb = i & 2 ? sa : op_shape(4, 2, 3, 1, 1);
        const qns_qparams *qa = op_qp(&r, QNS_U8, 0.02, 100), *qb = op_qp(&r, QNS_U8, 0.03, 7);
        r.out_qp = op_qp(&r, QNS_U8, 0.013, 60);
        r.in[0] = op_codes(&r, &rng, sa, qa);
        r.in[1] = op_codes(&r, &rng, sb, qb);
        cr_assert(op_execute(&r));
        for (size_t k = 0; k < qns_tensor_count(&r.out[0]); k++) {
            const double x = 0.02 * (((uint8_t *)r.in[0].data)[k] - 100);
            const double y = 0.03 * (((uint8_t *)r.in[1].data)[source(k, &sa, &sb)] - 7);
            const double v = fmin(fmax(apply(r.op, x, y), -0.3), 1.0);
            const double code = v / 0.013 + 60;
            cr_expect_float_eq(((uint8_t *)r.out[0].data)[k], fmin(fmax(code, 0), 255), 0.501);
            cr_expect(((uint8_t *)r.out[0].data)[k] >= 37 && ((uint8_t *)r.out[0].data)[k] <= 137);
        }
        op_finish(&r);
    }
}

Test(op_binary, refuses)
{
    qns_rng rng;
    qns_rng_seed(&rng, 13);
    op_run r = {.op = "add", .n_in = 2};
    r.in[0] = op_random(&r, &rng, op_shape(2, 2, 3, 0, 0), 0, 1);
    r.in[1] = op_random(&r, &rng, op_shape(2, 3, 2, 0, 0), 0, 1);
    cr_expect_not(op_execute(&r));
    cr_expect_eq(r.st, QNS_E_SHAPE);
    r.in[1] = r.in[0];
    r.in[1].dtype = QNS_I64;
    cr_expect_not(op_execute(&r), "types differ");
    r.be = "qnnpack";
    r.want_refusal = true;
    r.in[0] = op_codes(&r, &rng, op_shape(1, 64, 0, 0, 0), op_qp(&r, QNS_U8, 1000, 0));
    r.in[1] = r.in[0];
    r.out_qp = op_qp(&r, QNS_U8, 0.01, 0);
    cr_expect_not(op_execute(&r), "a ratio of scales qnnpack cannot do");
    op_finish(&r);
}

Test(op_binary, int64)
{
    static const char *const ops[] = {"add", "sub", "mul", "div"};
    int64_t x[] = {7, -7, INT64_MIN, 5}, y[] = {2, 2, -1, 0};
    const int64_t want[4][4] = {{9, -5, INT64_MAX, 5},
                                {5, -9, INT64_MIN + 1, 5},
                                {14, -14, INT64_MIN, 0},
                                {3, -3, INT64_MIN, 0}};
    for (int o = 0; o < 4; o++) {
        op_run r = {.op = ops[o], .n_in = 2};
        r.in[0] = (qns_tensor){.dtype = QNS_I64, .shape = {1, {4}}, .data = x};
        r.in[1] = (qns_tensor){.dtype = QNS_I64, .shape = {1, {4}}, .data = y};
        cr_assert(op_execute(&r));
        cr_expect_arr_eq(r.out[0].data, want[o], sizeof want[o]);
        op_finish(&r);
    }
}

/* However a long sum is cut for the threads, it is one run of blocks of 64 with one tail. */
Test(op_binary, long_runs_are_one_run)
{
    const qns_range relu = {0, INFINITY};
    qns_rng rng;
    qns_rng_seed(&rng, 14);
    op_run r = {.op = "add", .n_in = 2, .clamp = &relu, .layout = QNS_CHLAST};
    r.in[0] = op_codes(&r, &rng, op_shape(4, 1, 1, 333, 331), op_qp(&r, QNS_U8, 0.1, 253));
    r.in[1] = op_codes(&r, &rng, op_shape(4, 1, 1, 333, 331), op_qp(&r, QNS_U8, 0.05, 165));
    r.out_qp = op_qp(&r, QNS_U8, 0.1, 82);
    cr_assert(op_execute(&r));
    const size_t n = 333 * 331;
    const qk_add p = {0.1f, 0.05f, 1.0f / 0.1f, 253, 165, 82, true};
    uint8_t *want = op_bytes(&r, n);
    qk_table k;
    qk_table_init(&k, 0);
    k.add_u8(want, r.in[0].data, r.in[1].data, n, &p);
    cr_expect_arr_eq(r.out[0].data, want, n);
    op_finish(&r);
}

/* x + c and x * c with one number for each channel are affines, and so is x + c with one number for
 * each element of the last axis; other shapes are not. */
Test(op_binary, channel_constants_are_affine)
{
    static const struct {
        qns_shape c;
        bool affine, last;
    } row[] = {
        {{3, {3, 1, 1}}, true, false},     {{4, {1, 3, 1, 1}}, true, false},
        {{1, {5}}, false, true},           {{0, {0}}, false, false},
        {{4, {1, 3, 4, 1}}, false, false}, {{4, {2, 3, 1, 1}}, false, false},
    };
    static const float numbers[64] = {1, 2, 3};
    const qns_shape x = op_shape(4, 2, 3, 4, 5);
    for (size_t i = 0; i < 2 * QNS_ARRAY_LEN(row); i++) {
        const char *const name[] = {"y"};
        qns_graph *g;
        qns_gb *gb;
        qns_vid in[2], out;
        cr_assert_eq(qns_gb_create(&gb, "g", NULL, NULL), QNS_OK);
        cr_assert_eq(qns_gb_input(&in[0], gb, "x", QNS_F32, &x, NULL), QNS_OK);
        const qns_const_spec c = {
            .name = "c", .dtype = QNS_F32, .shape = row[i / 2].c, .data = numbers};
        cr_assert_eq(qns_gb_constant(&in[1], gb, &c, NULL), QNS_OK);
        const qns_node_spec s = {.op = qns_op_find(i & 1 ? "mul" : "add"),
                                 .name = "node",
                                 .attr = "",
                                 .clamp = QNS_NO_CLAMP,
                                 .in = in,
                                 .n_in = 2,
                                 .n_out = 1,
                                 .out_name = name};
        cr_assert_eq(qns_gb_node(&out, gb, &s, NULL), QNS_OK);
        cr_assert_eq(qns_gb_output(gb, out, NULL), QNS_OK);
        cr_assert_eq(qns_gb_finish(&g, gb, NULL), QNS_OK);
        qns_affine a;
        const bool last = row[i / 2].last && !(i & 1);
        cr_expect_eq(s.op->as_affine(&a, g, qns_graph_node(g, (qns_nid){0})),
                     row[i / 2].affine || last, "row %zu", i / 2);
        if (last)
            cr_expect(a.last && a.n == 5 && a.beta == numbers && !a.gamma);
        if (row[i / 2].affine)
            cr_expect(a.n == 3 && (i & 1 ? a.gamma : a.beta) == numbers && !a.mean && !a.var);
        qns_graph_free(g);
    }
}
