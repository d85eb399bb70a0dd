/* SPDX-License-Identifier: MIT */
/* Softmax. On codes: dequantize, float, quantize to the fixed scale 1/256 (spec section 5.2). */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/softmax.h"
#include "kernels/kernels.h"

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Softmax";
    return qns_softmax_write(w, g, n, err);
}

static void run_f32(const qns_call *c)
{
    qns_softmax_run(c, false);
}

static const char *reject_u8(const qns_call *c)
{
    return qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
}

static size_t scratch_u8(const qns_call *c)
{
    return qns_tensor_count(&c->in[0]) * 2 * sizeof(float);
}

static void run_u8(const qns_call *c)
{
    const size_t n = qns_tensor_count(&c->in[0]);
    const qns_qparams *qi = c->in[0].qp, *qo = c->out[0].qp;
    float *x = c->scratch, *y = x + n;
    qns_tensor in = c->in[0], out = c->out[0];
    qns_call f = *c;
    c->k->dequantize_u8(x, in.data, n, (float)qi->scale[0], qi->zero[0]);
    in.dtype = out.dtype = QNS_F32;
    in.data = x;
    out.data = y;
    f.in = &in;
    f.out = &out;
    qns_softmax_run(&f, false);
    c->k->quantize_u8(c->out[0].data, y, n, 1.0f / (float)qo->scale[0], qo->zero[0]);
}

static const qns_impl u8 = {
    .name = "softmax.u8", .reject = reject_u8, .scratch_size = scratch_u8, .run = run_u8};
static const qns_impl f32 = {
    .name = "softmax.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl *const impls[] = {&u8, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"Softmax", 1, qns_softmax_read_1}, {"Softmax", 13, qns_softmax_read_13}, {NULL, 0, NULL}};

const qns_op qns_op_softmax = {
    .name = "softmax",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_softmax_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_softmax_infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FIXED, .fixed_scale = 1.0 / 256, .weight = -1, .bias = -1},
    .describe = qns_softmax_describe,
    .impls = impls,
};
