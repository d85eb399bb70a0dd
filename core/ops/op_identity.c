/* SPDX-License-Identifier: MIT */
/* The identity, and what is one at inference time: Dropout. Removed while a model is read. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"

#include <string.h>

/* Opset 7 to 11: ratio is an attribute. Opset 12: ratio and training_mode are inputs. The mask,
 * when a model asks for it, is all true; nothing can use it here. */
static qns_status read_dropout(void *attr, qns_onnx_node *n, qns_err *err)
{
    float ratio;
    int64_t seed;
    QNS_TRY(qns_attrs_float(&ratio, n->attrs, "ratio", 0.5f, err));
    QNS_TRY(qns_attrs_int(&seed, n->attrs, "seed", 0, err));
    if (qns_onnx_given(n, 2)) {
        qns_tensor mode;
        QNS_TRY(qns_onnx_constant(&mode, n, 2, "training_mode", err));
        if (mode.dtype != QNS_BOOL || qns_tensor_count(&mode) != 1)
            QNS_FAIL(err, SHAPE, "input 'training_mode' must be one bool");
        if (*(const uint8_t *)mode.data)
            QNS_FAIL(err, UNSUPPORTED, "dropout in training mode; export the model for inference");
    }
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

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
    {"Dropout", 7, read_dropout},
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
