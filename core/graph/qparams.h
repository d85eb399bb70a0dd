/* SPDX-License-Identifier: MIT */
/* Quantization parameters:  real = scale[c] * (code - zero[c]).
 *
 * Per tensor is axis -1 and n 1, so there is one code path. Immutable once built. Codes are clamped
 * to the limits of the dtype: an observer with a narrower range (reduce_range: 0..127) only chooses
 * another scale (spec sections 1 and 2.1). */
#ifndef QNS_QPARAMS_H
#define QNS_QPARAMS_H

#include "core/base/arena.h"
#include "core/graph/tensor.h"

struct qns_qparams {
    qns_dtype dtype;     /* QNS_U8, QNS_I8, or QNS_I32 for a bias */
    int32_t axis;        /* channel axis of the shape, or -1 */
    int32_t n;           /* 1 or shape.dim[axis] */
    const double *scale; /* n values, finite, > 0; a double, converted where the spec says so */
    const int32_t *zero; /* n values within the dtype */
};

typedef struct qns_range {
    float lo, hi;
} qns_range; /* what an observer reports, and what a clamp keeps */

#define QNS_NO_CLAMP ((qns_range){-INFINITY, INFINITY})

/* How a range becomes scale and zero point: the observer formula of spec section 2.1. */
typedef struct qns_qrule_range {
    qns_dtype dtype;
    int32_t qmin, qmax; /* may be narrower than the dtype */
    bool symmetric;
    float eps; /* smallest scale; PyTorch's default is 2^-23 */
} qns_qrule_range;

/* One scale and zero point from one range. Fails with DATA when lo > hi or a bound is NaN. A range
 * that saw no data (lo = +inf, hi = -inf) gives scale 1 and zero point 0, as PyTorch does. */
qns_status qns_qparams_choose(float *scale, int32_t *zero, const qns_qrule_range *rule,
                              qns_range range, qns_err *err);

/* The same with a zero point that is not rounded, for embeddings (spec section 2.1,
 * "float_qparams"). Fails with DATA when lo > hi or a bound is NaN. */
qns_status qns_qparams_choose_float_zero(float *scale, float *zero, int32_t qmin, int32_t qmax,
                                         float eps, qns_range range, qns_err *err);

/* Copies n scales and zero points into the arena and checks them. Fails with DATA on a scale that
 * is not finite and positive or a zero point outside the dtype. */
qns_status qns_qparams_new(const qns_qparams **out, qns_arena *a, qns_dtype dtype, int32_t axis,
                           int32_t n, const double *scale, const int32_t *zero, qns_err *err);
/* n ranges to qparams, per tensor when axis is -1 (n = 1). */
qns_status qns_qparams_from_ranges(const qns_qparams **out, qns_arena *a,
                                   const qns_qrule_range *rule, int32_t axis, int32_t n,
                                   const qns_range *ranges, qns_err *err);
bool qns_qparams_equal(const qns_qparams *x, const qns_qparams *y);
/* The step of channel c, or of the tensor when it is per tensor. */
double qns_qparams_scale(const qns_qparams *qp, int32_t c);
int32_t qns_qparams_zero(const qns_qparams *qp, int32_t c);
/* Smallest and largest real value a code of channel c can stand for. */
qns_range qns_qparams_reach(const qns_qparams *qp, int32_t c);

#endif
