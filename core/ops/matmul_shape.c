/* SPDX-License-Identifier: MIT */
#include "core/ops/matmul_shape.h"

#include "core/ops/op_help.h"

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

qns_status qns_matmul_lay(qns_matmul_shape *p, const qns_tensor *in, qns_err *err)
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

qns_status qns_matmul_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    qns_shape *s = &out[0].shape;
    qns_matmul_shape p;

    QNS_TRY(qns_matmul_lay(&p, in, err));
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

size_t qns_matmul_matrix(const qns_shape *side, const qns_shape *out, size_t i)
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

void qns_matmul_multiply(float *out, const float *a, const float *b, size_t m, size_t n, size_t k)
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

const char *qns_matmul_reject_onednn(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);

    if (why)
        return why;
    if (c->engine == QNS_ENGINE_REFERENCE)
        return "the reference engine was asked for";
    return qns_tensor_count(&c->in[0]) && qns_tensor_count(&c->in[1]) ? NULL : "an input is empty";
}
