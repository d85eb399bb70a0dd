/* SPDX-License-Identifier: MIT */
/* x above 0, alpha * (exp(x) - 1) below (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>

typedef struct elu_attr {
    float alpha;
} elu_attr;

static float value(float x, const void *attr)
{
    return x > 0.0f ? x : (float)expm1((double)x) * ((const elu_attr *)attr)->alpha;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_float(&((elu_attr *)attr)->alpha, n->attrs, "alpha", 1.0f, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Elu";
    return qns_attrs_add_float(&w->attrs, "alpha", ((const elu_attr *)n->attr)->alpha, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "alpha %g", (double)((const elu_attr *)n->attr)->alpha);
}

static const qns_impl codes = {.name = "elu.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {
    .name = "elu.f32", .reject = qns_reject_not_f32, .run = qns_unary_run_f32, .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Elu", 6, read}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value};

const qns_op qns_op_elu = {
    .name = "elu",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(elu_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
    .family = &unary,
};
