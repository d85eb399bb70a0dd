/* SPDX-License-Identifier: MIT */
/* Layer norm over the last axes: x, gamma and an optional beta of the shape of those axes. Mean and
 * inverse deviation are further outputs, float only. */
#include "core/ops/norm.h"
#include "core/ops/op_help.h"

#include <stdio.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape;
    int32_t axis;

    QNS_TRY(qns_infer_unary(out, n, in, err));
    out[0].qp = NULL;
    QNS_TRY(qns_axis_resolve(&axis, ((const qns_layer_norm_attr *)n->attr)->axis, x->rank, err));
    for (uint32_t i = 1; i < n->n_in; i++) {
        const qns_shape *p = &in[i].shape;
        bool same = in[i].dtype == QNS_F32 && p->rank == x->rank - axis;
        for (int32_t k = 0; same && k < p->rank; k++)
            same = p->dim[k] == x->dim[axis + k];
        if (!same)
            QNS_FAIL(err, SHAPE, "the %s is %s %s, must be float32 of the last %d axes of %s",
                     i == 1 ? "scale" : "bias", qns_dtype_name(in[i].dtype), qns_shape_str(p).s,
                     x->rank - axis, qns_shape_str(x).s);
    }
    for (uint32_t i = 1; i < n->n_out; i++) {
        out[i].dtype = QNS_F32;
        out[i].shape = *x;
        for (int32_t k = axis; k < x->rank; k++)
            out[i].shape.dim[k] = 1;
    }
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_layer_norm_attr *a = attr;
    int64_t stash; /* the type of the sums; ours are double */

    QNS_TRY(qns_attrs_int(&a->axis, n->attrs, "axis", -1, err));
    QNS_TRY(qns_attrs_int(&stash, n->attrs, "stash_type", 1, err));
    return qns_norm_read_eps(&a->eps, n, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_layer_norm_attr *a = n->attr;

    w->type = "LayerNormalization";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", a->axis, err));
    return qns_attrs_add_float(&w->attrs, "epsilon", a->eps, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_layer_norm_attr *a = n->attr;
    snprintf(out, size, "axis %lld eps %g", (long long)a->axis, (double)a->eps);
}

static qns_norm lay(const qns_call *c)
{
    const qns_layer_norm_attr *a = c->node->attr;
    const qns_shape *s = &c->in[0].shape;
    const int32_t axis = (int32_t)(a->axis < 0 ? a->axis + s->rank : a->axis);
    const size_t own = qns_shape_span(s, axis, s->rank);

    return (qns_norm){.groups = own || c->node->n_out > 1 ? qns_shape_span(s, 0, axis) : 0,
                      .outer = 1,
                      .inner = own,
                      .batch = 1,
                      .image = own,
                      .inner_step = 1,
                      .param_inner = 1,
                      .eps = a->eps,
                      .layer = true};
}

static void run_f32(const qns_call *c)
{
    const qns_norm n = lay(c);
    qns_norm_run_f32(c, &n);
}

static void run_u8(const qns_call *c)
{
    const qns_norm n = lay(c);
    qns_norm_run_u8(c, &n);
}

static const qns_impl u8 = {
    .name = "layer_norm.u8", .reject = qns_norm_reject_u8, .run = run_u8, .in_place = true};
static const qns_impl f32 = {
    .name = "layer_norm.f32", .reject = qns_reject_not_f32, .run = run_f32, .in_place = true};
static const qns_impl *const impls[] = {&u8, &f32, NULL};

static const qns_onnx_rule rules[] = {{"LayerNormalization", 17, read}, {NULL, 0, NULL}};

const qns_op qns_op_layer_norm = {
    .name = "layer_norm",
    .min_in = 2,
    .max_in = 3,
    .n_out = 3,
    .attr_size = sizeof(qns_layer_norm_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_OWN, .weight = -1, .bias = -1},
    .macs = qns_norm_macs,
    .describe = describe,
    .impls = impls,
};
