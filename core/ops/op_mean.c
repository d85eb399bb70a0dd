/* SPDX-License-Identifier: MIT */
/* Mean over any axes. The input is walked once in memory order and added up in double, so the order
 * of the sum is fixed. On codes, over the innermost axes: the sum of codes is exact and divided
 * once, over the spatial axes of channels-last memory PyTorch adds floats (spec section 5.3,
 * "mean"). */
#include "core/ops/op_mean.h"

#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/pool.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static qns_status find_axes(bool reduce[QNS_MAX_RANK], const qns_mean_attr *a, int32_t rank,
                            qns_err *err)
{
    for (int32_t i = 0; i < rank; i++)
        reduce[i] = a->n == 0;
    for (int64_t i = 0; i < a->n; i++) {
        int32_t axis;
        QNS_TRY(qns_axis_resolve(&axis, a->axis[i], rank, err));
        reduce[axis] = true;
    }
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_mean_attr *a = n->attr;
    bool reduce[QNS_MAX_RANK];
    QNS_TRY(qns_infer_unary(out, n, in, err));
    QNS_TRY(find_axes(reduce, a, in[0].shape.rank, err));
    qns_shape s = {0};
    for (int32_t i = 0; i < in[0].shape.rank; i++)
        if (!reduce[i] || a->keep)
            s.dim[s.rank++] = reduce[i] ? 1 : in[0].shape.dim[i];
    out[0].shape = s;
    return QNS_OK;
}

static qns_status set_axes(qns_mean_attr *a, const int64_t *v, size_t n, qns_err *err)
{
    if (n > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "%zu axes are too many", n);
    for (size_t i = 0; i < n; i++)
        a->axis[i] = v[i];
    a->n = (int64_t)n;
    return QNS_OK;
}

static qns_status read_1(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_mean_attr *a = attr;
    const int64_t *v;
    size_t count;
    QNS_TRY(qns_attrs_int(&a->keep, n->attrs, "keepdims", 1, err));
    QNS_TRY(qns_attrs_ints(&v, &count, n->attrs, "axes", err));
    return set_axes(a, v, count, err);
}

static qns_status read_18(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_mean_attr *a = attr;
    int64_t v[QNS_MAX_RANK], noop;
    size_t count = 0;
    QNS_TRY(qns_attrs_int(&a->keep, n->attrs, "keepdims", 1, err));
    QNS_TRY(qns_attrs_int(&noop, n->attrs, "noop_with_empty_axes", 0, err));
    if (qns_onnx_given(n, 1))
        QNS_TRY(qns_onnx_ints(v, &count, QNS_MAX_RANK, n, 1, "axes", err));
    if (count == 0 && noop)
        QNS_FAIL(err, UNSUPPORTED, "a mean over no axes");
    qns_onnx_keep_inputs(n, 1);
    return set_axes(a, v, count, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_mean_attr *a = n->attr;
    w->type = "ReduceMean";
    w->since = w->opset >= 18 ? 18 : 0;
    if (a->n && w->since)
        QNS_TRY(qns_onnx_add_ints(w, "axes", a->axis, (size_t)a->n, err));
    else if (a->n)
        QNS_TRY(qns_attrs_add_ints(&w->attrs, "axes", a->axis, (size_t)a->n, err));
    return qns_attrs_add_int(&w->attrs, "keepdims", a->keep != 0, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_mean_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, a->n ? "axes" : "all axes");
    for (int64_t i = 0; i < a->n && len < size; i++)
        len += (size_t)snprintf(out + len, size - len, "%s%" PRId64, i ? "," : " ", a->axis[i]);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&in[0]);
}

/* ---- running ---- */

/* The axes of the input in memory order, with the step of each in the output (0: reduced). */
typedef struct walk {
    int32_t rank;
    int64_t dim[QNS_MAX_RANK], step[QNS_MAX_RANK];
    size_t count; /* elements in each mean */
} walk;

static walk lay(const qns_call *c)
{
    const qns_tensor *x = &c->in[0];
    const qns_mean_attr *a = c->node->attr;
    bool reduce[QNS_MAX_RANK];
    int64_t out_step[QNS_MAX_RANK] = {0};
    walk w = {.rank = x->shape.rank, .count = 1};
    (void)find_axes(reduce, a, w.rank, NULL); /* infer() has checked the axes */
    qns_strides_of(out_step, &c->out[0]);
    const qns_shape m = qns_tensor_memory_shape(x);
    for (int32_t i = 0, k = 0; i < w.rank; i++) {
        const int32_t at = qns_memory_axis(x->layout, w.rank, i);
        w.dim[at] = m.dim[at];
        w.step[at] = reduce[i] ? 0 : out_step[k];
        k += !reduce[i] || a->keep;
        if (reduce[i])
            w.count *= (size_t)x->shape.dim[i];
    }
    return w;
}

/* Where row r of the input (all but the last memory axis) goes. */
static size_t row_target(const walk *w, size_t r)
{
    size_t to = 0;
    for (int32_t i = w->rank - 1; i-- > 0;) {
        to += r % (size_t)w->dim[i] * (size_t)w->step[i];
        r /= (size_t)w->dim[i];
    }
    return to;
}

static size_t scratch_f32(const qns_call *c)
{
    return qns_tensor_count(&c->out[0]) * sizeof(double);
}

static void run_f32(const qns_call *c)
{
    const walk w = lay(c);
    const float *x = qns_cf32(&c->in[0]);
    const size_t n_in = qns_tensor_count(&c->in[0]), n = qns_tensor_count(&c->out[0]);
    const size_t row = w.rank ? (size_t)w.dim[w.rank - 1] : 1;
    const int64_t step = w.rank ? w.step[w.rank - 1] : 0;
    double *sum = c->scratch;
    memset(sum, 0, n * sizeof *sum);
    for (size_t r = 0; row && r < n_in / row; r++, x += row) {
        double *to = sum + row_target(&w, r);
        for (size_t i = 0; i < row; i++)
            to[(int64_t)i * step] += (double)x[i];
    }
    for (size_t i = 0; i < n; i++)
        qns_f32(&c->out[0])[i] = (float)(sum[i] / (double)w.count);
}

/* The reduced axes are the last ones of the shape. */
static bool innermost(const qns_call *c)
{
    bool reduce[QNS_MAX_RANK];
    const int32_t rank = c->in[0].shape.rank;
    (void)find_axes(reduce, c->node->attr, rank, NULL);
    for (int32_t i = 1; i < rank; i++)
        if (reduce[i - 1] && !reduce[i])
            return false;
    return rank > 0 && reduce[rank - 1];
}

static const char *reject_u8(const qns_call *c)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], QNS_U8);
    if (why)
        return why;
    if (!innermost(c))
        return "the mean is not over the innermost axes";
    if (lay(c).count > 1 << 23)
        return "the mean is over more than 2^23 codes";
    return qns_reject_not_moved(c);
}

/* The reduced axes are all spatial axes of channels-last memory. */
static bool spatial_chlast(const qns_call *c)
{
    bool reduce[QNS_MAX_RANK];
    const qns_tensor *x = &c->in[0];
    (void)find_axes(reduce, c->node->attr, x->shape.rank, NULL);
    if (x->layout != QNS_CHLAST || qns_layout_trivial(&x->shape) || reduce[0] || reduce[1])
        return false;
    for (int32_t i = 2; i < x->shape.rank; i++)
        if (!reduce[i])
            return false;
    return true;
}

static const char *reject_chlast(const qns_call *c)
{
    if (!spatial_chlast(c))
        return "the mean is not over the spatial axes of channels-last memory";
    return reject_u8(c);
}

/* PyTorch's float sum over one axis: levels of 2^power terms each, so that the error stays small.
 * The order is visible in the code when the mean lies next to a tie. */
static float cascade(const uint8_t *x, size_t step, size_t n, const qns_qparams *qp)
{
    enum { LEVELS = 4 };
    const float scale = (float)qp->scale[0];
    float acc[LEVELS] = {0};
    size_t power = 0;
    while (((size_t)1 << power) < n)
        power++;
    power = power / LEVELS > 4 ? power / LEVELS : 4;
    const size_t mask = ((size_t)1 << power) - 1, whole = n & ~mask;
    for (size_t i = 0; i < n; i++) {
        acc[0] += scale * (float)(x[i * step] - qp->zero[0]);
        if (i >= whole || ((i + 1) & mask))
            continue;
        for (size_t k = 1; k < LEVELS; k++) {
            acc[k] += acc[k - 1];
            acc[k - 1] = 0;
            if ((i + 1) & (mask << k * power))
                break;
        }
    }
    for (size_t k = 1; k < LEVELS; k++)
        acc[0] += acc[k];
    return acc[0];
}

/* The same in four interleaved parts. */
static float cascade_by_4(const uint8_t *x, size_t step, size_t n, const qns_qparams *qp)
{
    const size_t each = n / 4;
    float part[4];
    for (size_t k = 0; k < 4; k++)
        part[k] = cascade(x + k * step, 4 * step, each, qp);
    for (size_t i = 4 * each; i < n; i++)
        part[0] += (float)qp->scale[0] * (float)(x[i * step] - qp->zero[0]);
    return ((part[0] + part[1]) + part[2]) + part[3];
}

/* Spec section 5.3, "mean" over other than the innermost memory axes: dequantize, mean, quantize.
 * Which channels are summed in four parts follows from the vectors of 8 lanes there. */
static void mean_channels(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const qns_shape *s = &c->in[0].shape;
    const qns_qparams *qp = c->in[0].qp;
    const size_t channels = (size_t)s->dim[1], n = qns_shape_span(s, 2, s->rank);
    const size_t group = channels >= 8 ? 32 : 4, plain = channels / group * group;
    const float inv = 1.0f / (float)qp->scale[0];
    const uint8_t *x = c->in[0].data;
    uint8_t *y = c->out[0].data;
    for (size_t i = first; i < end; i++) {
        const size_t ch = i % channels;
        const uint8_t *from = x + i / channels * n * channels + ch;
        const float sum =
            ch < plain ? cascade(from, channels, n, qp) : cascade_by_4(from, channels, n, qp);
        y[i] = (uint8_t)qns_code_of(sum / (float)n, inv, qp->zero[0], 0, 255);
    }
}

static void run_chlast(const qns_call *c)
{
    const qns_shape *s = &c->in[0].shape;
    const size_t n = (size_t)(s->dim[0] * s->dim[1]);
    const bool much = qns_tensor_count(&c->in[0]) > QNS_PAR_MIN;
    qns_parallel_ranges(c->team, n, much ? 1 : n, mean_channels, c);
}

static const char *reject_qnnpack(const qns_call *c)
{
    if (c->be->requant != QNS_REQUANT_QNNPACK)
        return "the backend is not qnnpack";
    const qns_mean_attr *a = c->node->attr;
    bool reduce[QNS_MAX_RANK];
    (void)find_axes(reduce, a, c->in[0].shape.rank, NULL);
    if (c->in[0].shape.rank != 4 || reduce[0] || reduce[1] || !reduce[2] || !reduce[3])
        return "qnnpack takes the mean of a 4-dimensional tensor over its axes 2 and 3";
    return reject_u8(c);
}

static size_t scratch_u8(const qns_call *c)
{
    return qns_tensor_count(&c->out[0]) * sizeof(int32_t);
}

static walk sum_u8(const qns_call *c)
{
    const walk w = lay(c);
    const uint8_t *x = c->in[0].data;
    const size_t n_in = qns_tensor_count(&c->in[0]);
    const size_t row = (size_t)w.dim[w.rank - 1];
    const int64_t step = w.step[w.rank - 1];
    int32_t *sum = c->scratch;
    memset(sum, 0, scratch_u8(c));
    for (size_t r = 0; row && r < n_in / row; r++, x += row) {
        int32_t *to = sum + row_target(&w, r);
        for (size_t i = 0; i < row; i++)
            to[(int64_t)i * step] += x[i];
    }
    return w;
}

static void run_u8(const qns_call *c)
{
    const walk w = sum_u8(c);
    const int32_t *sum = c->scratch;
    uint8_t *y = c->out[0].data;
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++) {
        const int32_t r = qk_rne((float)sum[i] / (float)w.count);
        y[i] = (uint8_t)(r < 0 ? 0 : r > 255 ? 255 : r);
    }
}

static void run_qnnpack(const qns_call *c)
{
    const walk w = sum_u8(c);
    const qns_qparams *qp = c->in[0].qp;
    const int32_t *sum = c->scratch;
    uint8_t *y = c->out[0].data;
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++)
        y[i] = qns_mean_qnnpack(sum[i] - (int32_t)w.count * qp->zero[0], (float)qp->scale[0],
                                (float)w.count, qp->zero[0]);
}

static const qns_impl qnnpack = {.name = "mean.u8.qnnpack",
                                 .reject = reject_qnnpack,
                                 .scratch_size = scratch_u8,
                                 .run = run_qnnpack,
                                 .on_team = true};
static const qns_impl chlast = {
    .name = "mean.u8.chlast", .reject = reject_chlast, .run = run_chlast, .on_team = true};
static const qns_impl u8 = {.name = "mean.u8",
                            .reject = reject_u8,
                            .scratch_size = scratch_u8,
                            .run = run_u8,
                            .on_team = true};
static const qns_impl f32 = {
    .name = "mean.f32", .reject = qns_reject_not_f32, .scratch_size = scratch_f32, .run = run_f32};
static const qns_impl *const impls[] = {&qnnpack, &chlast, &u8, &f32, NULL};

static const qns_onnx_rule rules[] = {
    {"ReduceMean", 1, read_1}, {"ReduceMean", 18, read_18}, {NULL, 0, NULL}};

const qns_op qns_op_mean = {
    .name = "mean",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_mean_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
