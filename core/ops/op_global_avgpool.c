/* SPDX-License-Identifier: MIT */
/* Mean over all of an image: [n, c, h, w] -> [n, c, 1, 1], the adaptive pooling of spec
 * section 5.3. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "core/ops/pool.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_window w = qns_window_global(&in[0].shape);
    return qns_pool_infer(out, &w, in, err);
}

static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t last;
    QNS_TRY(qns_attrs_int(&last, n->attrs, "channels_last", 0, err));
    if (last)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'channels_last' is %lld, must be 0", (long long)last);
    return qns_qop_read_unary(attr, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "GlobalAveragePool";
    return QNS_OK;
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&in[0]);
}

static void run_f32(const qns_call *c)
{
    const qns_window w = qns_window_global(&c->in[0].shape);
    qns_pool_mean_f32(c, &w, false, 0);
}

/* Other qparams behind it are fine for this rule. */
static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    if (why)
        return why;
    return c->in[0].layout != QNS_CHLAST && !qns_layout_trivial(&c->in[0].shape)
               ? "a tensor is not channels-last"
               : NULL;
}

static void run_u8(const qns_call *c)
{
    const qns_window w = qns_window_global(&c->in[0].shape);
    qns_pool_mean_u8(c, &w, QNS_MEAN_ADAPTIVE, false, 0);
}

static const char *reject_qnnpack(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    if (c->in[0].shape.rank != 4)
        return "qnnpack pools 4-dimensional tensors only";
    if (qns_shape_span(&c->in[0].shape, 2, 4) == 1)
        return "the size does not change";
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    return why ? why : qns_reject_pool_codes(c);
}

static void run_qnnpack(const qns_call *c)
{
    const qns_window w = qns_window_global(&c->in[0].shape);
    qns_pool_mean_u8(c, &w, QNS_MEAN_QNNPACK, true, 0);
}

static const qns_impl qnnpack = {.name = "global_avgpool.u8.qnnpack",
                                 .reject = reject_qnnpack,
                                 .run = run_qnnpack,
                                 .on_team = true};
static const qns_impl u8 = {
    .name = "global_avgpool.u8.native", .reject = reject_u8, .run = run_u8, .on_team = true};
static const qns_impl f32 = {
    .name = "global_avgpool.f32", .reject = qns_reject_pool_f32, .run = run_f32, .on_team = true};
static const qns_impl *const impls[] = {&qnnpack, &u8, &f32, NULL};

static const qns_onnx_rule rules[] = {{"GlobalAveragePool", 1, NULL},
                                      {"com.microsoft.QLinearGlobalAveragePool", 1, read_qlinear},
                                      {NULL, 0, NULL}};

const qns_op qns_op_global_avgpool = {
    .name = "global_avgpool",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .macs = macs,
    .impls = impls,
};
