/* SPDX-License-Identifier: MIT */
/* A tensor of one repeated number whose shape is a constant input. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"

#include <string.h>

typedef struct fill_attr {
    int64_t dtype;
    uint64_t bits; /* one element, in the first bytes */
} fill_attr;

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape s = {0};
    if (in[0].dtype != QNS_I64 || in[0].shape.rank != 1)
        QNS_FAIL(err, SHAPE, "the shape must be int64 with 1 dimension");
    if (!in[0].data)
        QNS_FAIL(err, UNSUPPORTED, "the shape is computed at run time");
    if (in[0].shape.dim[0] > QNS_MAX_RANK)
        QNS_FAIL(err, SHAPE, "a shape of more than %d dimensions", QNS_MAX_RANK);
    s.rank = (int32_t)in[0].shape.dim[0];
    memcpy(s.dim, in[0].data, (size_t)s.rank * sizeof *s.dim);
    out[0].dtype = (qns_dtype)((const fill_attr *)n->attr)->dtype;
    out[0].shape = s;
    return qns_shape_check(&s, err);
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    fill_attr *a = attr;
    const qns_attr *v = qns_attrs_find(n->attrs, "value");
    a->dtype = QNS_F32;
    if (!v)
        return QNS_OK;
    if (v->kind != QNS_ATTR_TENSOR || qns_tensor_count(&v->tensor) != 1)
        QNS_FAIL(err, FORMAT, "attribute 'value' must be a tensor with one element");
    a->dtype = v->tensor.dtype;
    memcpy(&a->bits, v->tensor.data, qns_dtype_size(v->tensor.dtype));
    return QNS_OK;
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const fill_attr *a = n->attr;
    uint64_t bits = a->bits;
    qns_attr v = {.name = "value", .kind = QNS_ATTR_TENSOR};
    v.tensor =
        (qns_tensor){.dtype = (qns_dtype)a->dtype, .shape = {.rank = 1, .dim = {1}}, .data = &bits};
    w->type = "ConstantOfShape";
    return qns_attrs_add(&w->attrs, &v, err);
}

static void run(const qns_call *c)
{
    const fill_attr *a = c->node->attr;
    const size_t size = qns_dtype_size(c->out[0].dtype);
    for (size_t i = 0; i < qns_tensor_count(&c->out[0]); i++)
        memcpy((char *)c->out[0].data + i * size, &a->bits, size);
}

static const qns_impl any = {.name = "constant_of_shape", .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"ConstantOfShape", 9, read}, {NULL, 0, NULL}};

const qns_op qns_op_constant_of_shape = {
    .name = "constant_of_shape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(fill_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .impls = impls,
};
