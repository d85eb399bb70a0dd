/* SPDX-License-Identifier: MIT */
/* Mean over a sliding window, 1 to 3 spatial axes. Codes keep their qparams (spec section 5.3). */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "core/ops/op_pool.h"
#include "core/ops/pool.h"

#include <stdio.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    return qns_pool_infer(out, &((const qns_avgpool_attr *)n->attr)->w, in, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_avgpool_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->include_pad, n->attrs, "count_include_pad", 0, err));
    a->include_pad = a->include_pad != 0;
    return qns_window_read(&a->w, n->attrs, qns_gb_value(n->gb, n->in[0])->shape.rank - 2, NULL,
                           err);
}

static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t last;
    QNS_TRY(qns_attrs_int(&last, n->attrs, "channels_last", 0, err));
    if (last)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'channels_last' is %lld, must be 0", (long long)last);
    QNS_TRY(read(attr, n, err));
    return qns_qop_read_unary(attr, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_avgpool_attr *a = n->attr;
    if (a->divisor)
        QNS_FAIL(err, UNSUPPORTED, "ONNX has no average pool with a given divisor");
    w->type = "AveragePool";
    if (a->include_pad)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "count_include_pad", 1, err));
    return qns_window_write(&w->attrs, &a->w, &qns_graph_value(g, n->in[0])->shape, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_avgpool_attr *a = n->attr;
    qns_window_describe(out, size, &a->w);
    const size_t len = strlen(out);
    if (a->include_pad && len < size)
        snprintf(out + len, size - len, " pad counts");
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const qns_window *w = &((const qns_avgpool_attr *)n->attr)->w;
    uint64_t taps = 1;
    for (int64_t i = 0; i < w->rank; i++)
        taps *= (uint64_t)w->kernel[i];
    return (uint64_t)qns_tensor_count(&out[0]) * taps;
}

static void run_f32(const qns_call *c)
{
    const qns_avgpool_attr *a = c->node->attr;
    qns_pool_mean_f32(c, &a->w, a->include_pad, (size_t)a->divisor);
}

static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_reject_pool_codes(c);
}

static const char *reject_qnnpack(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    if (((const qns_avgpool_attr *)c->node->attr)->w.ceil_mode)
        return "qnnpack has no pooling with ceil_mode";
    return reject_u8(c);
}

/* The divisor is always the full window: count_include_pad does not matter. */
static void run_qnnpack(const qns_call *c)
{
    qns_pool_mean_u8(c, &((const qns_avgpool_attr *)c->node->attr)->w, QNS_MEAN_QNNPACK, true, 0);
}

static void run_u8(const qns_call *c)
{
    const qns_avgpool_attr *a = c->node->attr;
    /* One channel lies in planar memory as it does in channels-last. */
    const bool planar = a->planar && !qns_layout_trivial(&c->in[0].shape) && a->w.rank < 3;
    qns_pool_mean_u8(c, &a->w, planar ? QNS_MEAN_PLANAR : QNS_MEAN_WINDOW, a->include_pad,
                     (size_t)a->divisor);
}

static const qns_impl qnnpack = {
    .name = "avgpool.u8.qnnpack", .reject = reject_qnnpack, .run = run_qnnpack, .on_team = true};
static const qns_impl u8 = {
    .name = "avgpool.u8.native", .reject = reject_u8, .run = run_u8, .on_team = true};
static const qns_impl f32 = {
    .name = "avgpool.f32", .reject = qns_reject_pool_f32, .run = run_f32, .on_team = true};
static const qns_impl *const impls[] = {&qnnpack, &u8, &f32, NULL};

static const qns_onnx_rule rules[] = {{"AveragePool", 1, read},
                                      {"com.microsoft.QLinearAveragePool", 1, read_qlinear},
                                      {NULL, 0, NULL}};

const qns_op qns_op_avgpool = {
    .name = "avgpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_avgpool_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
