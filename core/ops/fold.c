/* SPDX-License-Identifier: MIT */
/* An affine behind a conv, conv_transpose or linear goes into its weight and bias (spec
 * section 7.1). All in f32, each product rounded; the two operators associate differently, and that
 * shows in the bits. */
#include "core/ops/conv_impl.h"

#include <math.h>
#include <stdio.h>

static bool is_float_constant(const qns_gb *gb, qns_vid v)
{
    const qns_value *x = qns_gb_value(gb, v);

    return x->constant && x->dtype == QNS_F32 && x->shape.rank >= 1;
}

static bool has_channels(const qns_shape *w, size_t n_out, qns_fold_kind kind)
{
    if (!kind.transposed)
        return (size_t)w->dim[0] == n_out;
    return w->rank >= 2 && w->dim[0] % kind.transposed == 0 &&
           (size_t)(w->dim[1] * kind.transposed) == n_out;
}

static float inv_std(const qns_affine *a, size_t o)
{
    return a->var ? 1.0f / sqrtf(a->var[o] + a->eps) : 1.0f;
}

/* The weight is rows that belong to one output channel each; which one row `i` belongs to. */
static size_t channel_of(size_t i, const qns_shape *w, qns_fold_kind kind)
{
    if (!kind.transposed)
        return i;
    const size_t og = (size_t)w->dim[1], cg = (size_t)(w->dim[0] / kind.transposed);
    return i / og / cg * og + i % og;
}

static qns_status fold_weight(qns_vid *v, qns_gb *gb, const qns_affine *a, qns_fold_kind kind,
                              qns_err *err)
{
    const qns_value old = *qns_gb_value(gb, *v);
    const int32_t lead = kind.transposed ? 2 : 1;
    const size_t row = qns_shape_span(&old.shape, lead, old.shape.rank);
    const size_t rows = qns_shape_span(&old.shape, 0, lead);
    const float *from = old.constant;
    float *w;

    QNS_TRY(qns_arena_new((void **)&w, qns_gb_arena(gb), rows * row, sizeof *w, err));
    for (size_t o = 0; o < rows; o++) {
        const size_t ch = channel_of(o, &old.shape, kind);
        const float r = inv_std(a, ch);
        const float k = a->gamma ? a->gamma[ch] * r : r;

        for (size_t i = 0; i < row; i++)
            w[o * row + i] = from[o * row + i] * k;
    }
    const qns_const_spec spec = {
        .name = old.name, .origin = old.origin, .dtype = QNS_F32, .shape = old.shape, .data = w};
    return qns_gb_constant(v, gb, &spec, err);
}

/* conv: ((b - mean) * r) * gamma + beta; linear: (b - mean) * (gamma * r) + beta. */
static float fold_bias(float b, const qns_affine *a, size_t o, bool linear)
{
    const float r = inv_std(a, o), d = a->mean ? b - a->mean[o] : b;
    const float gamma = a->gamma ? a->gamma[o] : 1.0f, beta = a->beta ? a->beta[o] : 0.0f;

    return linear ? d * (gamma * r) + beta : d * r * gamma + beta;
}

qns_status qns_fold_affine(qns_gb *gb, qns_vid *in, uint32_t *n_in, const qns_node *n,
                           const qns_affine *a, qns_fold_kind kind, qns_err *err)
{
    const bool has_bias = *n_in > 2 && qns_has(in[2]);
    char name[256];
    float *b;

    if (!is_float_constant(gb, in[1]) || (has_bias && !is_float_constant(gb, in[2])) ||
        !has_channels(&qns_gb_value(gb, in[1])->shape, a->n, kind) ||
        (has_bias && qns_shape_count(&qns_gb_value(gb, in[2])->shape) != a->n))
        QNS_FAIL(err, UNSUPPORTED, "the weight is no float constant of %zu output channels", a->n);
    QNS_TRY(qns_arena_new((void **)&b, qns_gb_arena(gb), a->n, sizeof *b, err));
    const float *old = has_bias ? qns_gb_value(gb, in[2])->constant : NULL;
    for (size_t o = 0; o < a->n; o++)
        b[o] = fold_bias(old ? old[o] : 0.0f, a, o, kind.linear);
    QNS_TRY(fold_weight(&in[1], gb, a, kind, err));
    snprintf(name, sizeof name, "%s.bias", n->name);
    qns_const_spec spec = {
        .name = name, .dtype = QNS_F32, .shape = {.rank = 1, .dim = {(int64_t)a->n}}, .data = b};
    if (has_bias) {
        const qns_value *v = qns_gb_value(gb, in[2]);
        spec.name = v->name;
        spec.origin = v->origin;
    }
    QNS_TRY(qns_gb_constant(&in[2], gb, &spec, err));
    if (*n_in < 3)
        *n_in = 3;
    return QNS_OK;
}
