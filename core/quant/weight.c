/* SPDX-License-Identifier: MIT */
#include "core/quant/weight.h"

#include "core/ops/codes.h"

#include <math.h>

static qns_status find_ranges(qns_range *r, int32_t n, const qns_obs_spec *spec,
                              qns_hist_version hist, const qns_value *w, int32_t axis, qns_err *err)
{
    const qns_obs_args args = qns_obs_args_of(spec, n, hist);
    void *state;
    QNS_TRY(spec->observer->create(&state, &args, err));
    qns_status st = qns_observe_array(spec->observer, state, w->constant, &w->shape, axis, err);
    for (int32_t c = 0; c < n && st == QNS_OK; c++)
        st = spec->observer->range(&r[c], state, c, err);
    spec->observer->free(state);
    return st;
}

qns_status qns_weight_quantize(qns_weight *out, qns_arena *a, const qns_obs_spec *spec,
                               qns_hist_version hist, const qns_value *w, int32_t axis,
                               qns_err *err)
{
    const int32_t used = spec->per_channel ? axis : -1;
    const int32_t n = used < 0 ? 1 : (int32_t)w->shape.dim[used];
    const size_t count = qns_shape_count(&w->shape);
    const qns_qparams *qp;
    qns_range *ranges;
    int8_t *codes;
    QNS_TRY(qns_arena_new((void **)&ranges, a, (size_t)n, sizeof *ranges, err));
    QNS_TRY(find_ranges(ranges, n, spec, hist, w, used, err));
    QNS_TRY(qns_qparams_from_ranges(&qp, a, &spec->range, used, n, ranges, err));
    if (spec->observer == &qns_obs_fixed)
        QNS_TRY(qns_qparams_new(&qp, a, spec->range.dtype, -1, 1, &spec->scale, &spec->zero, err));
    QNS_TRY(qns_arena_new((void **)&codes, a, count, 1, err));
    const float *x = w->constant;
    const int32_t lo = qns_dtype_min(QNS_I8), hi = qns_dtype_max(QNS_I8);
    const size_t inner = used < 0 ? count : qns_shape_span(&w->shape, used + 1, w->shape.rank);
    for (size_t i = 0; i < count; i += inner) {
        const int32_t c = (int32_t)(i / inner % (size_t)n);
        const float inv = 1.0F / (float)qns_qparams_scale(qp, c);
        for (size_t k = i; k < i + inner; k++)
            codes[k] = (int8_t)qns_code_of(x[k], inv, qns_qparams_zero(qp, c), lo, hi);
    }
    *out = (qns_weight){codes, qp};
    return QNS_OK;
}

qns_status qns_bias_quantize(const int32_t **codes, const qns_qparams **qp, qns_arena *a,
                             const qns_value *bias, double in_scale, const qns_qparams *weight,
                             qns_err *err)
{
    const size_t count = qns_shape_count(&bias->shape);
    double *scale;
    int32_t *zero, *q;
    if (bias->shape.rank != 1 || (weight->n != 1 && (size_t)weight->n != count))
        QNS_FAIL(err, SHAPE, "bias '%s' has shape %s; one number for each channel is needed",
                 bias->name, qns_shape_str(&bias->shape).s);
    QNS_TRY(qns_arena_new((void **)&scale, a, (size_t)weight->n, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, a, (size_t)weight->n, sizeof *zero, err));
    QNS_TRY(qns_arena_new((void **)&q, a, count, sizeof *q, err));
    for (int32_t c = 0; c < weight->n; c++)
        scale[c] = (double)(float)(weight->scale[c] * in_scale);
    QNS_TRY(qns_qparams_new(qp, a, QNS_I32, weight->n == 1 ? -1 : 0, weight->n, scale, zero, err));
    const float *x = bias->constant;
    for (size_t i = 0; i < count; i++) {
        const float inv = 1.0F / (float)qns_qparams_scale(*qp, (int32_t)i);
        q[i] = qns_code_of(x[i], inv, 0, INT32_MIN, INT32_MAX);
    }
    *codes = q;
    return QNS_OK;
}
