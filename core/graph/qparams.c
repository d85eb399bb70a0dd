/* SPDX-License-Identifier: MIT */
#include "core/graph/qparams.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* f32 -> int32 as x86 converts: out of range and NaN give INT32_MIN. */
static int32_t to_int(float x)
{
    return x >= -2147483648.0f && x < 2147483648.0f ? (int32_t)x : INT32_MIN;
}

/* max that lets NaN through, as the original's does. */
static float max_nan(float a, float b)
{
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}

qns_status qns_qparams_choose(float *scale, int32_t *zero, const qns_qrule_range *rule, qns_range r,
                              qns_err *err)
{
    if (r.lo == INFINITY && r.hi == -INFINITY) {
        *scale = 1;
        *zero = 0;
        return QNS_OK;
    }
    if (!(r.lo <= r.hi))
        QNS_FAIL(err, DATA, "range [%g, %g] is not a range; the data holds NaN", (double)r.lo,
                 (double)r.hi);
    /* Spec section 2.1: every step in f32, a division and not a multiply by the reciprocal. */
    const float neg = r.lo < 0 ? r.lo : 0, pos = r.hi > 0 ? r.hi : 0;
    if (rule->symmetric) {
        const float m = max_nan(-neg, pos);
        *scale = max_nan(m / (float)((rule->qmax - rule->qmin) / 2.0), rule->eps);
        const bool narrowed = rule->dtype == QNS_U8 && (rule->qmin != 0 || rule->qmax != 255);
        *zero = rule->dtype != QNS_U8 ? 0
                : narrowed            ? (int32_t)floor((rule->qmin + rule->qmax) / 2.0)
                                      : 128;
        return QNS_OK;
    }
    *scale = max_nan((pos - neg) / (float)(rule->qmax - rule->qmin), rule->eps);
    /* k may be INT32_MIN: subtract in 64 bits, then clamp. */
    const int64_t z = (int64_t)rule->qmin - to_int(rintf(neg / *scale));
    *zero = (int32_t)(z < rule->qmin ? rule->qmin : z > rule->qmax ? rule->qmax : z);
    return QNS_OK;
}

qns_status qns_qparams_choose_float_zero(float *scale, float *zero, int32_t qmin, int32_t qmax,
                                         float eps, qns_range r, qns_err *err)
{
    if (r.lo == INFINITY && r.hi == -INFINITY) {
        *scale = 1;
        *zero = 0;
        return QNS_OK;
    }
    if (!(r.lo <= r.hi))
        QNS_FAIL(err, DATA, "range [%g, %g] is not a range; the data holds NaN", (double)r.lo,
                 (double)r.hi);
    const float s = (r.hi - r.lo) / (float)(qmax - qmin);
    *scale = s > eps ? s : 1.0f;
    *zero = -r.lo / *scale;
    return QNS_OK;
}

qns_status qns_qparams_new(const qns_qparams **out, qns_arena *a, qns_dtype dtype, int32_t axis,
                           int32_t n, const double *scale, const int32_t *zero, qns_err *err)
{
    qns_qparams *qp;
    if (dtype != QNS_U8 && dtype != QNS_I8 && dtype != QNS_I32)
        QNS_FAIL(err, UNSUPPORTED, "codes of type %s; uint8, int8 and int32 are supported",
                 qns_dtype_name(dtype));
    if (n < 1 || (axis < 0 && n != 1))
        QNS_FAIL(err, SHAPE, "%d scales for axis %d", n, axis);
    for (int32_t i = 0; i < n; i++) {
        if (!(isfinite(scale[i]) && scale[i] > 0))
            QNS_FAIL(err, DATA, "scale[%d] is %g; it must be finite and above 0", i, scale[i]);
        if (zero[i] < qns_dtype_min(dtype) || zero[i] > qns_dtype_max(dtype))
            QNS_FAIL(err, DATA, "zero point[%d] is %d, outside of %s", i, zero[i],
                     qns_dtype_name(dtype));
    }
    QNS_TRY(qns_arena_new((void **)&qp, a, 1, sizeof *qp, err));
    *qp = (qns_qparams){dtype, axis, n, qns_arena_dup(a, scale, (size_t)n * sizeof *scale),
                        qns_arena_dup(a, zero, (size_t)n * sizeof *zero)};
    if (!qp->scale || !qp->zero)
        QNS_FAIL(err, NOMEM, "cannot get memory for %d scales", n);
    *out = qp;
    return QNS_OK;
}

qns_status qns_qparams_from_ranges(const qns_qparams **out, qns_arena *a,
                                   const qns_qrule_range *rule, int32_t axis, int32_t n,
                                   const qns_range *ranges, qns_err *err)
{
    double *scale;
    int32_t *zero;
    QNS_TRY(qns_arena_new((void **)&scale, a, (size_t)n, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, (size_t)n, sizeof *zero, err));
    for (int32_t i = 0; i < n; i++) {
        float s;
        QNS_TRY(qns_qparams_choose(&s, &zero[i], rule, ranges[i], err));
        scale[i] = (double)s;
    }
    return qns_qparams_new(out, a, rule->dtype, axis, n, scale, zero, err);
}

bool qns_qparams_equal(const qns_qparams *x, const qns_qparams *y)
{
    if (x == y)
        return true;
    if (!x || !y)
        return false;
    return x->dtype == y->dtype && x->axis == y->axis && x->n == y->n &&
           memcmp(x->scale, y->scale, (size_t)x->n * sizeof *x->scale) == 0 &&
           memcmp(x->zero, y->zero, (size_t)x->n * sizeof *x->zero) == 0;
}

double qns_qparams_scale(const qns_qparams *qp, int32_t c)
{
    assert(qp->n == 1 || (c >= 0 && c < qp->n));
    return qp->scale[qp->n == 1 ? 0 : c];
}

int32_t qns_qparams_zero(const qns_qparams *qp, int32_t c)
{
    assert(qp->n == 1 || (c >= 0 && c < qp->n));
    return qp->zero[qp->n == 1 ? 0 : c];
}

qns_range qns_qparams_reach(const qns_qparams *qp, int32_t c)
{
    const double s = qns_qparams_scale(qp, c);
    const double z = qns_qparams_zero(qp, c);
    return (qns_range){(float)(s * (qns_dtype_min(qp->dtype) - z)),
                       (float)(s * (qns_dtype_max(qp->dtype) - z))};
}
