/* SPDX-License-Identifier: MIT */
/* fusion: batch norm folded into weights, and beside them while training. */
#include "core/model/elem.h"
#include "core/ops/conv_impl.h"
#include "core/quant/observer.h"
#include "core/train/fakequant.h"
#include "core/train/qat_bn.h"
#include "golden_op.h"

static void free_builder(void *gb)
{
    qns_gb_free(gb);
}

static qns_vid constant(gd *c, qns_gb *gb, const char *field)
{
    const qns_tensor t = gd_tensor(c, field);
    const qns_const_spec s = {.name = field, .dtype = t.dtype, .shape = t.shape, .data = t.data};
    qns_err err = {0};
    qns_vid v;
    gd_ok(c, qns_gb_constant(&v, gb, &s, &err), &err, field);
    return v;
}

static const float *vector(gd *c, const char *field, size_t n)
{
    size_t have;
    const float *x = gd_floats(c, field, &have);
    if (have != n)
        gd_stop(c, "'%s' has %zu elements instead of %zu", field, have, n);
    return x;
}

static void fold(gd *c, const char *name, int32_t axis)
{
    const qns_op *op = qns_op_find(name);
    qns_vid in[QNS_MAX_IN] = {QNS_NO_VALUE};
    uint32_t n_in = gd_has(c, "b") ? 3 : 2;
    qns_gb *gb;
    qns_err err = {0};
    if (!op || !op->fold_affine) {
        gd_skip(c, "the library has no '%s' that folds a batch norm", name);
        return;
    }
    gd_ok(c, qns_gb_create(&gb, "fold", NULL, &err), &err, "builder");
    gd_defer(c, free_builder, gb);
    in[1] = constant(c, gb, "w");
    if (n_in == 3)
        in[2] = constant(c, gb, "b");
    const qns_shape ws = gd_get(c, "w").shape;
    if (ws.rank <= axis)
        gd_stop(c, "the weight has %d axes", (int)ws.rank);
    const size_t n = (size_t)ws.dim[axis];
    const qns_affine a = {.n = n,
                          .gamma = vector(c, "gamma", n),
                          .beta = vector(c, "beta", n),
                          .mean = vector(c, "mean", n),
                          .var = vector(c, "var", n),
                          .eps = (float)gd_num(c, "eps")};
    const qns_conv_transpose_attr attr = {.conv = {.groups = gd_int_or(c, "groups", 1)}};
    const qns_node node = {.op = op, .name = "layer", .attr = &attr, .n_in = n_in};
    gd_ok(c, op->fold_affine(gb, in, &n_in, &node, &a, &err), &err, "fold");
    if (n_in != 3)
        gd_stop(c, "the folded layer has no bias");
    for (int i = 0; i < 2; i++) {
        const qns_value *v = qns_gb_value(gb, in[1 + i]);
        gd_same(c, i ? "b_fused" : "w_fused", v->constant, QNS_ELEM_F32, &v->shape);
    }
}

static void conv_bn(gd *c)
{
    fold(c, "conv", 0);
}

static void linear_bn(gd *c)
{
    fold(c, "linear", 0);
}

static void conv_transpose_bn(gd *c)
{
    fold(c, "conv_transpose", 1);
}

/* ---- quantization-aware training ---- */

/* The per-channel symmetric qparams of a weight seen once by a moving average. */
static void observe_rows(float *scale, gd *c, const float *w, size_t n, size_t row)
{
    const qns_qrule_range rule = {QNS_I8, -128, 127, true, 0x1p-23f};
    for (size_t i = 0; i < n; i++) {
        int32_t zero;
        qns_err err = {0};
        gd_ok(c, qns_qparams_choose(&scale[i], &zero, &rule, qns_range_of(w + i * row, row), &err),
              &err, "weight");
    }
}

static float *copy(gd *c, const char *field, size_t n)
{
    float *x = gd_mem(c, n, sizeof *x);
    memcpy(x, vector(c, field, n), n * sizeof *x);
    return x;
}

static void qat_forward(gd *c)
{
    qns_tensor w = gd_tensor(c, "w"), y;
    if (w.shape.rank != 4 || w.dtype != QNS_F32)
        gd_stop(c, "the weight has shape %s", qns_shape_str(&w.shape).s);
    const size_t n = (size_t)w.shape.dim[0], row = qns_shape_span(&w.shape, 1, 4);
    const qns_qat_bn bn = {.n = n,
                           .gamma = vector(c, "gamma", n),
                           .beta = vector(c, "beta", n),
                           .mean = copy(c, "mean", n),
                           .var = copy(c, "var", n),
                           .eps = (float)gd_num(c, "eps"),
                           .momentum = (float)gd_num(c, "momentum"),
                           .training = gd_num(c, "training") != 0};
    const float *bias = gd_has(c, "b") ? vector(c, "b", n) : NULL;
    float *scaled = gd_mem(c, n * row, sizeof *scaled), *scale = gd_mem(c, n, sizeof *scale);
    const qns_fq fq = {.per_channel = true,
                       .qmin = -128,
                       .qmax = 127,
                       .n = n,
                       .inner = row,
                       .scale = scale,
                       .zero = gd_mem(c, n, sizeof(int32_t))};
    qns_err err = {0};
    gd_ok(c, qns_qat_bn_weight(scaled, &bn, w.data, row, &err), &err, "weight");
    observe_rows(scale, c, scaled, n, row);
    gd_same_floats(c, "w_fq_scale", scale, n);
    qns_fq_forward(scaled, NULL, &fq, scaled, n * row);
    w.data = scaled;
    qns_conv_attr attr = {.win = {.rank = 2}, .groups = 1};
    for (int i = 0; i < 2; i++) {
        attr.win.kernel[i] = w.shape.dim[2 + i];
        attr.win.stride[i] = attr.win.dilation[i] = 1;
    }
    gd_op conv = {.op = "conv",
                  .attr = &attr,
                  .in = {gd_tensor(c, "x"), w},
                  .n_in = 2,
                  .constants = 2,
                  .layout = QNS_CHLAST};
    if (!gd_op_try(&y, c, &conv))
        gd_stop(c, "no implementation of 'conv': %s", conv.why);
    const size_t batch = (size_t)y.shape.dim[0], pixels = qns_shape_span(&y.shape, 2, 4);
    gd_ok(c, qns_qat_bn_forward(y.data, &bn, bias, batch, pixels, &err), &err, "batch norm");
    gd_close(c, "y", y.data, batch * n * pixels, 1e-5, 1e-5);
    gd_close(c, "mean_after", bn.mean, n, 1e-5, 1e-5);
    gd_close(c, "var_after", bn.var, n, 1e-5, 1e-5);
}

const gd_kind gd_fusion_kinds[] = {
    {"fusion", "conv_bn", conv_bn},
    {"fusion", "linear_bn", linear_bn},
    {"fusion", "conv_transpose_bn", conv_transpose_bn},
    {"fusion", "qat_conv_bn_forward", qat_forward},
    {NULL, NULL, NULL},
};
