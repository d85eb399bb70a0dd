/* SPDX-License-Identifier: MIT */
/* ONNX DynamicQuantizeLinear: uint8 codes by the range of this very input, widened to hold 0, and
 * the scale and zero point they have, as plain numbers. The codes carry no qparams: those are not
 * known before the run. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <math.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    static const qns_dtype type[] = {QNS_U8, QNS_F32, QNS_U8};
    if (in[0].dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    for (uint32_t i = 0; i < n->n_out; i++)
        out[i].dtype = type[i];
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "DynamicQuantizeLinear";
    return QNS_OK;
}

static const char *reject(const qns_call *c)
{
    if (c->in[0].dtype != QNS_F32)
        return "the input is not float32";
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static float clamp_255(float x)
{
    return x > 0.0f ? (x < 255.0f ? x : 255.0f) : 0.0f; /* NaN gives 0 */
}

static void run(const qns_call *c)
{
    const size_t n = qns_tensor_count(&c->in[0]);
    const float *x = qns_cf32(&c->in[0]);
    uint8_t *y = c->out[0].data;
    float lo = 0.0f, hi = 0.0f;
    if (n)
        c->k->minmax_f32(&lo, &hi, x, n);
    lo = lo < 0.0f ? lo : 0.0f;
    hi = hi > 0.0f ? hi : 0.0f;
    /* All zeros: any scale will do. */
    const float scale = hi > lo ? (hi - lo) / 255.0f : 1.0f;
    const float zero = rintf(clamp_255(-lo / scale));
#pragma omp parallel for schedule(static) if (n > QNS_PAR_MIN)
    for (size_t i = 0; i < n; i++)
        y[i] = (uint8_t)clamp_255(rintf(x[i] / scale) + zero);
    if (c->node->n_out > 1)
        *qns_f32(&c->out[1]) = scale;
    if (c->node->n_out > 2)
        *(uint8_t *)c->out[2].data = (uint8_t)zero;
}

static const qns_impl f32 = {.name = "dynamic_quantize.f32", .reject = reject, .run = run};
static const qns_impl *const impls[] = {&f32, NULL};

static const qns_onnx_rule rules[] = {{"DynamicQuantizeLinear", 11, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_dynamic_quantize = {
    .name = "dynamic_quantize",
    .min_in = 1,
    .max_in = 1,
    .n_out = 3,
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
