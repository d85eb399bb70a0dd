/* SPDX-License-Identifier: MIT */
/* Joins tensors along an axis. Codes with the output's qparams are copied. Others pass through a
 * table made from the formulas of spec section 5.3, "cat": along the channels of channels-last
 * memory, blocks of 8 channels (the spec says 32, PyTorch 1.13 has a second step of 8) take the
 * vector formula and the rest the scalar one. */
#include "core/ops/op_concat.h"

#include "core/graph/op.h"
#include "core/ops/codes.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int32_t axis_of(const qns_node *n, const qns_tensor *t)
{
    const int64_t a = ((const qns_concat_attr *)n->attr)->axis;
    return (int32_t)(a < 0 ? a + t->shape.rank : a);
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    int32_t axis;
    QNS_TRY(
        qns_axis_resolve(&axis, ((const qns_concat_attr *)n->attr)->axis, in[0].shape.rank, err));
    qns_shape s = in[0].shape;
    for (uint32_t i = 1; i < n->n_in; i++) {
        qns_shape t = in[i].shape;
        if (in[i].dtype != in[0].dtype)
            QNS_FAIL(err, SHAPE, "cannot join %s and %s", qns_dtype_name(in[0].dtype),
                     qns_dtype_name(in[i].dtype));
        const int64_t d = t.rank == s.rank ? t.dim[axis] : -1;
        if (d >= 0)
            t.dim[axis] = s.dim[axis];
        if (!qns_shape_equal(&s, &t))
            QNS_FAIL(err, SHAPE, "cannot join %s and %s along axis %d",
                     qns_shape_str(&in[0].shape).s, qns_shape_str(&in[i].shape).s, (int)axis);
        s.dim[axis] += d;
    }
    out[0].dtype = in[0].dtype;
    out[0].shape = s;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (!qns_attrs_find(n->attrs, "axis"))
        QNS_FAIL(err, FORMAT, "attribute 'axis' is missing");
    return qns_attrs_int(&((qns_concat_attr *)attr)->axis, n->attrs, "axis", 0, err);
}

/* y_scale y_zero, then x x_scale x_zero of each input. */
static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_vid x[QNS_MAX_IN];
    uint32_t count = 0;
    QNS_TRY(read(attr, n, err));
    if (n->n_in < 5)
        QNS_FAIL(err, FORMAT, "has %u inputs; needs 5 at least", n->n_in);
    QNS_TRY(qns_qop_output(n, 0, err));
    for (uint32_t i = 2; i < n->n_in; i += 3)
        QNS_TRY(qns_qop_input(&x[count++], n, i, 0, err));
    memcpy(n->in, x, count * sizeof *x);
    qns_onnx_keep_inputs(n, count);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "Concat";
    return qns_attrs_add_int(&w->attrs, "axis", ((const qns_concat_attr *)n->attr)->axis, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "axis %" PRId64, ((const qns_concat_attr *)n->attr)->axis);
}

/* ---- plain copies ---- */

static const char *reject_copy(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        if (c->in[i].dtype != c->out[0].dtype)
            return "an input has another type than the output";
        if (!qns_same_qp(&c->in[i], &c->out[0]))
            return "an input has other quantization parameters than the output";
        if (c->in[i].qp && c->in[i].qp->axis >= 0)
            return "quantization is per channel";
    }
    return NULL;
}

static void copy_one(const qns_call *c, uint32_t i, int64_t at)
{
    const int32_t axis = axis_of(c->node, &c->in[0]);
    qns_block_copy b = {.shape = c->in[i].shape, .size = qns_dtype_size(c->in[i].dtype)};
    qns_strides_of(b.dst_step, &c->out[0]);
    qns_strides_of(b.src_step, &c->in[i]);
    qns_copy_block((char *)c->out[0].data + (size_t)(at * b.dst_step[axis]) * b.size, c->in[i].data,
                   &b);
}

static void run_copy(const qns_call *c)
{
    const int32_t axis = axis_of(c->node, &c->in[0]);
    int64_t at = 0;
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        copy_one(c, i, at);
        at += c->in[i].shape.dim[axis];
    }
}

/* ---- codes of other qparams ---- */

/* By the vector formula and by the scalar one. */
typedef struct tables {
    bool copy;
    qns_code_table vector, scalar;
} tables;

static void fill(tables *t, const qns_qparams *in, const qns_qparams *out)
{
    const float s = (float)in->scale[0], so = (float)out->scale[0];
    const float inv_vector = (float)(1.0 / out->scale[0]), inv_scalar = 1.0f / so;
    const int32_t z = in->zero[0], zo = out->zero[0];
    t->copy = qns_qparams_equal(in, out);
    for (int32_t q = 0; q < 256; q++) {
        t->vector.at[q] =
            (uint8_t)qns_code_of_array(qns_value_of_fma(q, s, z), inv_vector, zo, 0, 255);
        t->scalar.at[q] = (uint8_t)qns_code_of(qns_value_of(q, s, z), inv_scalar, zo, 0, 255);
    }
}

static const char *reject_u8(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        const char *why = qns_reject_codes(&c->in[i], &c->out[0], QNS_U8);
        if (why)
            return why;
        if (c->in[i].layout != c->out[0].layout && !qns_layout_trivial(&c->in[i].shape))
            return "the inputs lie differently in memory";
    }
    return NULL;
}

static qns_status prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    tables *t;
    QNS_TRY(qns_arena_new((void **)&t, a, c->node->n_in, sizeof *t, err));
    for (uint32_t i = 0; i < c->node->n_in; i++)
        fill(&t[i], c->in[i].qp, c->out[0].qp);
    *packed = t;
    return QNS_OK;
}

static void map_run(const qns_call *c, const tables *t, uint8_t *y, const uint8_t *x, size_t n,
                    size_t n_vector)
{
    if (t->copy) {
        memcpy(y, x, n);
        return;
    }
    c->k->lut_u8(y, x, n_vector, t->vector.at);
    c->k->lut_u8(y + n_vector, x + n_vector, n - n_vector, t->scalar.at);
}

static void map_outer(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const int32_t axis = axis_of(c->node, &c->in[0]);
    const qns_channels o = qns_channels_of(&c->out[0], axis);
    const bool blocks = c->out[0].layout == QNS_CHLAST && axis == 1;
    const tables *t = c->packed;
    uint8_t *y = c->out[0].data;
    for (size_t p = first; p < end; p++) {
        uint8_t *to = y + p * o.n * o.inner;
        for (uint32_t i = 0; i < c->node->n_in; i++) {
            const size_t n = (size_t)c->in[i].shape.dim[axis] * o.inner;
            map_run(c, &t[i], to, (const uint8_t *)c->in[i].data + p * n, n,
                    blocks ? n / 8 * 8 : 0);
            to += n;
        }
    }
}

static void run_u8(const qns_call *c)
{
    const size_t n = qns_channels_of(&c->out[0], axis_of(c->node, &c->in[0])).outer;
    const bool much = qns_tensor_count(&c->out[0]) > QNS_PAR_MIN;
    qns_parallel_ranges(c->team, n, much ? 1 : n, map_outer, c);
}

static const qns_impl copy = {
    .name = "concat", .reject = reject_copy, .run = run_copy, .on_team = true};
static const qns_impl u8 = {
    .name = "concat.u8", .reject = reject_u8, .prepare = prepare, .run = run_u8, .on_team = true};
static const qns_impl *const impls[] = {&copy, &u8, NULL};

static const qns_onnx_rule rules[] = {
    {"Concat", 4, read}, {"com.microsoft.QLinearConcat", 1, read_qlinear}, {NULL, 0, NULL}};

const qns_op qns_op_concat = {
    .name = "concat",
    .min_in = 1,
    .max_in = QNS_MAX_IN,
    .n_out = 1,
    .attr_size = sizeof(qns_concat_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
