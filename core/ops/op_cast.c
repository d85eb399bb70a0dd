/* SPDX-License-Identifier: MIT */
/* Numbers of another type, truncated towards zero; what does not fit becomes the nearest number
 * that does, NaN becomes 0. Never for codes. */
#include "core/base/log.h"
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* Numbers of TensorProto.DataType; float16 and double are computed as float32 everywhere. */
static const struct {
    int64_t onnx;
    qns_dtype dtype;
} types[] = {{1, QNS_F32}, {2, QNS_U8},   {3, QNS_I8},   {6, QNS_I32},
             {7, QNS_I64}, {9, QNS_BOOL}, {10, QNS_F32}, {11, QNS_F32}};

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype == QNS_F16)
        QNS_FAIL(err, UNSUPPORTED, "casting float16");
    out[0].dtype = (qns_dtype)((const qns_cast_attr *)n->attr)->to;
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t to;
    QNS_TRY(qns_attrs_int(&to, n->attrs, "to", 0, err));
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (types[i].onnx == to) {
            ((qns_cast_attr *)attr)->to = types[i].dtype;
            if (to > 9)
                qns_log(QNS_LOG_WARN, "'%s' casts to %s; it is computed as float32", n->name,
                        to == 10 ? "float16" : "double");
            return QNS_OK;
        }
    QNS_FAIL(err, UNSUPPORTED, "a cast to ONNX type %" PRId64, to);
}

/* CastLike: the type of another tensor. */
static qns_status read_like(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (!qns_onnx_given(n, 1))
        QNS_FAIL(err, FORMAT, "input 1 is missing");
    ((qns_cast_attr *)attr)->to = qns_gb_value(n->gb, n->in[1])->dtype;
    qns_onnx_keep_inputs(n, 1);
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const int64_t to = ((const qns_cast_attr *)n->attr)->to;
    w->type = "Cast";
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (types[i].dtype == (qns_dtype)to)
            return qns_attrs_add_int(&w->attrs, "to", types[i].onnx, err);
    QNS_FAIL(err, UNSUPPORTED, "a cast to %s", qns_dtype_name((qns_dtype)to));
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "to %s", qns_dtype_name((qns_dtype)((const qns_cast_attr *)n->attr)->to));
}

/* Integers go through int64, floats through double: both hold every value exactly. */
static double real_at(const qns_tensor *t, size_t i)
{
    return (double)((const float *)t->data)[i];
}

static int64_t int_at(const qns_tensor *t, size_t i)
{
    switch (t->dtype) {
    case QNS_U8:
        return ((const uint8_t *)t->data)[i];
    case QNS_I8:
        return ((const int8_t *)t->data)[i];
    case QNS_I32:
        return ((const int32_t *)t->data)[i];
    case QNS_BOOL:
        return ((const uint8_t *)t->data)[i] != 0;
    default:
        return ((const int64_t *)t->data)[i];
    }
}

static int64_t truncated(double v)
{
    if (isnan(v))
        return 0;
    return v >= 0x1p63 ? INT64_MAX : v <= -0x1p63 ? INT64_MIN : (int64_t)v;
}

static int64_t within(int64_t v, int64_t lo, int64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

static void store_int(const qns_tensor *t, size_t i, int64_t v)
{
    switch (t->dtype) {
    case QNS_U8:
        ((uint8_t *)t->data)[i] = (uint8_t)within(v, 0, UINT8_MAX);
        break;
    case QNS_I8:
        ((int8_t *)t->data)[i] = (int8_t)within(v, INT8_MIN, INT8_MAX);
        break;
    case QNS_I32:
        ((int32_t *)t->data)[i] = (int32_t)within(v, INT32_MIN, INT32_MAX);
        break;
    default:
        ((int64_t *)t->data)[i] = v;
    }
}

static void run(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *y = &c->out[0];
    const bool real = x->dtype == QNS_F32;
    for (size_t i = 0; i < qns_tensor_count(x); i++) {
        if (y->dtype == QNS_F32)
            ((float *)y->data)[i] = real ? ((const float *)x->data)[i] : (float)int_at(x, i);
        else if (y->dtype == QNS_BOOL)
            ((uint8_t *)y->data)[i] = real ? real_at(x, i) != 0 : int_at(x, i) != 0;
        else
            store_int(y, i, real ? truncated(real_at(x, i)) : int_at(x, i));
    }
}

static const char *reject(const qns_call *c)
{
    if (c->in[0].qp || c->out[0].qp)
        return "codes cannot be cast";
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static const qns_impl any = {.name = "cast", .reject = reject, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {
    {"Cast", 6, read}, {"CastLike", 15, read_like}, {NULL, 0, NULL}};

const qns_op qns_op_cast = {
    .name = "cast",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_cast_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
