/* SPDX-License-Identifier: MIT */
/* Group norm: the channels of an image form `groups` groups. Opset 18 has a gamma for each group,
 * opset 21 for each channel. */
#include "core/ops/norm.h"
#include "core/ops/op_help.h"

#include <stdio.h>

static qns_status read(qns_group_norm_attr *a, qns_onnx_node *n, qns_err *err)
{
    int64_t stash;

    QNS_TRY(qns_attrs_int(&a->groups, n->attrs, "num_groups", 0, err));
    QNS_TRY(qns_attrs_int(&stash, n->attrs, "stash_type", 1, err));
    if (a->groups < 1)
        QNS_FAIL(err, FORMAT, "attribute 'num_groups' is %lld, must be positive",
                 (long long)a->groups);
    return qns_norm_read_eps(&a->eps, n, err);
}

static qns_status read_18(void *attr, qns_onnx_node *n, qns_err *err)
{
    return read(attr, n, err);
}

static qns_status read_21(void *attr, qns_onnx_node *n, qns_err *err)
{
    ((qns_group_norm_attr *)attr)->per_channel = 1;
    return read(attr, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_group_norm_attr *a = n->attr;

    w->type = "GroupNormalization";
    w->since = a->per_channel ? 21 : 18;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "num_groups", a->groups, err));
    return qns_attrs_add_float(&w->attrs, "epsilon", a->eps, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_group_norm_attr *a = n->attr;
    snprintf(out, size, "groups %lld eps %g", (long long)a->groups, (double)a->eps);
}

static const qns_impl u8 = {.name = "group_norm.u8",
                            .reject = qns_norm_reject_u8,
                            .run = qns_group_norm_run_u8,
                            .in_place = true};
static const qns_impl f32 = {.name = "group_norm.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_group_norm_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&u8, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"GroupNormalization", 18, read_18}, {"GroupNormalization", 21, read_21}, {NULL, 0, NULL}};

const qns_op qns_op_group_norm = {
    .name = "group_norm",
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
