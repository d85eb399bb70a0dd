/* SPDX-License-Identifier: MIT */
/* matmul, batchnorm, windows, and how conv, linear and matmul are read from ONNX. */
#include "core/ops/op_batchnorm.h"
#include "core/ops/op_gemm.h"
#include "core/ops/window.h"
#include "tests/unit/core/ops/conv_case.h"

#include <math.h>

/* ---- matmul ---- */

static void check_matmul(qns_shape a, qns_shape b, qns_shape want, uint64_t seed)
{
    op_run r = {.op = "matmul", .n_in = 2};
    qns_tensor first = {0};
    qns_rng rng;

    qns_rng_seed(&rng, seed);
    r.in[0] = op_random(&r, &rng, a, -1.0f, 1.0f);
    r.in[1] = op_random(&r, &rng, b, -1.0f, 1.0f);
    for (int k = 0; k < 2; k++) {
        r.onednn = k;
        cr_assert(op_execute(&r), "%s", r.err.text);
        cr_assert_str_eq(r.impl, k ? "matmul.f32.onednn" : "matmul.f32.reference");
        cr_assert(qns_shape_equal(&r.out[0].shape, &want), "%s", qns_shape_str(&r.out[0].shape).s);
        if (!k)
            first = r.out[0];
    }
    for (size_t i = 0; i < qns_tensor_count(&first); i++)
        cr_assert_float_eq(qns_cf32(&first)[i], qns_cf32(&r.out[0])[i], 1e-5);
    op_finish(&r);
}

Test(op_matmul, broadcasts_as_numpy)
{
    check_matmul(op_shape(2, 3, 5, 0, 0), op_shape(2, 5, 4, 0, 0), op_shape(2, 3, 4, 0, 0), 1);
    check_matmul(op_shape(4, 2, 3, 4, 5), op_shape(4, 2, 3, 5, 6), op_shape(4, 2, 3, 4, 6), 2);
    check_matmul(op_shape(4, 2, 1, 4, 5), op_shape(3, 3, 5, 6, 0), op_shape(4, 2, 3, 4, 6), 3);
    check_matmul(op_shape(2, 4, 5, 0, 0), op_shape(3, 3, 5, 6, 0), op_shape(3, 3, 4, 6, 0), 4);
    check_matmul(op_shape(1, 5, 0, 0, 0), op_shape(3, 3, 5, 6, 0), op_shape(2, 3, 6, 0, 0), 5);
    check_matmul(op_shape(3, 3, 4, 5, 0), op_shape(1, 5, 0, 0, 0), op_shape(2, 3, 4, 0, 0), 6);
    check_matmul(op_shape(1, 5, 0, 0, 0), op_shape(1, 5, 0, 0, 0), op_shape(0, 0, 0, 0, 0), 7);
}

/* The second of two matrices in the batch is found for each side on its own. */
Test(op_matmul, known_numbers)
{
    float a[] = {1, 2, 3, 4}, b[] = {1, 0, 0, 1, 0, 1, 1, 0};
    static const float want[] = {1, 2, 3, 4, 2, 1, 4, 3};
    op_run r = {.op = "matmul", .n_in = 2};

    r.in[0] = (qns_tensor){.shape = op_shape(3, 1, 2, 2, 0), .data = a};
    r.in[1] = (qns_tensor){.shape = op_shape(3, 2, 2, 2, 0), .data = b};
    for (int k = 0; k < 2; k++) {
        r.onednn = k;
        cr_assert(op_execute(&r));
        for (size_t i = 0; i < 8; i++)
            cr_assert_eq(qns_cf32(&r.out[0])[i], want[i]);
    }
    op_finish(&r);
}

Test(op_matmul, inner_sizes_must_agree)
{
    op_run r = {.op = "matmul", .n_in = 2};
    qns_rng rng;

    qns_rng_seed(&rng, 1);
    r.in[0] = op_random(&r, &rng, op_shape(2, 3, 5, 0, 0), 0, 1);
    r.in[1] = op_random(&r, &rng, op_shape(2, 4, 3, 0, 0), 0, 1);
    cr_assert_not(op_execute(&r));
    cr_assert_eq(r.st, QNS_E_SHAPE);
    op_finish(&r);
}

/* ---- batchnorm ---- */

Test(op_matmul, batchnorm_float_in_both_layouts)
{
    const qns_batchnorm_attr attr = {.eps = 1e-3f};
    const qns_range relu = {0.0f, INFINITY};
    op_run r = {.op = "batchnorm", .attr = &attr, .n_in = 5, .constants = 30, .clamp = &relu};
    qns_rng rng;

    qns_rng_seed(&rng, 3);
    r.in[0] = op_random(&r, &rng, op_shape(4, 2, 3, 4, 5), -2, 2);
    for (uint32_t i = 1; i < 5; i++)
        r.in[i] = op_random(&r, &rng, op_shape(1, 3, 0, 0, 0), i == 4 ? 0.1f : -1, 2);
    for (int k = 0; k < 2; k++) {
        r.layout = k ? QNS_CHLAST : QNS_ROW;
        cr_assert(op_execute(&r), "%s", r.err.text);
        for (size_t i = 0; i < 120; i++) {
            const size_t c = i / 20 % 3;
            const double v = ((double)qns_cf32(&r.in[0])[i] - (double)qns_cf32(&r.in[3])[c]) /
                                 sqrt((double)qns_cf32(&r.in[4])[c] + 1e-3) *
                                 (double)qns_cf32(&r.in[1])[c] +
                             (double)qns_cf32(&r.in[2])[c];
            cr_assert_float_eq((double)qns_cf32(&r.out[0])[i], v < 0 ? 0 : v, 1e-5);
        }
    }
    op_finish(&r);
}

/* ---- windows ---- */

static qns_geom lay(qns_window w, int64_t h, int64_t x)
{
    const qns_shape in = op_shape(4, 1, 1, h, x);
    qns_geom g;

    cr_assert_eq(qns_window_lay(&g, &w, &in, NULL), QNS_OK);
    return g;
}

Test(op_matmul, auto_pad)
{
    qns_window w = {.rank = 2, .kernel = {3, 2}, .stride = {2, 1}, .dilation = {1, 1}};

    w.auto_pad = QNS_PAD_SAME_UPPER;
    qns_geom g = lay(w, 6, 5); /* rows: out 3, total padding 1; columns: out 5, total 1 */
    cr_assert(g.out[1] == 3 && g.out[2] == 5);
    cr_assert(g.pad_lo[1] == 0 && g.pad_hi[1] == 1 && g.pad_lo[2] == 0 && g.pad_hi[2] == 1);
    w.auto_pad = QNS_PAD_SAME_LOWER;
    g = lay(w, 6, 5);
    cr_assert(g.pad_lo[1] == 1 && g.pad_hi[1] == 0 && g.pad_lo[2] == 1 && g.pad_hi[2] == 0);
    w.auto_pad = QNS_PAD_VALID;
    w.pad_lo[0] = 7;
    g = lay(w, 6, 5);
    cr_assert(g.out[1] == 2 && g.out[2] == 4 && g.pad_lo[1] == 0);
}

Test(op_matmul, ceil_mode)
{
    qns_window w = {
        .rank = 2, .ceil_mode = 1, .kernel = {2, 2}, .stride = {2, 3}, .dilation = {1, 1}};
    qns_geom g = lay(w, 5, 4);

    cr_assert_eq(g.out[1], 3); /* the last window has one row */
    cr_assert_eq(g.out[2], 2);
    w.stride[1] = 4; /* a second window would begin behind the input */
    g = lay(w, 5, 4);
    cr_assert_eq(g.out[2], 1);
}

/* ---- ONNX ---- */

typedef struct reading {
    qns_gb *gb;
    qns_attrs attrs;
    qns_onnx_node n;
    qns_conv_attr attr; /* large enough for all ops here */
    qns_err err;
    qns_status st;
} reading;

static void open_reading(reading *r, const char *type, const qns_shape *x)
{
    memset(r, 0, sizeof *r);
    cr_assert_eq(qns_gb_create(&r->gb, "g", NULL, NULL), QNS_OK);
    r->attrs.arena = qns_gb_arena(r->gb);
    r->n = (qns_onnx_node){.type = type,
                           .name = "node",
                           .opset = 13,
                           .attrs = &r->attrs,
                           .gb = r->gb,
                           .n_in = 1,
                           .n_out = 1,
                           .clamp = QNS_NO_CLAMP};
    cr_assert_eq(qns_gb_input(&r->n.in[0], r->gb, "x", QNS_F32, x, NULL), QNS_OK);
}

static void close_reading(reading *r)
{
    qns_attrs_fini(&r->attrs);
    qns_gb_free(r->gb);
}

static void add_input(reading *r, const char *name, const float *data, qns_shape shape)
{
    const qns_const_spec s = {.name = name, .dtype = QNS_F32, .shape = shape, .data = data};

    cr_assert_eq(qns_gb_constant(&r->n.in[r->n.n_in++], r->gb, &s, NULL), QNS_OK);
}

static void do_read(reading *r)
{
    const qns_onnx_rule *rule;

    r->n.op = qns_op_find_onnx(&rule, NULL, r->n.type, r->n.opset);
    cr_assert(r->n.op);
    r->st = rule->read(&r->attr, &r->n, &r->err);
}

static const float *input_data(const reading *r, uint32_t i, qns_shape want)
{
    const qns_value *v = qns_gb_value(r->gb, r->n.in[i]);

    cr_assert(qns_shape_equal(&v->shape, &want), "%s", qns_shape_str(&v->shape).s);
    return v->constant;
}

Test(op_matmul, gemm_is_linear)
{
    static const float w[] = {1, 2, 3, 4, 5, 6}, b[] = {10};
    const qns_shape x = op_shape(2, 4, 2, 0, 0);
    reading r;

    open_reading(&r, "Gemm", &x);
    add_input(&r, "w", w, op_shape(2, 2, 3, 0, 0));
    add_input(&r, "b", b, op_shape(0, 0, 0, 0, 0));
    cr_assert_eq(qns_attrs_add_float(&r.attrs, "alpha", 2.0f, NULL), QNS_OK);
    cr_assert_eq(qns_attrs_add_float(&r.attrs, "beta", 0.5f, NULL), QNS_OK);
    do_read(&r);
    cr_assert_eq(r.st, QNS_OK, "%s", r.err.text);
    cr_assert_str_eq(r.n.op->name, "linear");
    const float *t = input_data(&r, 1, op_shape(2, 3, 2, 0, 0));
    static const float want[] = {2, 8, 4, 10, 6, 12};
    cr_assert_eq(memcmp(t, want, sizeof want), 0);
    cr_assert_str_eq(qns_gb_value(r.gb, r.n.in[1])->origin, "w");
    t = input_data(&r, 2, op_shape(1, 3, 0, 0, 0));
    cr_assert(t[0] == 5 && t[1] == 5 && t[2] == 5);
    cr_assert_null(qns_attrs_unused(&r.attrs));
    close_reading(&r);
}

/* What is no weight with a row of biases stays a general product. */
Test(op_matmul, other_gemms_are_gemm)
{
    static const float w[6] = {0}, b[12] = {0};
    const qns_shape x = op_shape(2, 4, 2, 0, 0);
    reading r;

    for (int i = 0; i < 3; i++) {
        open_reading(&r, "Gemm", &x);
        if (i == 2)
            cr_assert_eq(qns_gb_input(&r.n.in[r.n.n_in++], r.gb, "v", QNS_F32, &x, NULL), QNS_OK);
        else
            add_input(&r, "w", w, op_shape(2, 2, 3, 0, 0));
        if (i == 0)
            cr_assert_eq(qns_attrs_add_int(&r.attrs, "transA", 1, NULL), QNS_OK);
        if (i == 1)
            add_input(&r, "b", b, op_shape(2, 4, 3, 0, 0));
        do_read(&r);
        cr_assert_eq(r.st, QNS_OK);
        cr_expect_str_eq(r.n.op->name, "gemm");
        cr_expect_eq(r.n.n_in, i == 1 ? 3 : 2);
        close_reading(&r);
    }
}

static double gemm_at(const op_run *r, const qns_gemm_attr *a, int64_t i, int64_t j)
{
    const qns_tensor *x = &r->in[0], *y = &r->in[1];
    const int64_t k = x->shape.dim[!a->trans_a];
    double sum = 0;

    for (int64_t l = 0; l < k; l++)
        sum += (double)qns_cf32(x)[a->trans_a ? l * x->shape.dim[1] + i : i * k + l] *
               (double)qns_cf32(y)[a->trans_b ? j * k + l : l * y->shape.dim[1] + j];
    return (double)a->alpha * sum;
}

/* Both sides transposed or not, C left out, a number, a column or a matrix; both engines. */
Test(op_matmul, gemm_against_double)
{
    const int64_t m = 5, n = 4, k = 3;
    const qns_shape bias[] = {op_shape(0, 0, 0, 0, 0), op_shape(2, m, 1, 0, 0),
                              op_shape(2, m, n, 0, 0), op_shape(1, n, 0, 0, 0)};
    qns_rng rng;

    qns_rng_seed(&rng, 9);
    for (int i = 0; i < 40; i++) {
        const qns_gemm_attr a = {
            .trans_a = i & 1, .trans_b = i >> 1 & 1, .alpha = 0.5f, .beta = 2.0f};
        op_run r = {.op = "gemm", .attr = &a, .n_in = i / 8 < 4 ? 3 : 2, .onednn = i >> 2 & 1};
        r.in[0] =
            op_random(&r, &rng, i & 1 ? op_shape(2, k, m, 0, 0) : op_shape(2, m, k, 0, 0), -1, 1);
        r.in[1] =
            op_random(&r, &rng, i & 2 ? op_shape(2, n, k, 0, 0) : op_shape(2, k, n, 0, 0), -1, 1);
        if (r.n_in == 3)
            r.in[2] = op_random(&r, &rng, bias[i / 8], -1, 1);
        cr_assert(op_execute(&r), "%s", r.err.text);
        cr_assert_str_eq(r.impl, r.onednn ? "gemm.f32.onednn" : "gemm.f32.reference");
        for (int64_t at = 0; at < m * n; at++) {
            const int64_t of[] = {0, at / n, at, at % n};
            const double c = r.n_in == 3 ? 2.0 * (double)qns_cf32(&r.in[2])[of[i / 8]] : 0.0;
            cr_assert_float_eq(qns_cf32(&r.out[0])[at], gemm_at(&r, &a, at / n, at % n) + c, 1e-5);
        }
        op_finish(&r);
    }
}

Test(op_matmul, gemm_refuses_shapes_that_do_not_fit)
{
    const qns_gemm_attr a = {.alpha = 1, .beta = 1};
    qns_rng rng;

    qns_rng_seed(&rng, 1);
    for (int i = 0; i < 3; i++) {
        op_run r = {.op = "gemm", .attr = &a, .n_in = 3};
        r.in[0] = op_random(&r, &rng, op_shape(2, 4, i == 0 ? 2 : 3, 0, 0), 0, 1);
        r.in[1] =
            op_random(&r, &rng, i == 1 ? op_shape(1, 3, 0, 0, 0) : op_shape(2, 3, 5, 0, 0), 0, 1);
        r.in[2] = op_random(&r, &rng, op_shape(2, i == 2 ? 3 : 4, 5, 0, 0), 0, 1);
        cr_assert_not(op_execute(&r));
        cr_assert_eq(r.st, QNS_E_SHAPE, "%d", i);
        op_finish(&r);
    }
}

Test(op_matmul, matmul_with_a_constant_matrix_is_linear)
{
    static const float w[] = {1, 2, 3, 4, 5, 6};
    const qns_shape x = op_shape(3, 5, 4, 2, 0);
    reading r;

    open_reading(&r, "MatMul", &x);
    add_input(&r, "w", w, op_shape(2, 2, 3, 0, 0));
    do_read(&r);
    cr_assert_eq(r.st, QNS_OK);
    cr_assert_str_eq(r.n.op->name, "linear");
    const float *t = input_data(&r, 1, op_shape(2, 3, 2, 0, 0));
    cr_assert(t[0] == 1 && t[1] == 4 && t[2] == 2);
    close_reading(&r);
    open_reading(&r, "MatMul", &x);
    r.n.in[r.n.n_in++] = r.n.in[0];
    do_read(&r);
    cr_assert_str_eq(r.n.op->name, "matmul");
    close_reading(&r);
}

static qns_status read_conv(const char *name, const int64_t *v, size_t n, qns_conv_attr *attr)
{
    static const float w[4 * 2 * 3 * 3] = {0};
    const qns_shape x = op_shape(4, 1, 4, 8, 8);
    reading r;

    open_reading(&r, "Conv", &x);
    add_input(&r, "w", w, op_shape(4, 4, 2, 3, 3));
    cr_assert_eq(qns_attrs_add_int(&r.attrs, "group", 2, NULL), QNS_OK);
    if (name)
        cr_assert_eq(qns_attrs_add_ints(&r.attrs, name, v, n, NULL), QNS_OK);
    do_read(&r);
    if (r.st == QNS_OK)
        cr_assert_null(qns_attrs_unused(&r.attrs));
    *attr = r.attr;
    close_reading(&r);
    return r.st;
}

Test(op_matmul, conv_attributes)
{
    static const int64_t pads[] = {0, 1, 2, 3}, kernel[] = {3, 5}, bad[] = {1, 0};
    static const int64_t minus[] = {0, 0, -1, 0}, huge[] = {INT64_MAX, INT64_MAX};
    qns_conv_attr a;

    cr_assert_eq(read_conv(NULL, NULL, 0, &a), QNS_OK);
    cr_assert(a.groups == 2 && a.win.kernel[1] == 3 && a.win.stride[0] == 1 &&
              a.win.pad_hi[1] == 0);
    cr_assert_eq(read_conv("pads", pads, 4, &a), QNS_OK);
    cr_assert(a.win.pad_lo[1] == 1 && a.win.pad_hi[0] == 2 && a.win.pad_hi[1] == 3);
    cr_assert_eq(read_conv("pads", pads, 2, &a), QNS_E_FORMAT);
    cr_assert_eq(read_conv("pads", minus, 4, &a), QNS_E_UNSUPPORTED);
    cr_assert_eq(read_conv("kernel_shape", kernel, 2, &a), QNS_E_SHAPE);
    cr_assert_eq(read_conv("strides", bad, 2, &a), QNS_E_FORMAT);
    cr_assert_eq(read_conv("dilations", huge, 2, &a), QNS_E_FORMAT);
}
