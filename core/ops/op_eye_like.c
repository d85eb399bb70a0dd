/* SPDX-License-Identifier: MIT */
/* Ones on a diagonal, zeros elsewhere, in the shape of a matrix. */
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct eye_attr {
    int64_t k;    /* 0 is the main diagonal, above it is positive */
    int64_t type; /* as ONNX counts; 0: that of the input */
} eye_attr;

/* Types of ONNX that are told apart here. */
static const struct {
    int64_t onnx;
    qns_dtype dtype;
} types[] = {{1, QNS_F32},  {2, QNS_U8},   {3, QNS_I8},   {4, QNS_U16},
             {5, QNS_I16},  {6, QNS_I32},  {7, QNS_I64},  {9, QNS_BOOL},
             {10, QNS_F32}, {11, QNS_F32}, {12, QNS_U32}, {13, QNS_U64}};

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const int64_t type = ((const eye_attr *)n->attr)->type;
    if (in[0].shape.rank != 2 || in[0].dtype == QNS_F16)
        QNS_FAIL(err, SHAPE, "%s %s is no matrix of plain numbers", qns_dtype_name(in[0].dtype),
                 qns_shape_str(&in[0].shape).s);
    out[0].dtype = type ? QNS_DTYPE_COUNT : in[0].dtype;
    for (size_t i = 0; i < QNS_ARRAY_LEN(types); i++)
        if (types[i].onnx == type)
            out[0].dtype = types[i].dtype;
    if (out[0].dtype == QNS_DTYPE_COUNT)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'dtype' is %" PRId64, type);
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    eye_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->k, n->attrs, "k", 0, err));
    return qns_attrs_int(&a->type, n->attrs, "dtype", 0, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const eye_attr *a = n->attr;
    w->type = "EyeLike";
    if (a->type)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "dtype", a->type, err));
    return qns_attrs_add_int(&w->attrs, "k", a->k, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    snprintf(out, size, "diagonal %" PRId64, ((const eye_attr *)n->attr)->k);
}

static void run(const qns_call *c)
{
    const int64_t k = ((const eye_attr *)c->node->attr)->k;
    const int64_t rows = c->out[0].shape.dim[0], cols = c->out[0].shape.dim[1];
    const size_t size = qns_tensor_bytes(&c->out[0]);
    if (size)
        memset(c->out[0].data, 0, size);
    for (int64_t i = 0; i < rows; i++) {
        if (k < -i || k >= cols - i)
            continue;
        const size_t at = (size_t)(i * cols + i + k);
        if (c->out[0].dtype == QNS_F32)
            qns_f32(&c->out[0])[at] = 1.0f;
        else
            qns_int_put(&c->out[0], at, 1);
    }
}

static const qns_impl any = {.name = "eye_like", .reject = qns_reject_not_plain, .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"EyeLike", 9, read}, {NULL, 0, NULL}};

const qns_op qns_op_eye_like = {
    .name = "eye_like",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(eye_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
