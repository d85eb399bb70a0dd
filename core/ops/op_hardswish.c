/* SPDX-License-Identifier: MIT */
/* x * min(max(x + 3, 0), 6) / 6 (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>

static float value(float x, const void *attr)
{
    return x * qns_relu6(x + 3.0f) / 6.0f;
}

static float code(float x, const qns_call *c)
{
    const qns_qparams *qp = c->out[0].qp;
    return 1.0f / (float)qp->scale[0] * value(x, NULL) + (float)qp->zero[0];
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "HardSwish";
    return QNS_OK;
}

static const qns_impl qnnpack = {.name = "hardswish.u8.qnnpack",
                                 .reject = qns_unary_reject_qnnpack,
                                 .prepare = qns_unary_prepare_qnnpack,
                                 .run = qns_unary_run,
                                 .on_team = true,
                                 .in_place = true};
static const qns_impl codes = {.name = "hardswish.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {.name = "hardswish.f32",
                             .reject = qns_reject_not_f32,
                             .run = qns_unary_run_f32,
                             .in_place = true};
static const qns_impl *const impls[] = {&qnnpack, &codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"HardSwish", 14, NULL}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value, .code = code};

const qns_op qns_op_hardswish = {
    .name = "hardswish",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .impls = impls,
    .family = &unary,
};
