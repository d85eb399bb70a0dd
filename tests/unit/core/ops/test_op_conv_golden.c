/* SPDX-License-Identifier: MIT */
/* conv, conv_transpose, linear and batchnorm on codes against the golden vectors, bit for bit. */
#include "core/ops/conv_impl.h"
#include "core/ops/op_batchnorm.h"
#include "kernels/cpu.h"
#include "tests/unit/core/ops/golden.h"
#include "tests/unit/core/ops/op_run.h"

static void read_axis(int64_t *out, const json_t *c, const char *key, int64_t n)
{
    const json_t *a = json_object_get(c, key);

    cr_assert_eq((int64_t)json_array_size(a), n, "%s", key);
    for (int64_t i = 0; i < n; i++)
        out[i] = json_integer_value(json_array_get(a, (size_t)i));
}

static bool is_transposed(const json_t *c)
{
    const char *kind = golden_text(c, "kind");

    return !strncmp(kind, "conv_transpose", strlen("conv_transpose"));
}

static qns_conv_attr conv_attr(const json_t *c, const qns_tensor *w)
{
    qns_conv_attr a = {.win = {.rank = w->shape.rank - 2}, .groups = 1};

    for (int64_t i = 0; i < a.win.rank; i++)
        a.win.kernel[i] = w->shape.dim[i + 2];
    read_axis(a.win.stride, c, "stride", a.win.rank);
    read_axis(a.win.dilation, c, "dilation", a.win.rank);
    read_axis(a.win.pad_lo, c, "padding", a.win.rank);
    read_axis(a.win.pad_hi, c, "padding", a.win.rank);
    a.groups = json_integer_value(json_object_get(c, "groups"));
    return a;
}

/* The weight's qparams; doubles came as bits. */
static void set_weight_qp(op_run *r, const golden *g, const json_t *c, qns_tensor *w)
{
    qns_tensor scale = golden_array(g, c, "w_scales"), zp = {0};
    const int32_t n = (int32_t)scale.shape.dim[0];
    int32_t zero[256] = {0};

    cr_assert_leq(n, 256);
    if (golden_has(c, "w_zero_points")) {
        zp = golden_array(g, c, "w_zero_points");
        for (int32_t i = 0; i < n; i++)
            zero[i] = (int32_t)((const int64_t *)zp.data)[i];
    }
    cr_assert_eq(qns_qparams_new(&w->qp, r->arena, QNS_I8, golden_number(c, "per_channel") ? 0 : -1,
                                 n, scale.data, zero, NULL),
                 QNS_OK);
    qns_free(scale.data);
    qns_free(zp.data);
}

/* The same case with every set of instructions and with one and two threads. */
static size_t run_all(op_run *r, const qns_tensor *want, const char *what)
{
    static const unsigned off[] = {0, ~0u, ~(unsigned)QK_CPU_AVX2};
    size_t bad = 0;

    for (size_t i = 0; i < QNS_ARRAY_LEN(off); i++)
        for (int threads = 1; threads <= 2; threads++) {
            r->threads = threads;
            r->cpu_off = off[i];
            cr_assert(op_execute(r), "%s: %s", what, r->err.text);
            bad += golden_diff(&r->out[0], want, what);
        }
    return bad;
}

static size_t run_case(const golden *g, const json_t *c, size_t number, const char *be)
{
    char what[128], field[32];
    qns_tensor w = golden_array(g, c, "w_q"), x = golden_array(g, c, "x_q");
    const bool linear = w.shape.rank == 2;
    qns_conv_transpose_attr attr = {0};
    op_run r = {.op = linear             ? "linear"
                      : is_transposed(c) ? "conv_transpose"
                                         : "conv",
                .be = be,
                .attr = &attr,
                .constants = 6};
    const qns_range relu = {0.0f, INFINITY};

    snprintf(what, sizeof what, "case %zu %s", number, be);
    snprintf(field, sizeof field, "y_%s", be);
    qns_tensor want = golden_array(g, c, field);
    if (!linear)
        attr.conv = conv_attr(c, &w);
    if (is_transposed(c))
        read_axis(attr.out_pad, c, "output_padding", attr.conv.win.rank);
    r.layout = linear ? QNS_ROW : QNS_CHLAST;
    x.qp =
        op_qp(&r, QNS_U8, golden_number(c, "x_scale"), (int32_t)golden_number(c, "x_zero_point"));
    r.out_qp = op_qp(&r, QNS_U8, golden_number(c, "out_scale"),
                     (int32_t)golden_number(c, "out_zero_point"));
    r.clamp = golden_number(c, "relu") != 0 ? &relu : NULL;
    set_weight_qp(&r, g, c, &w);
    r.in[0] = x;
    r.in[1] = w;
    r.n_in = 2;
    if (golden_has(c, "bias"))
        r.in[r.n_in++] = golden_array(g, c, "bias");
    const size_t bad = run_all(&r, &want, what);
    cr_assert(strstr(r.impl, be), "%s", r.impl);
    qns_free(x.data);
    qns_free(w.data);
    qns_free(want.data);
    if (r.n_in > 2)
        qns_free(r.in[2].data);
    op_finish(&r);
    return bad;
}

static void run_file(const char *name, size_t least)
{
    golden g;
    size_t i, n = 0, bad = 0;
    json_t *c;

    golden_open(&g, name);
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        bad += run_case(&g, c, i, "fbgemm");
        bad += run_case(&g, c, i, "qnnpack");
        n++;
    }
    golden_close(&g);
    cr_assert_geq(n, least);
    cr_assert_eq(bad, 0);
}

Test(op_conv_golden, conv)
{
    run_file("conv", 35);
}

Test(op_conv_golden, linear)
{
    run_file("linear_static", 20);
}

/* With rank 5 and 3 the last axes of the case are cut or joined: the numbers stay the same. */
static void set_rank(qns_shape *s, int32_t rank)
{
    const int64_t pixels = (int64_t)qns_shape_span(s, 2, 4), last = s->dim[3];
    s->rank = rank;
    s->dim[2] = rank == 3 ? pixels : pixels / last;
    s->dim[3] = rank == 5 ? 1 : last;
    s->dim[4] = last;
}

static size_t run_norm(const golden *g, const json_t *c, bool relu, int32_t rank)
{
    static const char *const field[] = {"x", "weight", "bias", "mean", "var"};
    const qns_batchnorm_attr attr = {.eps = (float)golden_number(c, "eps")};
    const qns_range clamp = {0.0f, INFINITY};
    op_run r = {.op = "batchnorm",
                .attr = &attr,
                .clamp = relu ? &clamp : NULL,
                .n_in = 5,
                .constants = 30,
                .layout = QNS_CHLAST};
    const char *name = relu ? "batch_norm2d_relu" : "batch_norm2d";
    qns_tensor want = golden_array(g, c, name);

    for (uint32_t i = 0; i < 5; i++)
        r.in[i] = golden_array(g, c, field[i]);
    set_rank(&r.in[0].shape, rank);
    set_rank(&want.shape, rank);
    r.in[0].qp = op_qp(&r, QNS_U8, golden_number(c, "scale"), (int32_t)golden_number(c, "zp"));
    r.out_qp =
        op_qp(&r, QNS_U8, golden_number(c, "out_scale"), (int32_t)golden_number(c, "out_zp"));
    cr_assert(op_execute(&r), "%s", r.err.text);
    cr_assert_str_eq(r.impl, "batchnorm.u8");
    const size_t bad = golden_diff(&r.out[0], &want, name);
    for (uint32_t i = 0; i < 5; i++)
        qns_free(r.in[i].data);
    qns_free(want.data);
    op_finish(&r);
    return bad;
}

Test(op_conv_golden, batchnorm)
{
    golden g;
    size_t i, bad = 0;
    json_t *c;

    golden_open(&g, "norm");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        for (int32_t rank = 3; rank <= 5; rank++)
            bad += run_norm(&g, c, false, rank) + run_norm(&g, c, true, rank);
    }
    golden_close(&g);
    cr_assert_gt(i, 0);
    cr_assert_eq(bad, 0);
}

/* ---- folding ---- */

static void add_constant(qns_vid *v, qns_gb *gb, const char *name, const qns_tensor *t)
{
    const qns_const_spec s = {.name = name, .dtype = t->dtype, .shape = t->shape, .data = t->data};

    cr_assert_eq(qns_gb_constant(v, gb, &s, NULL), QNS_OK);
}

static size_t check_fold(const golden *g, const json_t *c)
{
    const bool linear = !strcmp(golden_text(c, "kind"), "linear_bn");
    static const char *const field[] = {"w", "gamma", "beta", "mean", "var", "w_fused", "b_fused"};
    const qns_op *op = qns_op_find(linear             ? "linear"
                                   : is_transposed(c) ? "conv_transpose"
                                                      : "conv");
    const qns_conv_transpose_attr attr = {.conv = {.groups = 1}};
    const bool has_bias = golden_has(c, "b");
    qns_vid in[QNS_MAX_IN] = {QNS_NO_VALUE};
    uint32_t n_in = has_bias ? 3 : 2;
    qns_tensor t[7], b = {0};
    size_t bad = 0;
    qns_gb *gb;

    for (size_t i = 0; i < 7; i++)
        t[i] = golden_array(g, c, field[i]);
    cr_assert_eq(qns_gb_create(&gb, "fold", NULL, NULL), QNS_OK);
    add_constant(&in[1], gb, "w", &t[0]);
    if (has_bias) {
        b = golden_array(g, c, "b");
        add_constant(&in[2], gb, "b", &b);
    }
    const qns_affine a = {.n = (size_t)t[0].shape.dim[is_transposed(c)],
                          .gamma = t[1].data,
                          .beta = t[2].data,
                          .mean = t[3].data,
                          .var = t[4].data,
                          .eps = (float)golden_number(c, "eps")};
    const qns_node n = {.op = op, .name = "layer", .attr = &attr, .n_in = n_in};
    cr_assert_eq(op->fold_affine(gb, in, &n_in, &n, &a, NULL), QNS_OK);
    cr_assert_eq(n_in, 3);
    for (size_t i = 0; i < 2; i++) {
        const qns_value *v = qns_gb_value(gb, in[1 + i]);
        cr_assert_str_eq(v->origin, i ? has_bias ? "b" : v->name : "w");
        bad += memcmp(v->constant, t[5 + i].data, qns_tensor_bytes(&t[5 + i])) != 0;
    }
    qns_gb_free(gb);
    for (size_t i = 0; i < 7; i++)
        qns_free(t[i].data);
    qns_free(b.data);
    return bad;
}

Test(op_conv_golden, folds)
{
    size_t i, n = 0, bad = 0;
    golden g;
    json_t *c;

    golden_open(&g, "fusion");
    json_array_foreach(json_object_get(g.root, "cases"), i, c)
    {
        if (!golden_has(c, "w_fused") || !golden_has(c, "gamma"))
            continue;
        bad += check_fold(&g, c);
        n++;
    }
    golden_close(&g);
    cr_assert_eq(n, 8);
    cr_assert_eq(bad, 0);
}
