/* SPDX-License-Identifier: MIT */
/* max(0, min(1, alpha * x + beta)), usually min(max(x + 3, 0), 6) / 6. Codes have the fixed scale
 * 1/256 (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>
#include <stdio.h>

typedef struct hardsigmoid_attr {
    float alpha, beta; /* max(0, min(1, alpha * x + beta)) */
} hardsigmoid_attr;

/* What other tools call hardsigmoid; they divide by 6, which is not the product with 1/6. */
static bool is_usual(const hardsigmoid_attr *a)
{
    return fabsf(a->alpha * 6.0f - 1.0f) < 1e-6f && a->beta == 0.5f;
}

static float value(float x, const void *attr)
{
    const hardsigmoid_attr *a = attr;
    if (is_usual(a))
        return qns_relu6(x + 3.0f) / 6.0f;
    const float y = a->alpha * x + a->beta;
    return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
}

static float code(float x, const qns_call *c)
{
    const qns_qparams *qp = c->out[0].qp;
    return 1.0f / (float)qp->scale[0] * value(x, c->node->attr) + (float)qp->zero[0];
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    hardsigmoid_attr *a = attr;
    QNS_TRY(qns_attrs_float(&a->alpha, n->attrs, "alpha", 0.2f, err));
    return qns_attrs_float(&a->beta, n->attrs, "beta", 0.5f, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const hardsigmoid_attr *a = n->attr;
    w->type = "HardSigmoid";
    QNS_TRY(qns_attrs_add_float(&w->attrs, "alpha", a->alpha, err));
    return qns_attrs_add_float(&w->attrs, "beta", a->beta, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const hardsigmoid_attr *a = n->attr;
    snprintf(out, size, "%g x + %g", (double)a->alpha, (double)a->beta);
}

static const qns_impl qnnpack = {.name = "hardsigmoid.u8.qnnpack",
                                 .reject = qns_unary_reject_qnnpack,
                                 .prepare = qns_unary_prepare_qnnpack,
                                 .run = qns_unary_run,
                                 .on_team = true,
                                 .in_place = true};
static const qns_impl codes = {.name = "hardsigmoid.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {.name = "hardsigmoid.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_unary_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&qnnpack, &codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"HardSigmoid", 6, read}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value, .code = code};

const qns_op qns_op_hardsigmoid = {
    .name = "hardsigmoid",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(hardsigmoid_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FIXED, .fixed_scale = 1.0 / 256, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
    .family = &unary,
};
