/* SPDX-License-Identifier: MIT */
#include "core/ops/tensor_quantize.h"

#include "core/ops/codes.h"
#include "core/ops/strided.h"
#include "kernels/kernels.h"

#include <assert.h>

static void put(void *codes, qns_dtype dtype, size_t i, int32_t q)
{
    if (dtype == QNS_I32)
        ((int32_t *)codes)[i] = q;
    else
        ((uint8_t *)codes)[i] = (uint8_t)q;
}

/* Scalar formula (Q_fbs), channel by channel. */
static void quantize_rows(const qns_tensor *out, const float *x)
{
    const qns_qparams *qp = out->qp;
    const int32_t lo = qns_dtype_min(qp->dtype), hi = qns_dtype_max(qp->dtype);
    const qns_channels ch = qns_channels_of(out, qp->axis);
    for (size_t i = 0; i < ch.outer * ch.n * ch.inner; i++) {
        const int32_t c = (int32_t)(i / ch.inner % ch.n);
        const float inv = 1.0F / (float)qns_qparams_scale(qp, c);
        put(out->data, qp->dtype, i, qns_code_of(x[i], inv, qns_qparams_zero(qp, c), lo, hi));
    }
}

static qns_status quantize(qns_tensor *out, qns_arena *a, const qns_tensor *x,
                           const qns_qparams *qp, qns_err *err)
{
    const size_t n = qns_tensor_count(x);
    qns_tensor t = {qp->dtype, x->layout, x->shape, NULL, qp};
    qk_table k;
    QNS_TRY(qns_arena_new(&t.data, a, n, qns_dtype_size(qp->dtype), err));
    if (qp->axis >= 0 || qp->dtype == QNS_I32)
        quantize_rows(&t, qns_cf32(x));
    else {
        const float inv = 1.0F / (float)qp->scale[0];
        qk_table_init(&k, ~0U);
        if (qp->dtype == QNS_U8)
            k.quantize_u8(t.data, qns_cf32(x), n, inv, qp->zero[0]);
        else
            k.quantize_s8(t.data, qns_cf32(x), n, inv, qp->zero[0]);
    }
    *out = t;
    return QNS_OK;
}

qns_status qns_quantize_per_tensor(qns_tensor *out, qns_arena *a, const qns_tensor *x, double scale,
                                   int32_t zero_point, qns_dtype dtype, qns_err *err)
{
    const qns_qparams *qp;
    if (x->dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "%s cannot be quantized, only float32", qns_dtype_name(x->dtype));
    QNS_TRY(qns_qparams_new(&qp, a, dtype, -1, 1, &scale, &zero_point, err));
    return quantize(out, a, x, qp, err);
}

qns_status qns_quantize_per_channel(qns_tensor *out, qns_arena *a, const qns_tensor *x,
                                    const double *scales, const int32_t *zero_points, int32_t axis,
                                    qns_dtype dtype, qns_err *err)
{
    const qns_qparams *qp;
    if (x->dtype != QNS_F32)
        QNS_FAIL(err, SHAPE, "%s cannot be quantized, only float32", qns_dtype_name(x->dtype));
    if (axis < 0 || axis >= x->shape.rank)
        QNS_FAIL(err, SHAPE, "axis %d of a tensor with %d axes", axis, x->shape.rank);
    QNS_TRY(qns_qparams_new(&qp, a, dtype, axis, (int32_t)x->shape.dim[axis], scales, zero_points,
                            err));
    return quantize(out, a, x, qp, err);
}

qns_status qns_dequantize(qns_tensor *out, qns_arena *a, const qns_tensor *q, qns_err *err)
{
    qns_tensor t = {.dtype = QNS_F32, .shape = q->shape};
    assert(q->qp);
    QNS_TRY(qns_arena_new(&t.data, a, qns_tensor_count(q), sizeof(float), err));
    qns_tensor_to_float(t.data, q);
    *out = t;
    return QNS_OK;
}

qns_tensor qns_int_repr(const qns_tensor *q)
{
    qns_tensor t = *q;
    assert(q->qp);
    t.qp = NULL;
    return t;
}

double qns_q_scale(const qns_tensor *q)
{
    assert(q->qp && q->qp->axis < 0);
    return q->qp->scale[0];
}

int32_t qns_q_zero_point(const qns_tensor *q)
{
    assert(q->qp && q->qp->axis < 0);
    return q->qp->zero[0];
}

const double *qns_q_per_channel_scales(const qns_tensor *q)
{
    assert(q->qp && q->qp->axis >= 0);
    return q->qp->scale;
}

const int32_t *qns_q_per_channel_zero_points(const qns_tensor *q)
{
    assert(q->qp && q->qp->axis >= 0);
    return q->qp->zero;
}

int32_t qns_q_per_channel_axis(const qns_tensor *q)
{
    assert(q->qp && q->qp->axis >= 0);
    return q->qp->axis;
}
