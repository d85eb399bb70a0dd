/* SPDX-License-Identifier: MIT */
/* Sum and Mean of any number of tensors, element by element and with broadcasting; float only. */
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <stdio.h>
#include <string.h>

enum { SUM, MEAN };
static const char *const types[] = {"Sum", "Mean"};

typedef struct combine_attr {
    int64_t kind;
} combine_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const int64_t kind = ((const combine_attr *)n->attr)->kind;
    qns_shape s = in[0].shape;
    for (uint32_t i = 0; i < n->n_in; i++) {
        if (in[i].dtype != in[0].dtype)
            QNS_FAIL(err, SHAPE, "cannot combine %s and %s", qns_dtype_name(in[0].dtype),
                     qns_dtype_name(in[i].dtype));
        const qns_shape so_far = s;
        QNS_TRY(qns_broadcast_shape(&s, &so_far, &in[i].shape, err));
    }
    if (in[0].dtype != QNS_F32)
        QNS_FAIL(err, UNSUPPORTED, "%s of %s", types[kind], qns_dtype_name(in[0].dtype));
    out[0].dtype = in[0].dtype;
    out[0].shape = s;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    combine_attr *a = attr;
    while (a->kind < MEAN && strcmp(types[a->kind], n->type) != 0)
        a->kind++;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = types[((const combine_attr *)n->attr)->kind];
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "%s", types[((const combine_attr *)n->attr)->kind]);
}

static void run_f32(const qns_call *c)
{
    const int64_t kind = ((const combine_attr *)c->node->attr)->kind;
    const size_t n = qns_tensor_count(&c->out[0]);
    float *y = qns_f32(&c->out[0]);
    for (uint32_t k = 0; k < c->node->n_in; k++) {
        const float *x = qns_cf32(&c->in[k]);
        qns_walk w;
        qns_walk_init(&w, &c->out[0].shape);
        qns_walk_broadcast(&w, 0, &c->in[k].shape);
        for (size_t i = 0; i < n; i++, qns_walk_next(&w))
            y[i] = k == 0 ? x[w.pos[0]] : y[i] + x[w.pos[0]];
    }
    for (size_t i = 0; kind == MEAN && i < n; i++)
        y[i] /= (float)c->node->n_in;
}

static const char *reject_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : qns_reject_not_plain(c);
}

static const qns_impl f32 = {.name = "combine.f32", .reject = reject_f32, .run = run_f32};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"Sum", 6, read}, {"Mean", 6, read}, {NULL, 0, NULL}};

const qns_op qns_op_combine = {
    .name = "combine",
    .min_in = 1,
    .max_in = QNS_MAX_IN,
    .n_out = 1,
    .attr_size = sizeof(combine_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
