/* SPDX-License-Identifier: MIT */
/* The error function; float only. */
#include "core/graph/op.h"
#include "core/ops/lut_unary.h"
#include "core/ops/op_help.h"

#include <math.h>

static float value(float x, const void *attr)
{
    return (float)erf((double)x);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Erf";
    return QNS_OK;
}

static const qns_impl f32 = {
    .name = "erf.f32", .reject = qns_reject_not_f32, .run = qns_unary_run_f32, .in_place = true};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"Erf", 9, NULL}, {NULL, 0, NULL}};

static const qns_unary unary = {.value = value};

const qns_op qns_op_erf = {
    .name = "erf",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_unary_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
    .family = &unary,
};
