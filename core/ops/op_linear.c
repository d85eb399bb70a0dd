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

static bool is_float_constant(const qns_value *v)
{
    return v->constant && v->dtype == QNS_F32;
}

/* The weight as [N, K], times alpha; *done is false when it is computed at run time and does not
 * lie so. */
static qns_status take_weight(bool *done, qns_onnx_node *n, bool transposed, float alpha,
                              qns_err *err)
{
    const qns_value *v = qns_gb_value(n->gb, n->in[1]);
    const float *from = v->constant;
    const size_t d0 = (size_t)v->shape.dim[0], d1 = (size_t)v->shape.dim[1];
    const qns_shape shape = {2,
                             {transposed ? v->shape.dim[0] : v->shape.dim[1],
                              transposed ? v->shape.dim[1] : v->shape.dim[0]}};
    float *w;

    *done = transposed && alpha == 1.0f;
    if (*done)
        return QNS_OK;
    if (!from && alpha == 1.0f && qns_qop_qparams(n, n->in[1]))
        return qns_qop_transpose(done, &n->in[1], n, err);
    if (!is_float_constant(v))
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&w, qns_gb_arena(n->gb), d0 * d1, sizeof *w, err));
    for (size_t i = 0; i < d0; i++)
        for (size_t j = 0; j < d1; j++)
            w[transposed ? i * d1 + j : j * d0 + i] = from[i * d1 + j] * alpha;
    *done = true;
    return replace(n, 1, w, &shape, err);
}

/* True for a bias that is or becomes [n_out]: constants may be [1, N], [1] or a scalar, too. */
static bool fits_bias(const qns_value *v, int64_t n_out, float beta)
{
    const size_t count = qns_shape_count(&v->shape);
    const bool last_fits = v->shape.rank && v->shape.dim[v->shape.rank - 1] == n_out;

    if (v->shape.rank == 1 && v->shape.dim[0] == n_out && beta == 1.0f)
        return true;
    return is_float_constant(v) && (count == 1 || (last_fits && count == (size_t)n_out));
}

/* A bias that fits as [N], times beta. */
static qns_status take_bias(qns_onnx_node *n, int64_t n_out, float beta, qns_err *err)
{
    const qns_value *v = qns_gb_value(n->gb, n->in[2]);
    const qns_shape shape = {1, {n_out}};
    const size_t count = qns_shape_count(&v->shape);
    const float *from = v->constant;
    float *b;

    if (v->shape.rank == 1 && v->shape.dim[0] == n_out && beta == 1.0f)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&b, qns_gb_arena(n->gb), (size_t)n_out, sizeof *b, err));
    for (int64_t i = 0; i < n_out; i++)
        b[i] = from[count == 1 ? 0 : i] * beta;
    return replace(n, 2, b, &shape, err);
}

qns_status qns_linear_read_gemm(bool *done, qns_onnx_node *n, const qns_gemm_attr *g, qns_err *err)
{
    const qns_shape *a = &qns_gb_value(n->gb, n->in[0])->shape;
    const qns_shape *b = &qns_gb_value(n->gb, n->in[1])->shape;
    const bool biased = n->n_in > 2;

    *done = false;
    if (g->trans_a || a->rank != 2 || b->rank != 2 || qns_shape_count(b) == 0)
        return QNS_OK;
    const int64_t n_out = b->dim[g->trans_b ? 0 : 1];
    if (biased && !fits_bias(qns_gb_value(n->gb, n->in[2]), n_out, g->beta))
        return QNS_OK;
    QNS_TRY(take_weight(done, n, g->trans_b != 0, g->alpha, err));
    if (!*done)
        return QNS_OK;
    n->op = &qns_op_linear;
    return biased ? take_bias(n, n_out, g->beta, err) : QNS_OK;
}

qns_status qns_linear_read_matmul(qns_onnx_node *n, qns_err *err)
{
    bool done;

    n->op = &qns_op_linear;
    return take_weight(&done, n, false, 1.0f, err);
}

/* Gemm takes two axes; others are MatMul, which knows no bias. */
static qns_status write_onnx(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const int32_t rank = qns_graph_value(g, n->in[0])->shape.rank;

    w->type = rank == 2 ? "Gemm" : "MatMul";
    if (rank == 2)
        return qns_attrs_add_int(&w->attrs, "transB", 1, err);
    w->turned = 1;
    w->added = n->n_in > 2 && qns_has(n->in[2]) ? 2 : 0;
    return QNS_OK;
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

const qns_op qns_op_linear = {
    .name = "linear",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx_write = write_onnx,
    .quant = {.out = QNS_OUT_OWN,
              .weight = 1,
              .bias = 2,
              .weight_axis = 0,
              .dynamic = QNS_DYNAMIC_LINEAR},
    .takes_clamp = true,
    .fold_affine = fold_affine,
    .macs = macs,
    .impls = impls,
};
