/* SPDX-License-Identifier: MIT */
/* Takes each element from one of two tensors, by a truth value; all three are broadcast. */
#include "core/ops/broadcast.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape s;
    if (in[0].dtype != QNS_BOOL)
        QNS_FAIL(err, SHAPE, "the condition is %s, must be bool", qns_dtype_name(in[0].dtype));
    if (in[1].dtype != in[2].dtype)
        QNS_FAIL(err, SHAPE, "cannot choose between %s and %s", qns_dtype_name(in[1].dtype),
                 qns_dtype_name(in[2].dtype));
    QNS_TRY(qns_broadcast_shape(&s, &in[0].shape, &in[1].shape, err));
    out[0].dtype = in[1].dtype;
    return qns_broadcast_shape(&out[0].shape, &s, &in[2].shape, err);
}

static void run(const qns_call *c)
{
    const uint8_t *p = c->in[0].data;
    const size_t n = qns_tensor_count(&c->out[0]), size = qns_dtype_size(c->out[0].dtype);
    char *y = c->out[0].data;
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    for (int k = 0; k < 3; k++)
        qns_walk_broadcast(&w, k, &c->in[k].shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w)) {
        const int k = p[w.pos[0]] ? 1 : 2;
        memcpy(y + i * size, (const char *)c->in[k].data + (size_t)w.pos[k] * size, size);
    }
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Where";
    return QNS_OK;
}

static const qns_impl any = {.name = "where", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Where", 9, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_where = {
    .name = "where",
    .min_in = 3,
    .max_in = 3,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
