/* SPDX-License-Identifier: MIT */
/* Maximum over a sliding window, 1 to 3 spatial axes, and where it was if output 1 is asked for.
 * Codes keep their qparams, because the maximum of codes is the code of the maximum (spec
 * section 5.3). */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/pool.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    QNS_TRY(qns_pool_infer(out, n->attr, in, err));
    if (n->n_out > 1) {
        out[1].dtype = QNS_I64;
        out[1].shape = out[0].shape;
    }
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_window *w = attr;
    QNS_TRY(qns_window_read(w, n->attrs, qns_gb_value(n->gb, n->in[0])->shape.rank - 2, NULL, err));
    QNS_TRY(qns_attrs_int(&w->column_major, n->attrs, "storage_order", 0, err));
    w->column_major = w->column_major != 0;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "MaxPool";
    if (((const qns_window *)n->attr)->column_major)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "storage_order", 1, err));
    return qns_window_write(&w->attrs, n->attr, &qns_graph_value(g, n->in[0])->shape, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    qns_window_describe(out, size, n->attr);
}

static void run(const qns_call *c)
{
    qns_pool_max(c, c->node->attr);
    if (c->node->n_out > 1)
        qns_pool_argmax(c);
}

/* The refusals are about output 0; the indices only have to be there. */
static const char *reject(const qns_call *c, const char *(*values)(const qns_call *c))
{
    const qns_node one = {.n_in = 1, .n_out = 1};
    qns_call first = *c;
    if (c->node->n_out > 1 && (c->out[1].dtype != QNS_I64 || c->out[1].layout != c->out[0].layout))
        return "the indices are not int64 or lie differently in memory";
    first.node = &one;
    return values(&first);
}

static const char *reject_f32(const qns_call *c)
{
    return reject(c, qns_reject_pool_f32);
}

static const char *reject_codes(const qns_call *c)
{
    return reject(c, qns_reject_pool_codes);
}

static const qns_impl codes = {
    .name = "maxpool.codes", .reject = reject_codes, .run = run, .on_team = true};
static const qns_impl f32 = {
    .name = "maxpool.f32", .reject = reject_f32, .run = run, .on_team = true};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"MaxPool", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_maxpool = {
    .name = "maxpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 2,
    .attr_size = sizeof(qns_window),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
