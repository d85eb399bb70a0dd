/* SPDX-License-Identifier: MIT */
/* Padding with a constant, or with the elements that are there: mirrored at the edge or the edge
 * itself. Codes are padded with the code of the constant (0 is the zero point). */
#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"
#include "core/ops/strided.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_pad_attr *a = n->attr;
    QNS_TRY(qns_infer_same(out, n, in, err));
    if (a->n != in[0].shape.rank)
        QNS_FAIL(err, SHAPE, "padding for %" PRId64 " axes, the input is %s", a->n,
                 qns_shape_str(&in[0].shape).s);
    for (int64_t i = 0; i < a->n; i++) {
        const int64_t d = in[0].shape.dim[i], most = a->lo[i] > a->hi[i] ? a->lo[i] : a->hi[i];
        if (a->mode != QNS_PAD_CONSTANT && most > (a->mode == QNS_PAD_REFLECT ? d - 1 : d * most))
            QNS_FAIL(err, SHAPE,
                     "axis %" PRId64 " of size %" PRId64 " cannot be padded by %" PRId64, i, d,
                     most);
        out[0].shape.dim[i] += a->lo[i] + a->hi[i];
    }
    return qns_shape_check(&out[0].shape, err);
}

static qns_status set(qns_pad_attr *a, const int64_t *pads, size_t n, qns_err *err)
{
    if (n % 2 || n > 2 * QNS_MAX_RANK)
        QNS_FAIL(err, FORMAT, "'pads' has %zu numbers; two for each axis are needed", n);
    a->n = (int64_t)(n / 2);
    for (size_t i = 0; i < n; i++) {
        if (pads[i] < 0 || pads[i] > INT32_MAX)
            QNS_FAIL(err, UNSUPPORTED, "padding by %" PRId64, pads[i]);
        if (i < n / 2)
            a->lo[i] = pads[i];
        else
            a->hi[i - n / 2] = pads[i];
    }
    return QNS_OK;
}

static const char *const modes[] = {"constant", "reflect", "edge"};

static qns_status read_mode(qns_pad_attr *a, qns_onnx_node *n, qns_err *err)
{
    const char *mode;
    QNS_TRY(qns_attrs_text(&mode, n->attrs, "mode", "constant", err));
    while (a->mode < 3 && strcmp(mode, modes[a->mode]) != 0)
        a->mode++;
    if (a->mode == 3)
        QNS_FAIL(err, UNSUPPORTED,
                 "padding mode '%.40s'; 'constant', 'reflect', 'edge' are supported", mode);
    return QNS_OK;
}

static qns_status read_2(void *attr, qns_onnx_node *n, qns_err *err)
{
    const int64_t *pads;
    size_t count;
    float value;
    QNS_TRY(read_mode(attr, n, err));
    QNS_TRY(qns_attrs_ints(&pads, &count, n->attrs, "pads", err));
    QNS_TRY(qns_attrs_float(&value, n->attrs, "value", 0, err));
    ((qns_pad_attr *)attr)->value = (double)value;
    return set(attr, pads, count, err);
}

/* Pads of the axes in input 3 to pads of all axes. */
static qns_status spread(int64_t *pads, size_t *count, const qns_onnx_node *n, qns_err *err)
{
    const int32_t rank = qns_gb_value(n->gb, n->in[0])->shape.rank;
    int64_t axes[QNS_MAX_RANK], all[2 * QNS_MAX_RANK] = {0};
    size_t n_axes;
    QNS_TRY(qns_onnx_ints(axes, &n_axes, QNS_MAX_RANK, n, 3, "axes", err));
    if (*count != 2 * n_axes)
        QNS_FAIL(err, FORMAT, "'pads' has %zu numbers; two for each of %zu axes are needed", *count,
                 n_axes);
    for (size_t i = 0; i < n_axes; i++) {
        int32_t axis;
        QNS_TRY(qns_axis_resolve(&axis, axes[i], rank, err));
        all[axis] = pads[i];
        all[rank + axis] = pads[n_axes + i];
    }
    *count = 2 * (size_t)rank;
    memcpy(pads, all, *count * sizeof *pads);
    return QNS_OK;
}

static qns_status read_11(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t pads[2 * QNS_MAX_RANK];
    size_t count;
    float value;
    QNS_TRY(read_mode(attr, n, err));
    QNS_TRY(qns_onnx_ints(pads, &count, 2 * QNS_MAX_RANK, n, 1, "pads", err));
    QNS_TRY(qns_onnx_float(&value, n, 2, 0, "constant_value", err));
    ((qns_pad_attr *)attr)->value = (double)value;
    if (qns_onnx_given(n, 3))
        QNS_TRY(spread(pads, &count, n, err));
    qns_onnx_keep_inputs(n, 1);
    return set(attr, pads, count, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_pad_attr *a = n->attr;
    int64_t pads[2 * QNS_MAX_RANK];
    for (int64_t i = 0; i < a->n; i++) {
        pads[i] = a->lo[i];
        pads[a->n + i] = a->hi[i];
    }
    w->type = "Pad";
    if (a->mode != QNS_PAD_CONSTANT) {
        QNS_TRY(qns_attrs_add_text(&w->attrs, "mode", modes[a->mode], err));
        return qns_onnx_add_ints(w, "pads", pads, 2 * (size_t)a->n, err);
    }
    QNS_TRY(qns_onnx_add_ints(w, "pads", pads, 2 * (size_t)a->n, err));
    return qns_onnx_add_float(w, "value", (float)a->value, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_pad_attr *a = n->attr;
    size_t len = 0;
    if (size)
        out[0] = 0;
    if (a->mode != QNS_PAD_CONSTANT)
        len = (size_t)snprintf(out, size, "%s", modes[a->mode]);
    for (int64_t i = 0; i < a->n && len < size; i++)
        if (a->lo[i] || a->hi[i])
            len += (size_t)snprintf(out + len, size - len,
                                    "%saxis %" PRId64 " by %" PRId64 ",%" PRId64, len ? " " : "", i,
                                    a->lo[i], a->hi[i]);
}

static void fill(const qns_tensor *y, double value)
{
    const size_t n = qns_tensor_count(y);
    if (y->dtype == QNS_F32) {
        float *f = y->data;
        for (size_t i = 0; i < n; i++)
            f[i] = (float)value;
        return;
    }
    const qns_qparams *qp = y->qp;
    const int32_t code = qns_code_of((float)value, 1.0f / (float)qp->scale[0], qp->zero[0],
                                     qns_dtype_min(y->dtype), qns_dtype_max(y->dtype));
    memset(y->data, (uint8_t)code, n);
}

/* Where an element of the padded axis comes from. */
static int64_t source(const qns_pad_attr *a, int32_t axis, int64_t at, int64_t d)
{
    const int64_t i = at - a->lo[axis];
    if (i >= 0 && i < d)
        return i;
    if (a->mode == QNS_PAD_EDGE)
        return i < 0 ? 0 : d - 1;
    return i < 0 ? -i : 2 * (d - 1) - i;
}

static void run_repeated(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *y = &c->out[0];
    const size_t size = qns_dtype_size(x->dtype);
    int64_t from[QNS_MAX_RANK], to[QNS_MAX_RANK], at[QNS_MAX_RANK] = {0};
    qns_strides_of(from, x);
    qns_strides_of(to, y);
    for (size_t i = 0; i < qns_tensor_count(y); i++) {
        int64_t p = 0, q = 0;
        for (int32_t k = 0; k < y->shape.rank; k++) {
            p += source(c->node->attr, k, at[k], x->shape.dim[k]) * from[k];
            q += at[k] * to[k];
        }
        memcpy((char *)y->data + (size_t)q * size, (const char *)x->data + (size_t)p * size, size);
        for (int32_t k = y->shape.rank; k-- > 0 && ++at[k] == y->shape.dim[k];)
            at[k] = 0;
    }
}

static const char *reject_repeated(const qns_call *c)
{
    if (((const qns_pad_attr *)c->node->attr)->mode == QNS_PAD_CONSTANT)
        return "it pads with a constant";
    return qns_reject_not_moved(c);
}

static const char *reject(const qns_call *c)
{
    if (((const qns_pad_attr *)c->node->attr)->mode != QNS_PAD_CONSTANT)
        return "it pads with what is there";
    if (c->in[0].dtype != QNS_F32 && !(qns_is_code(c->in[0].dtype) && c->in[0].qp))
        return "the input is neither float32 nor codes";
    return qns_reject_not_moved(c);
}

static void run(const qns_call *c)
{
    const qns_pad_attr *a = c->node->attr;
    qns_block_copy b = {.shape = c->in[0].shape, .size = qns_dtype_size(c->in[0].dtype)};
    int64_t to = 0;
    fill(&c->out[0], a->value);
    qns_strides_of(b.dst_step, &c->out[0]);
    qns_strides_of(b.src_step, &c->in[0]);
    for (int64_t i = 0; i < a->n; i++)
        to += a->lo[i] * b.dst_step[i];
    qns_copy_block((char *)c->out[0].data + (size_t)to * b.size, c->in[0].data, &b);
}

static const qns_impl any = {.name = "pad", .reject = reject, .run = run};
static const qns_impl repeated = {
    .name = "pad.repeated", .reject = reject_repeated, .run = run_repeated};
static const qns_impl *const impls[] = {&repeated, &any, NULL};

static const qns_onnx_rule rules[] = {{"Pad", 2, read_2}, {"Pad", 11, read_11}, {NULL, 0, NULL}};

const qns_op qns_op_pad = {
    .name = "pad",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_pad_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
