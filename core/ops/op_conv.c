/* SPDX-License-Identifier: MIT */
/* Convolution over 1 to 3 spatial axes, with groups. The weight stays as ONNX has it,
 * [out, in / groups, kernel...]; implementations reorder it when a plan is made. */
#include "core/ops/conv_impl.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"

#include <stdio.h>
#include <string.h>

static qns_status check_channels(const qns_conv_attr *a, const qns_tensor *in, bool has_bias,
                                 qns_err *err)
{
    const qns_shape *x = &in[0].shape, *w = &in[1].shape;

    if (x->rank < 3 || x->rank > 2 + QNS_SPATIAL)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have 3 to 5", x->rank);
    if (w->rank != x->rank)
        QNS_FAIL(err, SHAPE, "the weight has %d axes, must have %d as the input", w->rank, x->rank);
    if (a->groups < 1 || x->dim[1] % a->groups)
        QNS_FAIL(err, SHAPE, "the input has %lld channels, must be a multiple of group %lld",
                 (long long)x->dim[1], (long long)a->groups);
    if (w->dim[0] < 1 || w->dim[0] % a->groups)
        QNS_FAIL(err, SHAPE,
                 "the weight has %lld output channels, must be a multiple of group %lld",
                 (long long)w->dim[0], (long long)a->groups);
    if (x->dim[1] < 1 || w->dim[1] != x->dim[1] / a->groups)
        QNS_FAIL(err, SHAPE,
                 "the weight takes %lld channels in each of %lld groups, the input has %lld",
                 (long long)w->dim[1], (long long)a->groups, (long long)x->dim[1]);
    for (int32_t i = 0; i < a->win.rank && i + 2 < w->rank; i++)
        if (w->dim[i + 2] != a->win.kernel[i])
            QNS_FAIL(err, SHAPE, "the weight has size %lld on axis %d, the kernel %lld",
                     (long long)w->dim[i + 2], i + 2, (long long)a->win.kernel[i]);
    if (has_bias && (in[2].shape.rank != 1 || in[2].shape.dim[0] != w->dim[0]))
        QNS_FAIL(err, SHAPE, "the bias has shape %s, must be [%lld]", qns_shape_str(&in[2].shape).s,
                 (long long)w->dim[0]);
    return QNS_OK;
}

qns_status qns_conv_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_conv_attr *a = n->attr;
    const bool has_bias = n->n_in > 2 && in[2].dtype != QNS_DTYPE_COUNT;
    qns_geom g;

    QNS_TRY(check_channels(a, in, has_bias, err));
    QNS_TRY(qns_window_lay(&g, &a->win, &in[0].shape, err));
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    out[0].shape.dim[1] = in[1].shape.dim[0];
    qns_geom_out_shape(&out[0].shape, &g, in[0].shape.rank);
    return QNS_OK;
}

qns_status qns_conv_read_attr(qns_conv_attr *a, qns_onnx_node *n, uint32_t weight, qns_err *err)
{
    if (!qns_onnx_given(n, weight))
        QNS_FAIL(err, FORMAT, "the weight is missing");
    const qns_shape w = qns_gb_value(n->gb, n->in[weight])->shape;
    if (w.rank < 3)
        QNS_FAIL(err, SHAPE, "the weight has %d axes, must have at least 3", w.rank);
    QNS_TRY(qns_window_read(&a->win, n->attrs, w.rank - 2, w.dim + 2, err));
    QNS_TRY(qns_attrs_int(&a->groups, n->attrs, "group", 1, err));
    if (a->groups < 1 || a->groups > w.dim[0])
        QNS_FAIL(err, FORMAT, "attribute 'group' is %lld, must be 1 to %lld", (long long)a->groups,
                 (long long)w.dim[0]);
    return QNS_OK;
}

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    QNS_TRY(qns_conv_read_attr(attr, n, 1, err));
    if (n->n_in == 3 && !qns_has(n->in[2]))
        n->n_in = 2;
    return QNS_OK;
}

/* QLinearConv: x x_scale x_zero w w_scale w_zero y_scale y_zero [bias]. */
static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_vid x, w, b;

    QNS_TRY(qns_conv_read_attr(attr, n, 3, err));
    QNS_TRY(qns_qop_output(n, 6, err));
    QNS_TRY(qns_qop_input(&x, n, 0, 1, err));
    QNS_TRY(qns_qop_input(&w, n, 3, 0, err));
    const bool has_bias = qns_onnx_given(n, 8);
    if (has_bias)
        QNS_TRY(qns_qop_bias(&b, n, 8, x, w, err));
    n->in[0] = x;
    n->in[1] = w;
    n->in[2] = has_bias ? b : QNS_NO_VALUE;
    qns_onnx_keep_inputs(n, has_bias ? 3 : 2);
    return QNS_OK;
}

qns_status qns_conv_write_attr(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_conv_attr *a = n->attr;

    w->type = "Conv";
    QNS_TRY(qns_window_write(&w->attrs, &a->win, &qns_graph_value(g, n->in[0])->shape, err));
    if (a->groups != 1)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "group", a->groups, err));
    return QNS_OK;
}

/* Spec 7.1: W' = W * (gamma * r), b' = ((b - mean) * r) * gamma + beta. */
static qns_status fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                              const qns_affine *a, qns_err *err)
{
    return qns_fold_affine(gb, in, n_in, n, a, (qns_fold_kind){0}, err);
}

uint64_t qns_conv_macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const qns_shape *w = &in[1].shape;

    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)qns_shape_span(w, 1, w->rank);
}

void qns_conv_describe(char *out, size_t size, const qns_node *n)
{
    const qns_conv_attr *a = n->attr;

    qns_window_describe(out, size, &a->win);
    const size_t len = strlen(out);
    if (a->groups > 1)
        snprintf(out + len, size - len, " groups %lld", (long long)a->groups);
}

static const qns_impl *const impls[] = {&qns_conv_u8s8_fbgemm,
                                        &qns_conv_u8s8_fbgemm_pairs,
                                        &qns_conv_u8s8_onnx,
                                        &qns_conv_u8s8_qnnpack,
                                        &qns_conv_f32_onednn,
                                        &qns_conv_f32_reference,
                                        NULL};

static const qns_onnx_rule rules[] = {
    {"Conv", 1, read_onnx},
    {"QLinearConv", 10, read_qlinear},
    {NULL, 0, NULL},
};

const qns_op qns_op_conv = {
    .name = "conv",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_conv_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = qns_conv_infer,
    .onnx = rules,
    .onnx_write = qns_conv_write_attr,
    .quant = {.out = QNS_OUT_OWN, .weight = 1, .bias = 2, .weight_axis = 0},
    .takes_clamp = true,
    .fold_affine = fold_affine,
    .macs = qns_conv_macs,
    .describe = qns_conv_describe,
    .impls = impls,
};
