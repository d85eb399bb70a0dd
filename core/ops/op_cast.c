/* SPDX-License-Identifier: MIT */
/* Numbers of another type, truncated towards zero; what does not fit becomes the nearest number
 * that does, NaN becomes 0. Never for codes. Floats of 16 bits: float16 to nearest even, bfloat16
 * truncated, which is what the tests of ONNX ask for where its text is silent. */
#include "core/base/half.h"
#include "core/base/log.h"
#include "core/graph/element.h"
#include "core/graph/op.h"
#include "core/ops/op_help.h"
#include "core/ops/op_moves.h"

#include <inttypes.h>
#include <stdio.h>

/* Numbers of TensorProto.DataType. The short floats and double are computed as float32 everywhere;
 * a cast to a short one drops the bits that it does not have. */
enum { DOUBLE = 11 };
static const struct {
    int64_t onnx;
    qns_dtype dtype;
    qns_cast_grid grid;
} types[] = {
    {1, QNS_F32, QNS_CAST_ALL},      {2, QNS_U8, QNS_CAST_ALL},   {3, QNS_I8, QNS_CAST_ALL},
    {4, QNS_U16, QNS_CAST_ALL},      {5, QNS_I16, QNS_CAST_ALL},  {6, QNS_I32, QNS_CAST_ALL},
    {7, QNS_I64, QNS_CAST_ALL},      {9, QNS_BOOL, QNS_CAST_ALL}, {10, QNS_F32, QNS_CAST_F16},
    {DOUBLE, QNS_F32, QNS_CAST_ALL}, {12, QNS_U32, QNS_CAST_ALL}, {13, QNS_U64, QNS_CAST_ALL},
    {16, QNS_F32, QNS_CAST_BF16},
};

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype == QNS_F16 && ((const qns_cast_attr *)n->attr)->to != QNS_F32)
        QNS_FAIL(err, UNSUPPORTED, "casting float16 to anything but float32");
    out[0].dtype = (qns_dtype)((const qns_cast_attr *)n->attr)->to;
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status set(qns_cast_attr *a, int64_t to, const qns_onnx_node *n, qns_err *err)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (types[i].onnx == to) {
            *a = (qns_cast_attr){types[i].dtype, types[i].grid};
            if (to == DOUBLE)
                qns_log(QNS_LOG_WARN, "'%s' casts to double; it is computed as float32", n->name);
            return QNS_OK;
        }
    QNS_FAIL(err, UNSUPPORTED, "a cast to ONNX type %" PRId64, to);
}

/* Attribute 'saturate' is about float8, which cannot be cast to here. */
static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t to, saturate;
    QNS_TRY(qns_attrs_int(&saturate, n->attrs, "saturate", 1, err));
    QNS_TRY(qns_attrs_int(&to, n->attrs, "to", 0, err));
    return set(attr, to, n, err);
}

/* CastLike: the type of another tensor. */
static qns_status read_like(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t saturate;
    QNS_TRY(qns_attrs_int(&saturate, n->attrs, "saturate", 1, err));
    if (!qns_onnx_given(n, 1))
        QNS_FAIL(err, FORMAT, "input 1 is missing");
    ((qns_cast_attr *)attr)->to = qns_gb_value(n->gb, n->in[1])->dtype;
    const int32_t type = n->file_type[1];
    qns_onnx_keep_inputs(n, 1);
    return type ? set(attr, type, n, err) : QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_cast_attr *a = n->attr;
    w->type = "Cast";
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (types[i].dtype == (qns_dtype)a->to && types[i].grid == (qns_cast_grid)a->grid)
            return qns_attrs_add_int(&w->attrs, "to", types[i].onnx, err);
    QNS_FAIL(err, UNSUPPORTED, "a cast to %s", qns_dtype_name((qns_dtype)a->to));
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_cast_attr *a = n->attr;
    snprintf(out, size, "to %s",
             a->grid == QNS_CAST_F16    ? "float16"
             : a->grid == QNS_CAST_BF16 ? "bfloat16"
                                        : qns_dtype_name((qns_dtype)a->to));
}

static float on_grid(float v, int64_t grid)
{
    if (grid == QNS_CAST_F16)
        return qns_half_to_float(qns_float_to_half(v));
    return grid == QNS_CAST_BF16 ? qns_bfloat_to_float(qns_float_to_bfloat(v)) : v;
}

/* Saturates; uint64 is beyond every other type where it is negative as an int64. */
static int64_t whole(qns_dtype to, qns_dtype from, int64_t v)
{
    const bool beyond = from == QNS_U64 && v < 0;
    if (to == QNS_U64)
        return beyond || v > 0 ? v : 0;
    return beyond || v > qns_int_max(to) ? qns_int_max(to)
           : v < qns_int_min(to)         ? qns_int_min(to)
                                         : v;
}

static void run(const qns_call *c)
{
    const qns_cast_attr *a = c->node->attr;
    const qns_tensor *x = &c->in[0], *y = &c->out[0];
    const bool real = x->dtype == QNS_F32;
    if (x->dtype == QNS_F16) { /* weights that are kept short; infer() has checked the other type */
        qns_tensor_to_float(y->data, x);
        return;
    }
    for (size_t i = 0; i < qns_tensor_count(x); i++) {
        if (real && y->dtype == QNS_F32)
            ((float *)y->data)[i] = on_grid(((const float *)x->data)[i], a->grid);
        else if (y->dtype == QNS_F32)
            ((float *)y->data)[i] = on_grid(qns_int_float(x->dtype, qns_int_at(x, i)), a->grid);
        else if (y->dtype == QNS_BOOL)
            ((uint8_t *)y->data)[i] = qns_real_at(x, i) != 0;
        else if (real)
            qns_int_put(y, i, qns_int_of_real(y->dtype, qns_real_at(x, i)));
        else
            qns_int_put(y, i, whole(y->dtype, x->dtype, qns_int_at(x, i)));
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
