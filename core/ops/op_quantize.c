/* SPDX-License-Identifier: MIT */
/* Float to codes. Per tensor by the vector quantizer (spec section 1, Q_fb8), per channel by the
 * scalar one (Q_fbs); they differ for infinities and NaN only. ONNX Runtime divides by the scale
 * where PyTorch multiplies with its reciprocal: other codes at ties. */
#include "core/ops/op_quantize.h"

#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/qdq_onnx.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_qparams *qp = ((const qns_quantize_attr *)n->attr)->qp;
    if (in[0].dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    QNS_TRY(qns_qdq_fits(qp, &in[0].shape, err));
    out[0].dtype = qp->dtype;
    out[0].shape = in[0].shape;
    out[0].qp = qp;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    return qns_qdq_read(attr, n, true, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "QuantizeLinear";
    return qns_qdq_write(w, ((const qns_quantize_attr *)n->attr)->qp, err);
}

static const char *reject_tensor(const qns_call *c)
{
    if (c->in[0].dtype != QNS_F32)
        return "the input is not float32";
    if (!c->out[0].qp || !qns_is_code(c->out[0].dtype))
        return "the output is neither uint8 nor int8 codes";
    if (c->in[0].layout != c->out[0].layout)
        return "input and output lie differently in memory";
    return c->out[0].qp->axis >= 0 ? "quantization is per channel" : NULL;
}

enum { RUN = 1 << 14 }; /* elements, of which one thread has so many at least */

/* The vector quantizer works on independent elements, so any cut gives the same bits. */
static void run_range(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const qns_qparams *qp = c->out[0].qp;
    const float inv = 1.0f / (float)qp->scale[0], *x = qns_cf32(&c->in[0]) + first;
    char *y = (char *)c->out[0].data + first;

    if (qp->dtype == QNS_U8)
        c->k->quantize_u8((uint8_t *)y, x, end - first, inv, qp->zero[0]);
    else
        c->k->quantize_s8((int8_t *)y, x, end - first, inv, qp->zero[0]);
}

static void run_tensor(const qns_call *c)
{
    qns_parallel_ranges(c->team, qns_tensor_count(&c->in[0]), RUN, run_range, c);
}

static const char *reject_channel(const qns_call *c)
{
    if (c->in[0].dtype != QNS_F32)
        return "the input is not float32";
    if (!c->out[0].qp || !qns_is_code(c->out[0].dtype))
        return "the output is neither uint8 nor int8 codes";
    if (c->in[0].layout != c->out[0].layout)
        return "input and output lie differently in memory";
    return NULL;
}

static void run_channel(const qns_call *c)
{
    const qns_qparams *qp = c->out[0].qp;
    const int32_t lo = qns_dtype_min(qp->dtype), hi = qns_dtype_max(qp->dtype);
    const qns_channels ch = qns_channels_of(&c->out[0], qp->axis);
    const float *x = qns_cf32(&c->in[0]);
    uint8_t *y = c->out[0].data;
    for (size_t o = 0; o < ch.outer; o++)
        for (size_t k = 0; k < ch.n; k++) {
            const float inv = 1.0f / (float)qns_qparams_scale(qp, (int32_t)k);
            const int32_t zero = qns_qparams_zero(qp, (int32_t)k);
            const size_t at = (o * ch.n + k) * ch.inner;
            for (size_t i = 0; i < ch.inner; i++)
                y[at + i] = (uint8_t)qns_code_of(x[at + i], inv, zero, lo, hi);
        }
}

/* ---- onnxruntime ---- */

static const char *reject_onnx(const qns_call *c)
{
    return c->be->requant != QNS_REQUANT_ONNX ? "the backend is not onnxruntime"
                                              : reject_channel(c);
}

/* Codes of one channel: rne(x / scale) + zero, clamped before the zero is added; NaN gives the
 * lowest code. */
static void divide(uint8_t *y, const float *x, size_t n, float scale, float lo, float hi,
                   int32_t zero)
{
    for (size_t i = 0; i < n; i++) {
        const float v = x[i] / scale;
        const float t = v > lo ? (v < hi ? v : hi) : lo;
        y[i] = (uint8_t)(qk_rne(t) + zero);
    }
}

static void run_onnx(const qns_call *c)
{
    const qns_qparams *qp = c->out[0].qp;
    const int32_t min = qns_dtype_min(qp->dtype), max = qns_dtype_max(qp->dtype);
    const qns_channels ch = qns_channels_of(&c->out[0], qp->axis);
    const size_t runs = (ch.inner + RUN - 1) / RUN, jobs = ch.outer * ch.n * runs;
    const float *x = qns_cf32(&c->in[0]);
    uint8_t *y = c->out[0].data;
#pragma omp parallel for schedule(static) if (jobs * ch.inner > RUN)
    for (size_t j = 0; j < jobs; j++) {
        const int32_t k = (int32_t)(j / runs % ch.n), zero = qns_qparams_zero(qp, k);
        const size_t part = j % runs * RUN, at = j / runs * ch.inner + part;
        divide(y + at, x + at, ch.inner - part < RUN ? ch.inner - part : RUN,
               (float)qns_qparams_scale(qp, k), (float)(min - zero), (float)(max - zero), zero);
    }
}

static const qns_impl onnx = {.name = "quantize.onnx", .reject = reject_onnx, .run = run_onnx};
static const qns_impl per_tensor = {
    .name = "quantize", .reject = reject_tensor, .run = run_tensor, .on_team = true};
static const qns_impl per_channel = {
    .name = "quantize.channel", .reject = reject_channel, .run = run_channel};
static const qns_impl *const impls[] = {&onnx, &per_tensor, &per_channel, NULL};

static const qns_onnx_rule rules[] = {
    {"QuantizeLinear", 10, read}, {"com.microsoft.QuantizeLinear", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_quantize = {
    .name = "quantize",
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

/* ---- without a graph ---- */

static void call_with(const qns_quantizer *q, void *codes, const float *x, size_t n,
                      const qns_impl **select)
{
    const qns_quantize_attr attr = {q->qp};
    const qns_node node = {.op = &qns_op_quantize, .attr = &attr, .n_in = 1, .n_out = 1};
    const qns_tensor in = {.dtype = QNS_F32,
                           .shape = {1, {(int64_t)n}},
                           .data = (void *)(uintptr_t)x}; /* inputs are only read */
    qns_tensor out = {
        .dtype = q->qp->dtype, .shape = {1, {(int64_t)n}}, .data = codes, .qp = q->qp};
    const qns_call c = {.node = &node, .be = q->be, .k = q->k, .in = &in, .out = &out};
    if (select)
        *select = qns_impl_select(NULL, &c, NULL, NULL);
    else
        q->impl->run(&c);
}

qns_quantizer qns_quantizer_of(const qns_backend *be, const qk_table *k, const qns_qparams *qp)
{
    qns_quantizer q = {.be = be, .k = k, .qp = qp};
    call_with(&q, NULL, NULL, 1, &q.impl);
    return q;
}

void qns_quantizer_run(void *codes, const qns_quantizer *q, const float *x, size_t n)
{
    call_with(q, codes, x, n, NULL);
}
