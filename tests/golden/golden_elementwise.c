/* SPDX-License-Identifier: MIT */
/* elementwise: sums and products of codes, functions of one code, numbers, and cat. */
#include "core/model/elem.h"
#include "core/ops/op_clamp.h"
#include "core/ops/op_concat.h"
#include "core/ops/scalar_form.h"
#include "golden_op.h"

static const qns_range relu = {0.0f, INFINITY};

static void binary_by(gd *c, const char *op, const char *be, const char *field,
                      const char *out_scale, bool scalar_formula)
{
    if (!gd_has(c, field))
        return;
    gd_op r = {.op = op,
               .be = be,
               .in = {gd_codes(c, "a", gd_qp_keys(c, QNS_U8, "a_scale", "a_zp")),
                      gd_codes(c, "b", gd_qp_keys(c, QNS_U8, "b_scale", "b_zp"))},
               .n_in = 2,
               .out_qp = gd_qp_keys(c, QNS_U8, out_scale, "out_zp"),
               .clamp = gd_num_or(c, "relu", 0) != 0 ? &relu : NULL};
    if (scalar_formula) { /* broadcasts take it: a leading axis of size 1 makes one */
        qns_shape *s = &r.in[1].shape;
        memmove(s->dim + 1, s->dim, (QNS_MAX_RANK - 1) * sizeof *s->dim);
        s->dim[0] = 1;
        s->rank++;
    }
    gd_op_check(c, &r, field);
}

static void binary(gd *c)
{
    binary_by(c, "add", "fbgemm", "add_native", "out_scale_add", false);
    binary_by(c, "add", "qnnpack", "add_qnnpack", "out_scale_add", false);
    binary_by(c, "add", "fbgemm", "add_scalar_ref", "out_scale_add", true);
    binary_by(c, "mul", "fbgemm", "mul", "out_scale_mul", false);
    binary_by(c, "mul", "qnnpack", "mul", "out_scale_mul", false);
}

static void scalar_by(gd *c, const char *what, const qns_scalar_form *f)
{
    const gd_array a = gd_get(c, "a");
    uint8_t *out = gd_mem(c, a.n, 1);
    for (size_t i = 0; i < a.n; i++)
        out[i] = f->table.at[((const uint8_t *)a.data)[i]];
    gd_same(c, what, out, QNS_ELEM_U8, &a.shape);
    const char *scale = gd_name(c, "%s_scale", what), *zero = gd_name(c, "%s_zp", what);
    gd_same_number(c, scale, f->scale, gd_num(c, scale));
    gd_same_number(c, zero, f->zero, gd_num(c, zero));
}

static void scalar(gd *c)
{
    const qns_qparams *qp = gd_qp_keys(c, QNS_U8, "a_scale", "a_zp");
    const bool clip = gd_num_or(c, "relu", 0) != 0;
    const double number = gd_num(c, "c");
    qns_scalar_form f;
    qns_err err = {0};
    (void)gd_codes(c, "a", qp);
    gd_ok(c, qns_scalar_form_add(&f, qp, number, clip, &err), &err, "add");
    scalar_by(c, "add", &f);
    gd_ok(c, qns_scalar_form_mul(&f, qp, number, clip, &err), &err, "mul");
    scalar_by(c, "mul", &f);
}

/* ---- unary ---- */

typedef struct unary_row {
    const char *field, *op, *out; /* out: key of [scale, zero]; NULL: out_scale, out_zp */
    float attr[2];
} unary_row;

static const unary_row functions[] = {
    {"sigmoid", "sigmoid", "sigmoid_out", {0}},
    {"tanh", "tanh", "tanh_out", {0}},
    {"hardsigmoid", "hardsigmoid", "hardsigmoid_out", {1.0f / 6, 0.5f}},
    {"hardswish", "hardswish", NULL, {0}},
    {"leaky_relu_0p1", "leaky_relu", NULL, {0.1f}},
    {"elu_1", "elu", NULL, {1.0f}},
};

static void same_qparams(gd *c, const char *be, const char *field, const char *op, const void *attr)
{
    const qns_qparams *qp = gd_qp_keys(c, QNS_U8, "a_scale", "a_zp");
    gd_op r = {
        .op = op, .be = be, .attr = attr, .n_in = 1, .in = {gd_codes(c, "a", qp)}, .out_qp = qp};
    if (!gd_has(c, field))
        return;
    if (!qns_op_find(op))
        gd_skip(c, "the library has no operator '%s'", op);
    else
        gd_op_check(c, &r, field);
}

static void unary(gd *c)
{
    const char *backend = gd_text(c, "backend");
    const char *be = backend && strcmp(backend, "qnnpack") == 0 ? "qnnpack" : "fbgemm";
    static const char zeros[64];
    for (size_t i = 0; i < QNS_ARRAY_LEN(functions); i++) {
        const unary_row *f = &functions[i];
        gd_op r = {.op = f->op, .be = be, .attr = f->attr, .n_in = 1};
        if (!gd_has(c, f->field))
            continue;
        r.in[0] = gd_codes(c, "a", gd_qp_keys(c, QNS_U8, "a_scale", "a_zp"));
        r.out_qp = f->out
                       ? gd_qp(c, QNS_U8, gd_num_at(c, f->out, 0), (int64_t)gd_num_at(c, f->out, 1))
                       : gd_qp_keys(c, QNS_U8, "out_scale", "out_zp");
        gd_op_check(c, &r, f->field);
    }
    const qns_clamp_attr plain = {relu}, six = {{0, 6}};
    const qns_clamp_attr clamp = {
        {(float)gd_num_at(c, "clamp", 0), (float)gd_num_at(c, "clamp", 1)}};
    const qns_clamp_attr tanh = {
        {(float)gd_num_at(c, "hardtanh", 0), (float)gd_num_at(c, "hardtanh", 1)}};
    same_qparams(c, be, "relu", "clamp", &plain);
    same_qparams(c, be, "relu6", "clamp", &six);
    same_qparams(c, be, "clamp", "clamp", &clamp);
    same_qparams(c, be, "hardtanh", "clamp", &tanh);
    same_qparams(c, be, "gelu", "gelu", zeros);
}

/* ---- cat ---- */

static void cat(gd *c)
{
    const qns_concat_attr attr = {gd_int(c, "dim")};
    for (int layout = 0; layout < 2; layout++) {
        gd_op r = {.op = "concat", .attr = &attr, .layout = layout ? QNS_CHLAST : QNS_ROW};
        const char *field = layout ? "y_nhwc" : "y_nchw";
        const size_t n = (size_t)gd_int(c, "n");
        if (n < 1 || n > QNS_ARRAY_LEN(r.in))
            gd_stop(c, "%zu inputs", n);
        for (size_t i = 0; i < n; i++)
            r.in[i] = gd_codes(
                c, gd_field(c, "x", i),
                gd_qp(c, QNS_U8, gd_num_at(c, "scales", i), (int64_t)gd_num_at(c, "zps", i)));
        r.n_in = (uint32_t)n;
        r.out_qp = gd_qp_keys(c, QNS_U8, "out_scale", "out_zp");
        if (gd_has(c, field))
            gd_op_check(c, &r, field);
    }
}

const gd_kind gd_elementwise_kinds[] = {
    {"elementwise", "binary", binary}, {"elementwise", "binary_ties", binary},
    {"elementwise", "scalar", scalar}, {"elementwise", "unary", unary},
    {"elementwise", "cat", cat},       {NULL, NULL, NULL},
};
