/* SPDX-License-Identifier: MIT */
/* x above 0, alpha * x below (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"

#include <math.h>
#include <stdio.h>

typedef struct leaky_relu_attr {
    float alpha;
} leaky_relu_attr;

static float value(float x, const void *attr)
{
    return x > 0.0f ? x : x * ((const leaky_relu_attr *)attr)->alpha;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_attrs_float(&((leaky_relu_attr *)attr)->alpha, n->attrs, "alpha", 0.01f, err);
}

static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    QNS_TRY(read(attr, n, err));
    return qns_qop_read_unary(attr, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "LeakyRelu";
    return qns_attrs_add_float(&w->attrs, "alpha", ((const leaky_relu_attr *)n->attr)->alpha, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "alpha %g", (double)((const leaky_relu_attr *)n->attr)->alpha);
}

static const qns_impl codes = {.name = "leaky_relu.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {.name = "leaky_relu.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_unary_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"LeakyRelu", 6, read}, {"com.microsoft.QLinearLeakyRelu", 1, read_qlinear}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value};

const qns_op qns_op_leaky_relu = {
    .name = "leaky_relu",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(leaky_relu_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
    .family = &unary,
};
