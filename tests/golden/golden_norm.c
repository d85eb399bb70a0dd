/* SPDX-License-Identifier: MIT */
/* norm: batch, layer, group and instance norm of codes. */
#include "core/ops/op_batchnorm.h"
#include "golden_op.h"

static const qns_range relu = {0.0f, INFINITY};

static void batch(gd *c, const char *field, const qns_range *clamp)
{
    static const char *const part[] = {"weight", "bias", "mean", "var"};
    const qns_batchnorm_attr attr = {(float)gd_num(c, "eps")};
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

static void norm(gd *c)
{
    batch(c, "batch_norm2d", NULL);
    batch(c, "batch_norm2d_relu", &relu);
    gd_skip(c, "layer, group and instance norm are not written yet");
}

const gd_kind gd_norm_kinds[] = {{"norm", "norm", norm}, {NULL, NULL, NULL}};
