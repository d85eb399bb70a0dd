/* SPDX-License-Identifier: MIT */
/* Maximum over a sliding window, 1 to 3 spatial axes. Codes keep their qparams, because the maximum
 * of codes is the code of the maximum (spec section 5.3). */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/pool.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    return qns_pool_infer(out, n->attr, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t order; /* of the indices, which are not given */
    QNS_TRY(qns_attrs_int(&order, n->attrs, "storage_order", 0, err));
    return qns_window_read(attr, n->attrs, qns_gb_value(n->gb, n->in[0])->shape.rank - 2, NULL,
                           err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "MaxPool";
    return qns_window_write(&w->attrs, n->attr, &qns_graph_value(g, n->in[0])->shape, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    qns_window_describe(out, size, n->attr);
}

static void run(const qns_call *c)
{
    qns_pool_max(c, c->node->attr);
}

static const qns_impl codes = {
    .name = "maxpool.codes", .reject = qns_reject_pool_codes, .run = run};
static const qns_impl f32 = {.name = "maxpool.f32", .reject = qns_reject_pool_f32, .run = run};
static const qns_impl *const impls[] = {&codes, &f32, NULL};

static const qns_onnx_rule rules[] = {{"MaxPool", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_maxpool = {
    .name = "maxpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_window),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
