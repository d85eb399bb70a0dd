/* SPDX-License-Identifier: MIT */
/* Product of two activations over the last two axes, the others broadcast as numpy has it. Always
 * float. ONNX MatMul with a constant matrix on the right becomes linear instead. */
#include "core/float/matmul.h"
#include "core/ops/linear_impl.h"
#include "core/ops/matmul_shape.h"
#include "core/ops/op_help.h"
#include "core/ops/qoperator.h"
#include "kernels/kernels.h"

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (!qns_onnx_given(n, 0) || !qns_onnx_given(n, 1))
        QNS_FAIL(err, FORMAT, "an input is missing");
    const qns_value *w = qns_gb_value(n->gb, n->in[1]);
    const bool fits = w->dtype == QNS_F32 && w->shape.rank == 2 && qns_shape_count(&w->shape) &&
                      qns_gb_value(n->gb, n->in[0])->shape.rank > 0;
    if (fits && w->constant)
        return qns_linear_read_matmul(n, err);
    bool done = false;
    if (fits && qns_qop_qparams(n, n->in[1]))
        QNS_TRY(qns_qop_transpose(&done, &n->in[1], n, err));
    if (done)
        n->op = &qns_op_linear;
    return QNS_OK;
}

/* QLinearMatMul: a a_scale a_zero b b_scale b_zero y_scale y_zero. */
static qns_status read_qlinear(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_vid a, b;

    if (!qns_onnx_given(n, 0) || !qns_onnx_given(n, 3))
        QNS_FAIL(err, FORMAT, "an input is missing");
    const int32_t rank_a = qns_gb_value(n->gb, n->in[0])->shape.rank;
    const int32_t rank_b = qns_gb_value(n->gb, n->in[3])->shape.rank;
    QNS_TRY(qns_qop_output(n, 6, err));
    QNS_TRY(qns_qop_input(&a, n, 0, rank_a > 1 ? rank_a - 2 : 0, err));
    QNS_TRY(qns_qop_input(&b, n, 3, rank_b > 0 ? rank_b - 1 : 0, err));
    n->in[0] = a;
    n->in[1] = b;
    qns_onnx_keep_inputs(n, 2);
    return read_onnx(attr, n, err);
}

static qns_status write_onnx(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = "MatMul";
    return QNS_OK;
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const qns_shape *a = &in[0].shape;

    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)a->dim[a->rank - 1];
}

/* ---- oneDNN ---- */

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    qns_matmul_shape p;

    QNS_TRY(qns_matmul_lay(&p, c->in, err));
    return qns_fmatmul_create((qns_fmatmul **)packed, &p.a, &p.b, &p.out, err);
}

static qns_status share_onednn(void **packed, const void *of, qns_err *err)
{
    return qns_fmatmul_share((qns_fmatmul **)packed, of, err);
}

static void release_onednn(void *packed)
{
    qns_fmatmul_free(packed);
}

static size_t scratch_onednn(const qns_call *c)
{
    return qns_fmatmul_scratch(c->packed);
}

static void run_onednn(const qns_call *c)
{
    qns_fmatmul_run(qns_f32(&c->out[0]), c->packed, qns_cf32(&c->in[0]), qns_cf32(&c->in[1]),
                    c->scratch);
}

/* ---- reference ---- */

static void run_reference(const qns_call *c)
{
    const float *a = qns_cf32(&c->in[0]), *b = qns_cf32(&c->in[1]);
    float *out = qns_f32(&c->out[0]);
    qns_matmul_shape p;

    /* infer() has been through the same. */
    if (qns_matmul_lay(&p, c->in, NULL) != QNS_OK)
        return;
    const int32_t r = p.out.rank;
    const size_t m = (size_t)p.a.dim[r - 2], k = (size_t)p.a.dim[r - 1];
    const size_t n = (size_t)p.b.dim[r - 1], batch = qns_shape_span(&p.out, 0, r - 2);

    for (size_t i = 0; i < batch; i++)
        qns_matmul_multiply(out + i * m * n, a + qns_matmul_matrix(&p.a, &p.out, i) * m * k,
                            b + qns_matmul_matrix(&p.b, &p.out, i) * k * n, m, n, k);
}

static const qns_impl onednn = {
    .name = "matmul.f32.onednn",
    .reject = qns_matmul_reject_onednn,
    .prepare = prepare_onednn,
    .share = share_onednn,
    .release = release_onednn,
    .scratch_size = scratch_onednn,
    .run = run_onednn,
};

static const qns_impl reference = {
    .name = "matmul.f32.reference",
    .reject = qns_reject_not_f32,
    .run = run_reference,
};

static const qns_impl *const impls[] = {&onednn, &reference, NULL};

static const qns_onnx_rule rules[] = {
    {"MatMul", 1, read_onnx},
    {"QLinearMatMul", 10, read_qlinear},
    {NULL, 0, NULL},
};

const qns_op qns_op_matmul = {
    .name = "matmul",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = qns_matmul_infer,
    .onnx = rules,
    .onnx_write = write_onnx,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .impls = impls,
};
