/* SPDX-License-Identifier: MIT */
/* fusion: batch norm folded into weights. */
#include "core/model/elem.h"
#include "core/ops/conv_impl.h"
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

static void qat_forward(gd *c)
{
    gd_skip(c, "the library has no quantization-aware training of conv and batch norm");
}

const gd_kind gd_fusion_kinds[] = {
    {"fusion", "conv_bn", conv_bn},
    {"fusion", "linear_bn", linear_bn},
    {"fusion", "conv_transpose_bn", conv_transpose_bn},
    {"fusion", "qat_conv_bn_forward", qat_forward},
    {NULL, NULL, NULL},
};
