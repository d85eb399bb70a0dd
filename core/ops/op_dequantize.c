/* SPDX-License-Identifier: MIT */
/* Codes to float: per tensor in float on the int32 difference, per channel in double, rounded once
 * (spec section 1). int32 codes are the biases of other tools' models. */
#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/op_quantize.h"
#include "core/ops/qdq_onnx.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_qparams *qp = ((const qns_quantize_attr *)n->attr)->qp;
    if (in[0].dtype != qp->dtype)
        QNS_FAIL(err, SHAPE, "the input is %s, its scale and zero point are for %s",
                 qns_dtype_name(in[0].dtype), qns_dtype_name(qp->dtype));
    QNS_TRY(qns_qdq_fits(qp, &in[0].shape, err));
    out[0].dtype = QNS_F32;
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_qdq_read(attr, n, false, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "DequantizeLinear";
    return qns_qdq_write(w, ((const qns_quantize_attr *)n->attr)->qp, err);
}

static const char *reject(const qns_call *c)
{
    if (c->out[0].dtype != QNS_F32)
        return "the output is not float32";
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static const char *reject_tensor(const qns_call *c)
{
    const qns_qparams *qp = ((const qns_quantize_attr *)c->node->attr)->qp;
    if (!qns_is_code(c->in[0].dtype))
        return "the input is neither uint8 nor int8 codes";
    return qp->axis >= 0 ? "quantization is per channel" : reject(c);
}

enum { RUN = 1 << 14 }; /* elements, of which one thread has so many at least */

static void run_range(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const qns_qparams *qp = ((const qns_quantize_attr *)c->node->attr)->qp;
    const float scale = (float)qp->scale[0];
    const char *x = (const char *)c->in[0].data + first;
    float *y = qns_f32(&c->out[0]) + first;

    if (qp->dtype == QNS_U8)
        c->k->dequantize_u8(y, (const uint8_t *)x, end - first, scale, qp->zero[0]);
    else
        c->k->dequantize_s8(y, (const int8_t *)x, end - first, scale, qp->zero[0]);
}

static void run_tensor(const qns_call *c)
{
    qns_parallel_ranges(c->team, qns_tensor_count(&c->in[0]), RUN, run_range, c);
}

static int32_t code_at(const qns_tensor *t, size_t i)
{
    return t->dtype == QNS_U8   ? ((const uint8_t *)t->data)[i]
           : t->dtype == QNS_I8 ? ((const int8_t *)t->data)[i]
                                : ((const int32_t *)t->data)[i];
}

static void run_any(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    const qns_qparams *qp = ((const qns_quantize_attr *)c->node->attr)->qp;
    const qns_channels ch = qns_channels_of(x, qp->axis);
    float *y = qns_f32(&c->out[0]);
    for (size_t o = 0; o < ch.outer; o++)
        for (size_t k = 0; k < ch.n; k++) {
            const double scale = qns_qparams_scale(qp, (int32_t)k);
            const int32_t zero = qns_qparams_zero(qp, (int32_t)k);
            const size_t at = (o * ch.n + k) * ch.inner;
            for (size_t i = at; i < at + ch.inner; i++) {
                const int32_t q = code_at(x, i);
                y[i] = qp->axis < 0 ? (float)scale * (float)(int32_t)((uint32_t)q - (uint32_t)zero)
                                    : (float)((double)((float)q - (float)zero) * scale);
            }
        }
}

static const qns_impl per_tensor = {
    .name = "dequantize", .reject = reject_tensor, .run = run_tensor, .on_team = true};
static const qns_impl any = {.name = "dequantize.channel", .reject = reject, .run = run_any};
static const qns_impl *const impls[] = {&per_tensor, &any, NULL};

static const qns_onnx_rule rules[] = {
    {"DequantizeLinear", 10, read}, {"com.microsoft.DequantizeLinear", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_dequantize = {
    .name = "dequantize",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_quantize_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = qns_qdq_describe,
    .impls = impls,
};
