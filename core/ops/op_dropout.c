/* SPDX-License-Identifier: MIT */
/* Dropout where it is no identity: with its mask, or in training mode. There an element stays where
 * a uniform number is not below the ratio, and is divided by the part that stays. The numbers are
 * those of numpy's RandomState with the seed of the node, as in the tests of ONNX; without a seed
 * it is 0, so that two runs are equal. */
#include "core/base/mt19937.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern const qns_op qns_op_identity;

typedef struct dropout_attr {
    int64_t training, seed;
    float ratio;
    int32_t unused;
} dropout_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    out[0].dtype = QNS_F32;
    out[0].shape = in[0].shape;
    if (n->n_out > 1) {
        out[1].dtype = QNS_BOOL;
        out[1].shape = in[0].shape;
    }
    return QNS_OK;
}

static qns_status read_mode(int64_t *training, const qns_onnx_node *n, qns_err *err)
{
    qns_tensor mode;
    if (!qns_onnx_given(n, 2))
        return QNS_OK;
    QNS_TRY(qns_onnx_constant(&mode, n, 2, "training_mode", err));
    if (mode.dtype != QNS_BOOL || qns_tensor_count(&mode) != 1)
        QNS_FAIL(err, SHAPE, "input 'training_mode' must be one bool");
    *training = *(const uint8_t *)mode.data != 0;
    return QNS_OK;
}

/* Opset 7 to 11: ratio is an attribute. From 12 on ratio and training_mode are inputs. */
static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    dropout_attr *a = attr;
    QNS_TRY(qns_attrs_float(&a->ratio, n->attrs, "ratio", 0.5f, err));
    QNS_TRY(qns_attrs_int(&a->seed, n->attrs, "seed", 0, err));
    QNS_TRY(read_mode(&a->training, n, err));
    if (a->training)
        QNS_TRY(qns_onnx_float(&a->ratio, n, 1, 0.5f, "ratio", err));
    if (a->training && !(a->ratio >= 0.0f && a->ratio < 1.0f))
        QNS_FAIL(err, DATA, "input 'ratio' is %g, must be from 0 to below 1", (double)a->ratio);
    qns_onnx_keep_inputs(n, 1);
    if (!a->training && n->n_out < 2)
        n->op = &qns_op_identity;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const dropout_attr *a = n->attr;
    uint8_t yes = 1;
    const qns_tensor mode = {.dtype = QNS_BOOL, .data = &yes};
    w->type = "Dropout";
    if (!a->training)
        return QNS_OK;
    QNS_TRY(qns_attrs_add_int(&w->attrs, "seed", a->seed, err));
    QNS_TRY(qns_onnx_add_float(w, "ratio", a->ratio, err));
    return qns_onnx_add_tensor(w, "training_mode", &mode, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const dropout_attr *a = n->attr;
    if (a->training)
        snprintf(out, size, "training, ratio %g seed %" PRId64, (double)a->ratio, a->seed);
    else
        snprintf(out, size, "inference");
}

static void keep_all(const qns_call *c)
{
    const size_t size = qns_tensor_bytes(&c->in[0]);
    if (size && c->out[0].data != c->in[0].data)
        memcpy(c->out[0].data, c->in[0].data, size);
    if (c->node->n_out > 1)
        memset(c->out[1].data, 1, qns_tensor_count(&c->out[1]));
}

static void run(const qns_call *c)
{
    const dropout_attr *a = c->node->attr;
    const float *x = qns_cf32(&c->in[0]), scale = 1.0f / (1.0f - a->ratio);
    uint8_t *mask = c->node->n_out > 1 ? c->out[1].data : NULL;
    float *y = qns_f32(&c->out[0]);
    qns_mt m;
    if (!a->training || a->ratio == 0.0f) {
        keep_all(c);
        return;
    }
    qns_mt_seed(&m, (uint32_t)a->seed);
    for (size_t i = 0; i < qns_tensor_count(&c->in[0]); i++) {
        const bool stays = qns_mt_unit(&m) >= (double)a->ratio;
        y[i] = stays ? x[i] * scale : 0.0f;
        if (mask)
            mask[i] = stays;
    }
}

static const qns_impl f32 = {
    .name = "dropout.f32", .reject = qns_reject_not_plain, .run = run, .in_place = true};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"Dropout", 7, read}, {NULL, 0, NULL}};

const qns_op qns_op_dropout = {
    .name = "dropout",
    .min_in = 1,
    .max_in = 3,
    .n_out = 2,
    .attr_size = sizeof(dropout_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
