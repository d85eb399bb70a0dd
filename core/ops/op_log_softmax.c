/* SPDX-License-Identifier: MIT */
/* Logarithm of softmax; float only. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/softmax.h"

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "LogSoftmax";
    return qns_softmax_write(w, g, n, err);
}

static void run(const qns_call *c)
{
    qns_softmax_run(c, true);
}

static const qns_impl f32 = {
    .name = "log_softmax.f32", .reject = qns_reject_not_f32, .run = run, .in_place = true};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"LogSoftmax", 1, qns_softmax_read_1},
                                      {"LogSoftmax", 13, qns_softmax_read_13},
                                      {NULL, 0, NULL}};

const qns_op qns_op_log_softmax = {
    .name = "log_softmax",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_softmax_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_softmax_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = qns_softmax_describe,
    .impls = impls,
};
