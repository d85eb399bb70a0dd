/* SPDX-License-Identifier: MIT */
/* General matrix product: alpha * A * B + beta * C, each matrix transposed or not, C broadcast.
 * Float only. It is what remains of ONNX Gemm when B is no weight that linear takes. */
#include "core/float/matmul.h"
#include "core/ops/broadcast.h"
#include "core/ops/linear_impl.h"
#include "core/ops/matmul_shape.h"
#include "core/ops/op_help.h"
#include "core/ops/walk.h"

#include <stdio.h>

/* A as [m, k] and B as [k, n]. */
typedef struct sides {
    qns_shape a, b, out;
} sides;

static qns_shape turned(const qns_shape *s, bool turn)
{
    return turn ? (qns_shape){2, {s->dim[1], s->dim[0]}} : *s;
}

static qns_status lay(sides *p, const qns_gemm_attr *g, const qns_tensor *in, qns_err *err)
{
    if (in[0].shape.rank != 2 || in[1].shape.rank != 2)
        QNS_FAIL(err, SHAPE, "the matrices are %s and %s, must have two axes each",
                 qns_shape_str(&in[0].shape).s, qns_shape_str(&in[1].shape).s);
    p->a = turned(&in[0].shape, g->trans_a != 0);
    p->b = turned(&in[1].shape, g->trans_b != 0);
    if (p->a.dim[1] != p->b.dim[0])
        QNS_FAIL(err, SHAPE, "%s times %s: the inner sizes differ", qns_shape_str(&p->a).s,
                 qns_shape_str(&p->b).s);
    p->out = (qns_shape){2, {p->a.dim[0], p->b.dim[1]}};
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const bool has_c = n->n_in > 2 && in[2].dtype != QNS_DTYPE_COUNT;
    sides p;
    for (uint32_t i = 0; i < n->n_in; i++)
        if (in[i].dtype != QNS_F32 && in[i].dtype != QNS_DTYPE_COUNT)
            QNS_FAIL(err, UNSUPPORTED, "a product of %s", qns_dtype_name(in[i].dtype));
    QNS_TRY(lay(&p, n->attr, in, err));
    if (has_c) {
        qns_shape s;
        QNS_TRY(qns_broadcast_shape(&s, &p.out, &in[2].shape, err));
        if (!qns_shape_equal(&s, &p.out))
            QNS_FAIL(err, SHAPE, "%s cannot be added to a product of shape %s",
                     qns_shape_str(&in[2].shape).s, qns_shape_str(&p.out).s);
    }
    out[0].dtype = QNS_F32;
    out[0].shape = p.out;
    return QNS_OK;
}

static qns_status read(void *attr, qns_onnx_node *n, qns_err *err)
{
    qns_gemm_attr *a = attr;
    bool linear;
    QNS_TRY(qns_attrs_int(&a->trans_a, n->attrs, "transA", 0, err));
    QNS_TRY(qns_attrs_int(&a->trans_b, n->attrs, "transB", 0, err));
    QNS_TRY(qns_attrs_float(&a->alpha, n->attrs, "alpha", 1.0f, err));
    QNS_TRY(qns_attrs_float(&a->beta, n->attrs, "beta", 1.0f, err));
    if (a->beta == 0.0f || !qns_onnx_given(n, 2))
        qns_onnx_keep_inputs(n, 2);
    return qns_linear_read_gemm(&linear, n, a, err);
}

static qns_status onnx_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    const qns_gemm_attr *a = n->attr;
    w->type = "Gemm";
    QNS_TRY(qns_attrs_add_int(&w->attrs, "transA", a->trans_a != 0, err));
    QNS_TRY(qns_attrs_add_int(&w->attrs, "transB", a->trans_b != 0, err));
    QNS_TRY(qns_attrs_add_float(&w->attrs, "alpha", a->alpha, err));
    return qns_attrs_add_float(&w->attrs, "beta", a->beta, err);
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_gemm_attr *a = n->attr;
    snprintf(out, size, "%g A%s B%s + %g C", (double)a->alpha, a->trans_a ? "^T" : "",
             a->trans_b ? "^T" : "", (double)a->beta);
}

static uint64_t macs(const qns_node *n, const qns_tensor *in, const qns_tensor *out)
{
    const int trans_a = ((const qns_gemm_attr *)n->attr)->trans_a != 0;
    return (uint64_t)qns_tensor_count(&out[0]) * (uint64_t)in[0].shape.dim[!trans_a];
}

/* ---- running ---- */

static size_t turned_size(const qns_call *c, int i)
{
    const qns_gemm_attr *g = c->node->attr;
    const size_t size = (i ? g->trans_b : g->trans_a) ? qns_tensor_bytes(&c->in[i]) : 0;
    return (size + 63) / 64 * 64;
}

/* Matrix i as it enters the product: itself, or a copy in scratch. */
static const float *matrix(const qns_call *c, int i)
{
    const qns_shape *s = &c->in[i].shape;
    const float *x = qns_cf32(&c->in[i]);
    float *y = (float *)((char *)c->scratch + (i ? turned_size(c, 0) : 0));
    if (turned_size(c, i) == 0)
        return x;
    for (int64_t r = 0; r < s->dim[0]; r++)
        for (int64_t k = 0; k < s->dim[1]; k++)
            y[k * s->dim[0] + r] = x[r * s->dim[1] + k];
    return y;
}

static void add_c(const qns_call *c)
{
    const qns_gemm_attr *g = c->node->attr;
    const size_t n = qns_tensor_count(&c->out[0]);
    float *y = qns_f32(&c->out[0]);
    for (size_t i = 0; g->alpha != 1.0f && i < n; i++)
        y[i] *= g->alpha;
    if (!qns_call_has(c, 2))
        return;
    const float *x = qns_cf32(&c->in[2]);
    qns_walk w;
    qns_walk_init(&w, &c->out[0].shape);
    qns_walk_broadcast(&w, 0, &c->in[2].shape);
    for (size_t i = 0; i < n; i++, qns_walk_next(&w))
        y[i] += g->beta * x[w.pos[0]];
}

static qns_status prepare_onednn(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    sides p;
    QNS_TRY(lay(&p, c->node->attr, c->in, err));
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

static size_t scratch_reference(const qns_call *c)
{
    return turned_size(c, 0) + turned_size(c, 1);
}

static size_t scratch_onednn(const qns_call *c)
{
    return scratch_reference(c) + qns_fmatmul_scratch(c->packed);
}

static void run_onednn(const qns_call *c)
{
    char *own = (char *)c->scratch + scratch_reference(c);
    qns_fmatmul_run(qns_f32(&c->out[0]), c->packed, matrix(c, 0), matrix(c, 1), own);
    add_c(c);
}

static void run_reference(const qns_call *c)
{
    const qns_shape *s = &c->out[0].shape;
    const int trans_a = ((const qns_gemm_attr *)c->node->attr)->trans_a != 0;
    qns_matmul_multiply(qns_f32(&c->out[0]), matrix(c, 0), matrix(c, 1), (size_t)s->dim[0],
                        (size_t)s->dim[1], (size_t)c->in[0].shape.dim[!trans_a]);
    add_c(c);
}

static const qns_impl onednn = {
    .name = "gemm.f32.onednn",
    .reject = qns_matmul_reject_onednn,
    .prepare = prepare_onednn,
    .share = share_onednn,
    .release = release_onednn,
    .scratch_size = scratch_onednn,
    .run = run_onednn,
};
static const qns_impl reference = {
    .name = "gemm.f32.reference",
    .reject = qns_reject_not_f32,
    .scratch_size = scratch_reference,
    .run = run_reference,
};
static const qns_impl *const impls[] = {&onednn, &reference, NULL};

static const qns_onnx_rule rules[] = {{"Gemm", 7, read}, {NULL, 0, NULL}};

const qns_op qns_op_gemm = {
    .name = "gemm",
    .min_in = 2,
    .max_in = 3,
    .n_out = 1,
    .attr_size = sizeof(qns_gemm_attr),
    .layout = QNS_LAYOUT_ROW,
    .infer = infer,
    .onnx = rules,
    .onnx_write = onnx_write,
    .quant = {.out = QNS_OUT_FLOAT, .weight = -1, .bias = -1},
    .macs = macs,
    .describe = describe,
    .impls = impls,
};
