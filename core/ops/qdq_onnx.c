/* SPDX-License-Identifier: MIT */
/* Scale and zero point between ONNX inputs and qparams. */
#include "core/ops/qdq_onnx.h"

#include "core/base/mem.h"
#include "core/ops/op_help.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct pair {
    qns_dtype dtype;
    int32_t n, axis;
    double *scale;
    int32_t *zero;
} pair;

/* The type of the codes: what the zero point has, else the input's own, else uint8. */
static qns_status find_dtype(pair *p, const qns_onnx_node *n, bool quantize, qns_err *err)
{
    const qns_dtype x = qns_gb_value(n->gb, n->in[0])->dtype;
    p->dtype = quantize ? QNS_U8 : x;
    if (qns_onnx_given(n, 2))
        p->dtype = qns_gb_value(n->gb, n->in[2])->dtype;
    if (!quantize && p->dtype != x)
        QNS_FAIL(err, SHAPE, "the input is %s, its zero point %s", qns_dtype_name(x),
                 qns_dtype_name(p->dtype));
    if (!qns_is_code(p->dtype) && (quantize || p->dtype != QNS_I32))
        QNS_FAIL(err, UNSUPPORTED, "codes of type %s; uint8 and int8 are supported",
                 qns_dtype_name(p->dtype));
    return QNS_OK;
}

static qns_status find_axis(pair *p, qns_onnx_node *n, const qns_tensor *scale, qns_err *err)
{
    int64_t axis;
    int64_t saturate; /* is about float8 */
    QNS_TRY(qns_attrs_int(&axis, n->attrs, "axis", 1, err));
    QNS_TRY(qns_attrs_int(&saturate, n->attrs, "saturate", 1, err));
    const qns_shape *x = &qns_gb_value(n->gb, n->in[0])->shape;
    const size_t count = qns_tensor_count(scale);
    p->axis = -1;
    p->n = 1;
    if (scale->dtype != QNS_F32 || scale->shape.rank > 1 || count == 0)
        QNS_FAIL(err, SHAPE, "the scale must be one float32 or one per channel, is %s %s",
                 qns_dtype_name(scale->dtype), qns_shape_str(&scale->shape).s);
    if (count == 1)
        return QNS_OK;
    QNS_TRY(qns_axis_resolve(&p->axis, axis, x->rank, err));
    if ((int64_t)count != x->dim[p->axis] || count > INT32_MAX)
        QNS_FAIL(err, SHAPE, "%zu scales for the %" PRId64 " channels of axis %d", count,
                 x->dim[p->axis], (int)p->axis);
    p->n = (int32_t)count;
    return QNS_OK;
}

static int32_t zero_at(const qns_tensor *t, int32_t i)
{
    return t->dtype == QNS_U8   ? ((const uint8_t *)t->data)[i]
           : t->dtype == QNS_I8 ? ((const int8_t *)t->data)[i]
                                : ((const int32_t *)t->data)[i];
}

static qns_status fill(pair *p, const qns_onnx_node *n, const qns_tensor *scale, qns_err *err)
{
    for (int32_t i = 0; i < p->n; i++)
        p->scale[i] = (double)qns_cf32(scale)[i];
    if (!qns_onnx_given(n, 2))
        return QNS_OK;
    qns_tensor zero;
    QNS_TRY(qns_onnx_constant(&zero, n, 2, "zero_point", err));
    if (qns_tensor_count(&zero) != (size_t)p->n)
        QNS_FAIL(err, SHAPE, "%d scales, but %zu zero points", (int)p->n, qns_tensor_count(&zero));
    for (int32_t i = 0; i < p->n; i++)
        p->zero[i] = zero_at(&zero, i);
    return QNS_OK;
}

qns_status qns_qdq_read(qns_quantize_attr *attr, qns_onnx_node *n, bool quantize, qns_err *err)
{
    qns_status st = QNS_OK;
    pair p = {0};
    qns_tensor scale;
    if (!qns_onnx_given(n, 0))
        QNS_FAIL(err, FORMAT, "the input is missing");
    QNS_TRY(find_dtype(&p, n, quantize, err));
    QNS_TRY(qns_onnx_constant(&scale, n, 1, "scale", err));
    QNS_TRY(find_axis(&p, n, &scale, err));
    QNS_TRY_DONE(qns_new((void **)&p.scale, (size_t)p.n, sizeof *p.scale, err));
    QNS_TRY_DONE(qns_new((void **)&p.zero, (size_t)p.n, sizeof *p.zero, err));
    QNS_TRY_DONE(fill(&p, n, &scale, err));
    QNS_TRY_DONE(qns_qparams_new(&attr->qp, qns_gb_arena(n->gb), p.dtype, p.axis, p.n, p.scale,
                                 p.zero, err));
    qns_onnx_keep_inputs(n, 1);
done:
    qns_free(p.scale);
    qns_free(p.zero);
    return st;
}

static void store_zero(void *data, qns_dtype dtype, int32_t i, int32_t zero)
{
    if (dtype == QNS_I32)
        ((int32_t *)data)[i] = zero;
    else
        ((uint8_t *)data)[i] = (uint8_t)zero;
}

qns_status qns_qdq_write(qns_onnx_out *w, const qns_qparams *qp, qns_err *err)
{
    float *scale;
    void *zero;
    bool any_zero = false;
    const size_t n = (size_t)qp->n;
    QNS_TRY(qns_arena_new((void **)&scale, w->arena, n, sizeof *scale, err));
    QNS_TRY(qns_arena_new(&zero, w->arena, n, qns_dtype_size(qp->dtype), err));
    for (int32_t i = 0; i < qp->n; i++) {
        scale[i] = (float)qp->scale[i];
        store_zero(zero, qp->dtype, i, qp->zero[i]);
        any_zero |= qp->zero[i] != 0;
    }
    const qns_shape shape = {.rank = qp->axis < 0 ? 0 : 1, .dim = {qp->n}};
    const qns_tensor s = {.dtype = QNS_F32, .shape = shape, .data = scale};
    const qns_tensor z = {.dtype = qp->dtype, .shape = shape, .data = zero};
    if (qp->axis >= 0)
        QNS_TRY(qns_attrs_add_int(&w->attrs, "axis", qp->axis, err));
    QNS_TRY(qns_onnx_add_tensor(w, "scale", &s, err));
    /* ONNX: int32 codes have no zero point. */
    if (qp->dtype != QNS_I32 || any_zero)
        QNS_TRY(qns_onnx_add_tensor(w, "zero_point", &z, err));
    return QNS_OK;
}

qns_status qns_qdq_fits(const qns_qparams *qp, const qns_shape *s, qns_err *err)
{
    if (qp->axis < 0)
        return QNS_OK;
    if (qp->axis >= s->rank || s->dim[qp->axis] != qp->n)
        QNS_FAIL(err, SHAPE, "%d scales along axis %d do not fit %s", (int)qp->n, (int)qp->axis,
                 qns_shape_str(s).s);
    return QNS_OK;
}

void qns_qdq_describe(char *out, size_t size, const qns_node *n)
{
    const qns_qparams *qp = ((const qns_quantize_attr *)n->attr)->qp;
    if (qp->axis < 0)
        snprintf(out, size, "%s scale %g zero %d", qns_dtype_name(qp->dtype), qp->scale[0],
                 (int)qp->zero[0]);
    else
        snprintf(out, size, "%s per channel, axis %d", qns_dtype_name(qp->dtype), (int)qp->axis);
}
