/* SPDX-License-Identifier: MIT */
/* Instance norm: group norm with a group for each channel. */
#include "core/ops/norm.h"
#include "core/ops/op_help.h"

#include <stdio.h>

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_group_norm_attr *a = attr;

    a->per_channel = 1;
    return qns_norm_read_eps(&a->eps, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "InstanceNormalization";
    return qns_attrs_add_float(&w->attrs, "epsilon", ((const qns_group_norm_attr *)n->attr)->eps,
                               err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "eps %g", (double)((const qns_group_norm_attr *)n->attr)->eps);
}

static const qns_impl u8 = {.name = "instance_norm.u8",
                            .reject = qns_norm_reject_u8,
                            .run = qns_group_norm_run_u8,
                            .in_place = true};
static const qns_impl f32 = {.name = "instance_norm.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_group_norm_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&u8, &f32, NULL};

static const qns_onnx_rule rules[] = {{"InstanceNormalization", 6, read}, {NULL, 0, NULL}};

const qns_op qns_op_instance_norm = {
    .name = "instance_norm",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_group_norm_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_group_norm_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .macs = qns_norm_macs,
    .describe = describe,
    .impls = impls,
};
