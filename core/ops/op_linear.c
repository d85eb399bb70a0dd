/* SPDX-License-Identifier: MIT */
/* Linear layer: in [..., K] times weight [N, K] transposed, plus bias [N]. From ONNX Gemm, and
 * MatMul with a constant matrix on the right; either is transposed once while reading if need be.
 */
#include "core/ops/conv_impl.h"
#include "core/ops/linear_impl.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"

#include <stdio.h>

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_shape *x = &in[0].shape, *w = &in[1].shape;

    if (w->rank != 2 || w->dim[0] < 1 || w->dim[1] < 1)
        QNS_FAIL(err, SHAPE, "the weight has shape %s, must have two axes, not empty",
                 qns_shape_str(w).s);
    if (x->rank < 1 || x->dim[x->rank - 1] != w->dim[1])
        QNS_FAIL(err, SHAPE, "the input has shape %s, its last axis must be %lld",
                 qns_shape_str(x).s, (long long)w->dim[1]);
    if (n->n_in > 2 && in[2].dtype != QNS_DTYPE_COUNT &&
        (in[2].shape.rank != 1 || in[2].shape.dim[0] != w->dim[0]))
        QNS_FAIL(err, SHAPE, "the bias has shape %s, must be [%lld]", qns_shape_str(&in[2].shape).s,
                 (long long)w->dim[0]);
    out[0].dtype = in[0].dtype;
    out[0].shape = *x;
    out[0].shape.dim[x->rank - 1] = w->dim[0];
    return QNS_OK;
}

/* Replaces input i by a constant that stands for the same value of the model. */
static qns_status replace(qns_onnx_node *n, uint32_t i, const float *data, const qns_shape *shape,
                          qns_err *err)
{
    const qns_value *old = qns_gb_value(n->gb, n->in[i]);
    const qns_const_spec spec = {.name = old->name,
                                 .origin = old->origin ? old->origin : old->name,
                                 .dtype = QNS_F32,
                                 .shape = *shape,
                                 .data = data};

    return qns_gb_constant(&n->in[i], n->gb, &spec, err);
}

/* The weight as [N, K], times alpha. */
static qns_status take_weight(qns_onnx_node *n, bool transposed, float alpha, qns_err *err)
{
    const qns_value *v = qns_gb_value(n->gb, n->in[1]);
    const float *from = v->constant;
    const size_t d0 = (size_t)v->shape.dim[0], d1 = (size_t)v->shape.dim[1];
    const qns_shape shape = {2,
                             {transposed ? v->shape.dim[0] : v->shape.dim[1],
                              transposed ? v->shape.dim[1] : v->shape.dim[0]}};
    float *w;

    if (transposed && alpha == 1.0f)
        return QNS_OK;
    if (!from && alpha == 1.0f && qns_qop_qparams(n, n->in[1])) {
        bool done;
        QNS_TRY(qns_qop_transpose(&done, &n->in[1], n, err));
        if (done)
            return QNS_OK;
    }
    if (!from || v->dtype != QNS_F32)
        QNS_FAIL(err, UNSUPPORTED,
                 "the matrix on the right is no float constant; that needs transB 1 and alpha 1");
    QNS_TRY(qns_arena_new((void **)&w, qns_gb_arena(n->gb), d0 * d1, sizeof *w, err));
    for (size_t i = 0; i < d0; i++)
        for (size_t j = 0; j < d1; j++)
            w[transposed ? i * d1 + j : j * d0 + i] = from[i * d1 + j] * alpha;
    return replace(n, 1, w, &shape, err);
}

/* The bias as [N], times beta; C may be [N], [1, N], [1] or a scalar. */
static qns_status take_bias(qns_onnx_node *n, float beta, qns_err *err)
{
    const qns_value *v = qns_gb_value(n->gb, n->in[2]);
    const int64_t n_out = qns_gb_value(n->gb, n->in[1])->shape.dim[0];
    const qns_shape shape = {1, {n_out}};
    const size_t count = qns_shape_count(&v->shape);
    const float *from = v->constant;
    const bool last_fits = v->shape.rank && v->shape.dim[v->shape.rank - 1] == n_out;
    float *b;

    if (v->shape.rank == 1 && v->shape.dim[0] == n_out && beta == 1.0f)
        return QNS_OK;
    if (!from || v->dtype != QNS_F32)
        QNS_FAIL(err, UNSUPPORTED, "the bias is no float constant; that needs shape [%lld], beta 1",
                 (long long)n_out);
    if (count != 1 && !(last_fits && count == (size_t)n_out))
        QNS_FAIL(err, UNSUPPORTED, "the bias has shape %s, must be one row of %lld",
                 qns_shape_str(&v->shape).s, (long long)n_out);
    QNS_TRY(qns_arena_new((void **)&b, qns_gb_arena(n->gb), (size_t)n_out, sizeof *b, err));
    for (int64_t i = 0; i < n_out; i++)
        b[i] = from[count == 1 ? 0 : i] * beta;
    return replace(n, 2, b, &shape, err);
}

static qns_status read_gemm(void *attr, qns_onnx_node *n, qns_err *err)
{
    int64_t trans_a, trans_b;
    float alpha, beta;

    QNS_TRY(qns_attrs_int(&trans_a, n->attrs, "transA", 0, err));
    QNS_TRY(qns_attrs_int(&trans_b, n->attrs, "transB", 0, err));
    QNS_TRY(qns_attrs_float(&alpha, n->attrs, "alpha", 1.0f, err));
    QNS_TRY(qns_attrs_float(&beta, n->attrs, "beta", 1.0f, err));
    if (trans_a)
        QNS_FAIL(err, UNSUPPORTED, "attribute 'transA' is %lld, must be 0", (long long)trans_a);
    if (!qns_onnx_given(n, 0) || !qns_onnx_given(n, 1))
        QNS_FAIL(err, FORMAT, "an input is missing");
    if (qns_gb_value(n->gb, n->in[0])->shape.rank != 2 ||
        qns_gb_value(n->gb, n->in[1])->shape.rank != 2)
        QNS_FAIL(err, SHAPE, "an input of Gemm does not have two axes");
    QNS_TRY(take_weight(n, trans_b != 0, alpha, err));
    if (!qns_onnx_given(n, 2) || beta == 0.0f) {
        qns_onnx_keep_inputs(n, 2);
        return QNS_OK;
    }
    return take_bias(n, beta, err);
}

qns_status qns_linear_read_matmul(qns_onnx_node *n, qns_err *err)
{
    n->op = &qns_op_linear;
    return take_weight(n, false, 1.0f, err);
}

static qns_status write_onnx(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    if (qns_graph_value(g, n->in[0])->shape.rank != 2)
        QNS_FAIL(err, UNSUPPORTED,
                 "a linear layer of an input with %d axes cannot be written; "
                 "Gemm takes 2",
                 qns_graph_value(g, n->in[0])->shape.rank);
    w->type = "Gemm";
    return qns_attrs_add_int(&w->attrs, "transB", 1, err);
}

static qns_status fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                              const qns_affine *a, qns_err *err)
{
    return qns_fold_affine(gb, in, n_in, n, a, (qns_fold_kind){.linear = true}, err);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)in[1].shape.dim[1];
}

static const qns_impl *const impls[] = {&qns_linear_u8s8_fbgemm,
                                        &qns_linear_u8s8_fbgemm_pairs,
                                        &qns_linear_u8s8_onnx,
                                        &qns_linear_u8s8_qnnpack,
                                        &qns_linear_f32_onednn,
                                        &qns_linear_f32_reference,
                                        NULL};

static const qns_onnx_rule rules[] = {
    {"Gemm", 7, read_gemm},
    {NULL, 0, NULL},
};

const qns_op qns_op_linear = {
    .name = "linear",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = write_onnx,
    .quant = {.out = QNS_OUT_OWN, .weight = 1, .bias = 2, .weight_axis = 0},
    .takes_clamp = true,
    .fold_affine = fold_affine,
    .macs = macs,
    .impls = impls,
};
