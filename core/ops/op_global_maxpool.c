/* SPDX-License-Identifier: MIT */
/* Maximum over all of an image: [n, c, h, w] -> [n, c, 1, 1]. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/pool.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_window w = qns_window_global(&in[0].shape);
    return qns_pool_infer(out, &w, in, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "GlobalMaxPool";
    return QNS_OK;
}

static void run(const qns_call *c)
{
    const qns_window w = qns_window_global(&c->in[0].shape);
    qns_pool_max(c, &w);
}

static const qns_impl codes = {
    .name = "global_maxpool.codes", .reject = qns_reject_pool_codes, .run = run};
static const qns_impl f32 = {
    .name = "global_maxpool.f32", .reject = qns_reject_pool_f32, .run = run};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"GlobalMaxPool", 1, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_global_maxpool = {
    .name = "global_maxpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .impls = impls,
};
