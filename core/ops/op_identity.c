/* SPDX-License-Identifier: MIT */
/* The identity. Removed while a model is read. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"

#include <string.h>

static void run(const qns_call *c)
{
    const size_t size = qns_tensor_bytes(&c->in[0]);
    if (size && c->out[0].data != c->in[0].data)
        memcpy(c->out[0].data, c->in[0].data, size);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Identity";
    return QNS_OK;
}

static const char *reject(const qns_call *c)
{
    if (c->in[0].layout != c->out[0].layout)
        return "input and output lie differently in memory";
    return qns_reject_not_moved(c);
}

static const qns_impl copy = {
    .name = "identity", .reject = reject, .run = run, .in_place = true, .view = true};
static const qns_impl *const impls[] = {&copy, NULL};

static const qns_onnx_rule rules[] = {
    {"Identity", 1, NULL},
    {NULL, 0, NULL},
};

const qns_op qns_op_identity = {
    .name = "identity",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = qns_infer_same,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .is_identity = true,
    .impls = impls,
};
