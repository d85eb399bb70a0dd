/* SPDX-License-Identifier: MIT */
/* Common shape rules, refusals and ONNX argument reading for operators. */
#include "core/ops/op_help.h"

#include <assert.h>
#include <string.h>

qns_status qns_infer_same(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    out[0].qp = in[0].qp;
    return QNS_OK;
}

qns_status qns_infer_unary(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[0].dtype != QNS_F32 && !qns_is_code(in[0].dtype))
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    return qns_infer_same(out, n, in, err);
}

const char *qns_reject_not_f32(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++)
        if (qns_call_has(c, i) && c->in[i].dtype != QNS_F32)
            return "an input is not float32";
    for (uint32_t i = 0; i < c->node->n_out; i++)
        if (c->out[i].dtype != QNS_F32)
            return "an output is not float32";
    return NULL;
}

bool qns_same_qp(const qns_tensor *a, const qns_tensor *b)
{
    if (!a->qp || !b->qp)
        return a->qp == b->qp;
    return a->qp == b->qp || qns_qparams_equal(a->qp, b->qp);
}

const char *qns_reject_not_moved(const qns_call *c)
{
    const qns_tensor *x = &c->in[0], *y = &c->out[0];
    if (x->dtype != y->dtype)
        return "input and output have other types";
    if (!qns_same_qp(x, y))
        return "the output has other quantization parameters than the input";
    if (x->qp && x->qp->axis >= 0)
        return "quantization is per channel";
    return NULL;
}

const char *qns_reject_codes(const qns_tensor *in, const qns_tensor *out, qns_dtype type)
{
    if (!qns_per_tensor(in, type))
        return type == QNS_U8 ? "an input is not uint8 with one scale"
                              : "an input is not int8 with one scale";
    if (!qns_per_tensor(out, type))
        return type == QNS_U8 ? "the output is not uint8 with one scale"
                              : "the output is not int8 with one scale";
    return NULL;
}

void qns_onnx_keep_inputs(qns_onnx_node *n, uint32_t n_in)
{
    if (n->n_in > n_in)
        n->n_in = n_in;
}

qns_status qns_onnx_constant(qns_tensor *out, const qns_onnx_node *n, uint32_t i, const char *what,
                             qns_err *err)
{
    if (!qns_onnx_given(n, i))
        QNS_FAIL(err, FORMAT, "input '%s' is missing", what);
    const qns_value *v = qns_gb_value(n->gb, n->in[i]);
    if (!v->constant)
        QNS_FAIL(err, UNSUPPORTED, "input '%s' must be a constant, '%s' is computed at run time",
                 what, v->name);
    /* A graph never writes to a constant; the tensor type has no const data. */
    union {
        const void *in;
        void *out;
    } data = {v->constant};
    *out = (qns_tensor){
        .dtype = v->dtype, .layout = QNS_ROW, .shape = v->shape, .data = data.out, .qp = v->qp};
    return QNS_OK;
}

qns_status qns_onnx_ints(int64_t *out, size_t *n_out, size_t max, const qns_onnx_node *n,
                         uint32_t i, const char *what, qns_err *err)
{
    qns_tensor t;
    QNS_TRY(qns_onnx_constant(&t, n, i, what, err));
    if (t.dtype != QNS_I64 && t.dtype != QNS_I32)
        QNS_FAIL(err, SHAPE, "input '%s' must be int64, has %s", what, qns_dtype_name(t.dtype));
    if (t.shape.rank > 1)
        QNS_FAIL(err, SHAPE, "input '%s' must have 1 dimension, has %d", what, (int)t.shape.rank);
    const size_t count = qns_tensor_count(&t);
    if (count > max)
        QNS_FAIL(err, SHAPE, "input '%s' has %zu numbers, at most %zu fit", what, count, max);
    for (size_t k = 0; k < count; k++)
        out[k] = t.dtype == QNS_I64 ? ((const int64_t *)t.data)[k] : ((const int32_t *)t.data)[k];
    *n_out = count;
    return QNS_OK;
}

qns_status qns_onnx_float(float *out, const qns_onnx_node *n, uint32_t i, float def,
                          const char *what, qns_err *err)
{
    *out = def;
    if (!qns_onnx_given(n, i))
        return QNS_OK;
    qns_tensor t;
    QNS_TRY(qns_onnx_constant(&t, n, i, what, err));
    if (t.dtype != QNS_F32 || qns_tensor_count(&t) != 1)
        QNS_FAIL(err, SHAPE, "input '%s' must be one float32, is %s %s", what,
                 qns_dtype_name(t.dtype), qns_shape_str(&t.shape).s);
    *out = qns_cf32(&t)[0];
    return QNS_OK;
}

qns_status qns_onnx_add_tensor(qns_onnx_out *w, const char *suffix, const qns_tensor *t,
                               qns_err *err)
{
    assert(w->n_extra < QNS_ARRAY_LEN(w->extra));
    void *copy;
    const size_t size = qns_tensor_bytes(t);
    QNS_TRY(qns_arena_new(&copy, w->arena, size ? size : 1, 1, err));
    if (size)
        memcpy(copy, t->data, size);
    w->extra[w->n_extra].suffix = suffix;
    w->extra[w->n_extra].t = *t;
    w->extra[w->n_extra].t.data = copy;
    w->n_extra++;
    return QNS_OK;
}

qns_status qns_onnx_add_ints(qns_onnx_out *w, const char *suffix, const int64_t *v, size_t n,
                             qns_err *err)
{
    int64_t copy[2 * QNS_MAX_RANK] = {0};
    assert(n <= QNS_ARRAY_LEN(copy));
    memcpy(copy, v, n * sizeof *v);
    const qns_tensor t = {
        .dtype = QNS_I64, .shape = {.rank = 1, .dim = {(int64_t)n}}, .data = copy};
    return qns_onnx_add_tensor(w, suffix, &t, err);
}

qns_status qns_onnx_add_float(qns_onnx_out *w, const char *suffix, float v, qns_err *err)
{
    const qns_tensor t = {.dtype = QNS_F32, .data = &v};
    return qns_onnx_add_tensor(w, suffix, &t, err);
}

void qns_onnx_add_none(qns_onnx_out *w)
{
    assert(w->n_extra < QNS_ARRAY_LEN(w->extra));
    w->extra[w->n_extra].suffix = "";
    w->extra[w->n_extra].t = (qns_tensor){.dtype = QNS_DTYPE_COUNT};
    w->n_extra++;
}
