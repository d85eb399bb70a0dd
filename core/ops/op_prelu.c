/* SPDX-License-Identifier: MIT */
/* x above 0, slope * x below; the slope is broadcast to x. On codes with a slope of codes it is
 * spec section 5.2, which needs a code for 1. With a float slope, which is what QNS's own
 * quantization leaves, it is the rule of leaky relu with a slope for each channel: a slope below 1
 * would have no code for 1 in its own range. */
#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/broadcast.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape s;

    QNS_TRY(qns_infer_unary(out, n, in, err));
    out[0].qp = NULL;
    if (in[1].dtype != QNS_F32 && !qns_is_code(in[1].dtype))
        QNS_FAIL(err, SHAPE, "the slope is %s, must be float32", qns_dtype_name(in[1].dtype));
    QNS_TRY(qns_broadcast_shape(&s, &in[0].shape, &in[1].shape, err));
    if (!qns_shape_equal(&s, &in[0].shape))
        QNS_FAIL(err, SHAPE, "a slope of shape %s does not broadcast to %s",
                 qns_shape_str(&in[1].shape).s, qns_shape_str(&in[0].shape).s);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "PRelu";
    return QNS_OK;
}

/* Calls row() for each run of the output. Elements of x, slope and y have sizes of their own. */
typedef void run_row(const qns_call *c, size_t y, size_t x, size_t slope, int64_t sx, int64_t ss,
                     size_t n);

static void run_rows(const qns_call *c, run_row *row)
{
    qns_bcast p;

    qns_bcast_lay(&p, &c->out[0], &c->in[0], &c->in[1]);
    if (!qns_tensor_count(&c->out[0]))
        return;
#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->out[0]) > QNS_PAR_MIN)
    for (size_t r = 0; r < p.rows; r++) {
        size_t x, slope;
        qns_bcast_row(&x, &slope, &p, r);
        row(c, r * p.row, x, slope, p.a_step[p.rank - 1], p.b_step[p.rank - 1], p.row);
    }
}

static void row_f32(const qns_call *c, size_t y, size_t x, size_t slope, int64_t sx, int64_t ss,
                    size_t n)
{
    const float *from = qns_cf32(&c->in[0]) + x, *w = qns_cf32(&c->in[1]) + slope;
    float *to = qns_f32(&c->out[0]) + y;

    for (size_t i = 0; i < n; i++) {
        const float v = from[(int64_t)i * sx];
        to[i] = v > 0.0f ? v : v * w[(int64_t)i * ss];
    }
}

static void run_f32(const qns_call *c)
{
    run_rows(c, row_f32);
}

static const char *reject_float_slope(const qns_call *c)
{
    if (c->in[1].dtype != QNS_F32)
        return "the slope is not float32";
    return qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
}

static void row_float_slope(const qns_call *c, size_t y, size_t x, size_t slope, int64_t sx,
                            int64_t ss, size_t n)
{
    const qns_qparams *qi = c->in[0].qp, *qo = c->out[0].qp;
    const float scale = (float)qi->scale[0], inv = 1.0f / (float)qo->scale[0];
    const float *w = qns_cf32(&c->in[1]) + slope;
    const uint8_t *from = (const uint8_t *)c->in[0].data + x;
    uint8_t *to = (uint8_t *)c->out[0].data + y;

    for (size_t i = 0; i < n; i++) {
        const float d = qns_value_of(from[(int64_t)i * sx], scale, qi->zero[0]);
        to[i] =
            (uint8_t)qns_code_of(d > 0.0f ? d : d * w[(int64_t)i * ss], inv, qo->zero[0], 0, 255);
    }
}

static void run_float_slope(const qns_call *c)
{
    run_rows(c, row_float_slope);
}

/* ---- spec section 5.2, "prelu" ---- */

static int32_t one_of(const qns_qparams *qp)
{
    return qns_code_of(1.0f, 1.0f / (float)qp->scale[0], qp->zero[0], qns_dtype_min(qp->dtype),
                       qns_dtype_max(qp->dtype));
}

static const char *reject_codes(const qns_call *c)
{
    const qns_tensor *w = &c->in[1];
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);

    if (why)
        return why;
    if (!qns_per_tensor(w, QNS_U8) && !qns_per_tensor(w, QNS_I8))
        return "the slope is no code with one scale";
    if (qns_qparams_reach(w->qp, 0).hi < 1.0f - 0.5f * (float)w->qp->scale[0])
        return "the codes of the slope do not reach 1";
    return NULL;
}

static int32_t slope_at(const qns_tensor *w, size_t i)
{
    return w->dtype == QNS_U8 ? ((const uint8_t *)w->data)[i] : ((const int8_t *)w->data)[i];
}

static void row_codes(const qns_call *c, size_t y, size_t x, size_t slope, int64_t sx, int64_t ss,
                      size_t n)
{
    const qns_qparams *qi = c->in[0].qp, *qw = c->in[1].qp, *qo = c->out[0].qp;
    const float inv = 1.0f / (float)qo->scale[0];
    const float m = (float)qi->scale[0] * (float)qw->scale[0] * inv;
    const int32_t one = one_of(qw) - qw->zero[0];
    const uint8_t *from = (const uint8_t *)c->in[0].data + x;
    uint8_t *to = (uint8_t *)c->out[0].data + y;

    for (size_t i = 0; i < n; i++) {
        const int32_t d = from[(int64_t)i * sx] - qi->zero[0];
        const int32_t w = slope_at(&c->in[1], slope + (size_t)((int64_t)i * ss)) - qw->zero[0];
        const int64_t r = (int64_t)qk_rne((float)(d > 0 ? d * one : d * w) * m) + qo->zero[0];
        to[i] = (uint8_t)(r < 0 ? 0 : r > 255 ? 255 : r);
    }
}

static void run_codes(const qns_call *c)
{
    run_rows(c, row_codes);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&out[0]);
}

static const qns_impl codes = {
    .name = "prelu.codes", .reject = reject_codes, .run = run_codes, .in_place = true};
static const qns_impl float_slope = {.name = "prelu.u8.float_slope",
                                     .reject = reject_float_slope,
                                     .run = run_float_slope,
                                     .in_place = true};
static const qns_impl f32 = {
    .name = "prelu.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl *const impls[] = {&codes, &float_slope, &f32, NULL};

static const qns_onnx_rule rules[] = {{"PRelu", 7, NULL}, {NULL, 0, NULL}};

const qns_op qns_op_prelu = {
    .name = "prelu",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .macs = macs,
    .impls = impls,
};
