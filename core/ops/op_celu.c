/* SPDX-License-Identifier: MIT */
/* x above 0, alpha * (exp(x / alpha) - 1) below (spec section 5.2: elu with a scaled input). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>

typedef struct celu_attr {
    float alpha;
} celu_attr;

static float value(float x, const void *attr)
{
    const float alpha = ((const celu_attr *)attr)->alpha, inv = (float)(1.0 / (double)alpha);
    return x > 0.0f ? x : (float)expm1((double)(x * inv)) * alpha;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    celu_attr *a = attr;
    QNS_TRY(qns_attrs_float(&a->alpha, n->attrs, "alpha", 1.0f, err));
    if (a->alpha == 0.0f || !isfinite(a->alpha))
        QNS_FAIL(err, FORMAT, "attribute 'alpha' is %g, must not be 0", (double)a->alpha);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Celu";
    return qns_attrs_add_float(&w->attrs, "alpha", ((const celu_attr *)n->attr)->alpha, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "alpha %g", (double)((const celu_attr *)n->attr)->alpha);
}

static const qns_impl codes = {.name = "celu.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {
    .name = "celu.f32", .reject = qns_reject_not_f32, .run = qns_unary_run_f32, .in_place = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Celu", 12, read}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value};

const qns_op qns_op_celu = {
    .name = "celu",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(celu_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
    .family = &unary,
};
