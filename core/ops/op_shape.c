/* SPDX-License-Identifier: MIT */
/* The shape of a tensor as numbers: where the shape arithmetic of exporters begins. */
#include "core/graph/op.h"
#include "core/ops/op_help.h"

typedef struct shape_attr {
    int64_t start, end; /* axes start .. end - 1, as in the model: negative counts from the end */
} shape_attr;

static int64_t bound(int64_t axis, int64_t rank)
{
    if (axis < 0)
        axis += rank;
    return axis < 0 ? 0 : axis > rank ? rank : axis;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const shape_attr *a = n->attr;
    const int64_t lo = bound(a->start, in[0].shape.rank), hi = bound(a->end, in[0].shape.rank);
    out[0].dtype = QNS_I64;
    out[0].shape = (qns_shape){.rank = 1, .dim = {hi > lo ? hi - lo : 0}};
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    shape_attr *a = attr;
    QNS_TRY(qns_attrs_int(&a->start, n->attrs, "start", 0, err));
    return qns_attrs_int(&a->end, n->attrs, "end", INT32_MAX, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const shape_attr *a = n->attr;
    if (a->start != 0 || a->end < INT32_MAX)
        QNS_FAIL(err, UNSUPPORTED, "a part of a shape cannot be written for opset 13");
    w->type = "Shape";
    return QNS_OK;
}

static void run(const qns_call *c)
{
    const shape_attr *a = c->node->attr;
    int64_t *y = c->out[0].data;
    const qns_shape *s = &c->in[0].shape;
    const int64_t lo = bound(a->start, s->rank), hi = bound(a->end, s->rank);
    for (int64_t i = lo; i < hi; i++)
        *y++ = s->dim[i];
}

static const qns_impl any = {.name = "shape", .run = run};
static const qns_impl *const impls[] = {&any, NULL};

static const qns_onnx_rule rules[] = {{"Shape", 1, read}, {NULL, 0, NULL}};

const qns_op qns_op_shape = {
    .name = "shape",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(shape_attr),
    .layout = QNS_LAYOUT_ANY,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .of_shape = true,
    .impls = impls,
};
