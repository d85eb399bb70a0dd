/* SPDX-License-Identifier: MIT */
/* x * (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh. On codes: spec section 5.2. */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct gelu_attr {
    int64_t by_tanh;
} gelu_attr;

static float value(float x, const void *attr)
{
    const double d = (double)x;
    const double sqrt_half = 0.70710678118654752440, sqrt_2_over_pi = 0.79788456080286535588;
    if (((const gelu_attr *)attr)->by_tanh)
        return (float)(0.5 * d * (1.0 + tanh(sqrt_2_over_pi * (d + 0.044715 * d * d * d))));
    return x * 0.5f * (1.0f + (float)erf((double)(float)(d * sqrt_half)));
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    gelu_attr *a = attr;
    const char *how;
    QNS_TRY(qns_attrs_text(&how, n->attrs, "approximate", "none", err));
    a->by_tanh = !strcmp(how, "tanh");
    if (!a->by_tanh && strcmp(how, "none") != 0)
        QNS_FAIL(err, FORMAT, "attribute 'approximate' is '%s', must be none or tanh", how);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Gelu";
    return ((const gelu_attr *)n->attr)->by_tanh
               ? qns_attrs_add_text(&w->attrs, "approximate", "tanh", err)
               : QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, ((const gelu_attr *)n->attr)->by_tanh ? "by tanh" : "by erf");
}

static const qns_impl codes = {.name = "gelu.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {
    .name = "gelu.f32", .reject = qns_reject_not_f32, .run = qns_unary_run_f32, .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Gelu", 20, read}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value};

const qns_op qns_op_gelu = {
    .name = "gelu",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(gelu_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
    .family = &unary,
};
