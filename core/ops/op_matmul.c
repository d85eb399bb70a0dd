/* SPDX-License-Identifier: MIT */
/* Product of two activations over the last two axes, the others broadcast as numpy has it. Always
 * float. ONNX MatMul with a constant matrix on the right becomes linear instead. */
#include "core/float/matmul.h"
#include "core/ops/linear_impl.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

/* Both sides with the same rank >= 2 and the product before axes are dropped again. */
typedef struct product {
    qns_shape a, b, out;
} product;

static qns_shape lift(const qns_shape *s, int32_t rank, bool left)
{
    qns_shape r = {.rank = rank};
    /* A vector is a row on the left and a column on the right. */
    const int32_t own = s->rank == 1 ? 2 : s->rank;

    for (int32_t i = 0; i < rank - own; i++)
        r.dim[i] = 1;
    if (s->rank == 1) {
        r.dim[rank - 2] = left ? 1 : s->dim[0];
        r.dim[rank - 1] = left ? s->dim[0] : 1;
        return r;
    }
    for (int32_t i = 0; i < own; i++)
        r.dim[rank - own + i] = s->dim[i];
    return r;
}

static qns_status lay(product *p, const qns_tensor *in, qns_err *err)
{
    const qns_shape *a = &in[0].shape, *b = &in[1].shape;
    int32_t rank = a->rank > b->rank ? a->rank : b->rank;

    if (a->rank < 1 || b->rank < 1)
        QNS_FAIL(err, SHAPE, "a scalar has no matrix product");
    rank = rank < 2 ? 2 : rank;
    p->a = lift(a, rank, true);
    p->b = lift(b, rank, false);
    p->out = p->a;
    for (int32_t i = 0; i < rank - 2; i++) {
        if (p->a.dim[i] != p->b.dim[i] && p->a.dim[i] != 1 && p->b.dim[i] != 1)
            QNS_FAIL(err, SHAPE, "shapes %s and %s do not broadcast", qns_shape_str(a).s,
                     qns_shape_str(b).s);
        p->out.dim[i] = p->a.dim[i] == 1 ? p->b.dim[i] : p->a.dim[i];
    }
    if (p->a.dim[rank - 1] != p->b.dim[rank - 2])
        QNS_FAIL(err, SHAPE, "shapes %s and %s: the inner sizes %lld and %lld differ",
                 qns_shape_str(a).s, qns_shape_str(b).s, (long long)p->a.dim[rank - 1],
                 (long long)p->b.dim[rank - 2]);
    p->out.dim[rank - 1] = p->b.dim[rank - 1];
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape *s = &out[0].shape;
    product p;

    QNS_TRY(lay(&p, in, err));
    *s = p.out;
    if (in[1].shape.rank == 1)
        s->dim[--s->rank] = 0;
    if (in[0].shape.rank == 1) {
        if (in[1].shape.rank > 1)
            s->dim[s->rank - 2] = s->dim[s->rank - 1];
        s->dim[--s->rank] = 0;
    }
    out[0].dtype = in[0].dtype;
    return QNS_OK;
}

static qns_status read_onnx(void *attr, qns_onnx_node *n, qns_err *err)
{
    if (!qns_onnx_given(n, 0) || !qns_onnx_given(n, 1))
        QNS_FAIL(err, FORMAT, "an input is missing");
    const qns_value *w = qns_gb_value(n->gb, n->in[1]);
    if (w->constant && w->dtype == QNS_F32 && w->shape.rank == 2 && qns_shape_count(&w->shape))
        return qns_linear_read_matmul(n, err);
    return QNS_OK;
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

static const char *reject_onednn(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);

    if (why)
        return why;
    if (c->engine == QNS_ENGINE_REFERENCE)
        return "the reference engine was asked for";
    return qns_tensor_count(&c->in[0]) && qns_tensor_count(&c->in[1]) ? NULL : "an input is empty";
}

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    product p;

    QNS_TRY(lay(&p, c->in, err));
    return qns_fmatmul_create((qns_fmatmul **)packed, &p.a, &p.b, &p.out, err);
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

/* Which matrix of a side belongs to matrix number i of the product. */
static size_t matrix_of(const qns_shape *side, const qns_shape *out, size_t i)
{
    size_t at = 0, step = 1;

    for (int32_t d = out->rank - 2; d-- > 0;) {
        if (side->dim[d] != 1)
            at += i % (size_t)out->dim[d] * step;
        i /= (size_t)out->dim[d];
        step *= (size_t)side->dim[d];
    }
    return at;
}

static void multiply(float *out, const float *a, const float *b, size_t m, size_t n, size_t k)
{
#pragma omp parallel for schedule(static) if (m * n * k > QNS_PAR_MIN)
    for (size_t i = 0; i < m; i++) {
        float *row = out + i * n;

        for (size_t j = 0; j < n; j++)
            row[j] = 0.0f;
        for (size_t l = 0; l < k; l++)
            for (size_t j = 0; j < n; j++)
                row[j] += a[i * k + l] * b[l * n + j];
    }
}

static void run_reference(const qns_call *c)
{
    const float *a = qns_cf32(&c->in[0]), *b = qns_cf32(&c->in[1]);
    float *out = qns_f32(&c->out[0]);
    product p;

    /* infer() has been through the same. */
    if (lay(&p, c->in, NULL) != QNS_OK)
        return;
    const int32_t r = p.out.rank;
    const size_t m = (size_t)p.a.dim[r - 2], k = (size_t)p.a.dim[r - 1];
    const size_t n = (size_t)p.b.dim[r - 1], batch = qns_shape_span(&p.out, 0, r - 2);

    for (size_t i = 0; i < batch; i++)
        multiply(out + i * m * n, a + matrix_of(&p.a, &p.out, i) * m * k,
                 b + matrix_of(&p.b, &p.out, i) * k * n, m, n, k);
}

static const qns_impl onednn = {
    .name = "matmul.f32.onednn",
    .reject = reject_onednn,
    .prepare = prepare_onednn,
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
    {NULL, 0, NULL},
};

const qns_op qns_op_matmul = {
    .name = "matmul",
    .min_in = 2,
    .max_in = 2,
    .n_out = 1,
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = write_onnx,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .impls = impls,
};
