/* SPDX-License-Identifier: MIT */
/* norm: batch, layer, group and instance norm of codes. */
#include "core/ops/norm.h"
#include "core/ops/op_batchnorm.h"
#include "golden_op.h"

static const qns_range relu = {0.0f, INFINITY};

static void batch(gd *c, const char *field, const qns_range *clamp)
{
    static const char *const part[] = {"weight", "bias", "mean", "var"};
    const qns_batchnorm_attr attr = {.eps = (float)gd_num(c, "eps")};
    gd_op r = {.op = "batchnorm",
               .attr = &attr,
               .clamp = clamp,
               .in = {gd_codes(c, "x", gd_qp_keys(c, QNS_U8, "scale", "zp"))},
               .n_in = 5,
               .constants = 30,
               .layout = QNS_CHLAST,
               .out_qp = gd_qp_keys(c, QNS_U8, "out_scale", "out_zp")};
    for (size_t i = 0; i < 4; i++)
        r.in[1 + i] = gd_tensor(c, part[i]);
    gd_op_check(c, &r, field);
}

static void grouped(gd *c, const char *op, const void *attr, const char *x, const char *field)
{
    if (!gd_has(c, field))
        return;
    for (int layout = 0; layout < 2; layout++) {
        gd_op r = {.op = op,
                   .attr = attr,
                   .in = {gd_codes(c, x, gd_qp_keys(c, QNS_U8, "scale", "zp")),
                          gd_tensor(c, "weight"), gd_tensor(c, "bias")},
                   .n_in = 3,
                   .constants = 6,
                   .layout = layout ? QNS_CHLAST : QNS_ROW,
                   .out_qp = gd_qp_keys(c, QNS_U8, "out_scale_ln_gn_in", "out_zp")};
        gd_op_check(c, &r, field);
    }
}

static void norm(gd *c)
{
    batch(c, "batch_norm2d", NULL);
    batch(c, "batch_norm2d_relu", &relu);
    const float eps = (float)gd_num(c, "eps");
    const qns_layer_norm_attr layer = {.axis = -1, .eps = eps};
    const qns_group_norm_attr two = {.groups = 2, .per_channel = 1, .eps = eps};
    const qns_group_norm_attr instance = {.per_channel = 1, .eps = eps};
    grouped(c, "layer_norm", &layer, "ln_x", "layer_norm");
    grouped(c, "group_norm", &two, "x", "group_norm2");
    grouped(c, "instance_norm", &instance, "x", "instance_norm");
}

const gd_kind gd_norm_kinds[] = {{"norm", "norm", norm}, {NULL, NULL, NULL}};
