/* SPDX-License-Identifier: MIT */
/* Hyperbolic tangent. Codes have the fixed scale 2/256 and zero point 128 (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>

static float value(float x, const void *attr)
{
    return (float)tanh((double)x);
}

static float code(float x, const qns_call *c)
{
    return (float)(128 * tanh((double)x) + 128);
}

static const char *reject_qnnpack(const qns_call *c)
{
    if (!qns_unary_out_is(c, 2.0 / 256, 128))
        return "qnnpack gives scale 2/256 and zero point 128 only";
    return qns_unary_reject_qnnpack(c);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Tanh";
    return QNS_OK;
}

static const qns_impl qnnpack = {.name = "tanh.u8.qnnpack",
                                 .reject = reject_qnnpack,
                                 .prepare = qns_unary_prepare_qnnpack,
                                 .run = qns_unary_run,
                                 .on_team = true,
                                 .in_place = true};
static const qns_impl codes = {.name = "tanh.codes",
                               .reject = qns_unary_reject,
                               .prepare = qns_unary_prepare,
                               .run = qns_unary_run,
                               .on_team = true,
                               .in_place = true};
static const qns_impl f32 = {
    .name = "tanh.f32", .reject = qns_reject_not_f32, .run = qns_unary_run_f32, .in_place = true};
static const qns_impl *const impls[] = {&qnnpack, &codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"Tanh", 6, NULL}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value, .double_inv = true, .code = code};

const qns_op qns_op_tanh = {
    .name = "tanh",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FIXED,
              .fixed_scale = 2.0 / 256,
              .fixed_zero = 128,
              .weight = -1,
              .bias = -1},
    .impls = impls,
    .family = &unary,
};
