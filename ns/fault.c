/* SPDX-License-Identifier: MIT */
/* The faults, one function each. Sizes are chosen small: what finds these finds more. */
#include "ns/fault.h"

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "ns/fault_internal.h"

#include <math.h>
#include <string.h>

static const double gain = 1.1, narrower = 2, stale_noise = 0.1;

/* ---- which layers can have them ---- */

static const char *needs_codes(const qns_fault_site *s)
{
    return s->out ? NULL : "its output is no int8 codes with one scale";
}

static const char *needs_weight(const qns_fault_site *s)
{
    return s->weight ? NULL : "it has no int8 weight";
}

static const char *needs_bias(const qns_fault_site *s)
{
    return s->bias ? NULL : "it has no bias";
}

static const char *needs_rounding(const qns_fault_site *s)
{
    return !s->bias ? "it has no bias" : needs_codes(s);
}

static const char *needs_channels(const qns_fault_site *s)
{
    return !s->weight ? "it has no int8 weight" : s->rows < 2 ? "it has one channel" : NULL;
}

static const char *needs_scales(const qns_fault_site *s)
{
    return !s->weight             ? "it has no int8 weight"
           : s->weight->qp->n < 2 ? "its weight has one scale"
                                  : NULL;
}

/* Channels of the weight's input: the axis beside the one of its rows. */
static size_t inputs_of(const qns_fault_site *s)
{
    const qns_shape *w = &s->weight->shape;
    return w->rank < 2 ? 1 : (size_t)(s->outer == 1 ? w->dim[1] : w->dim[0]);
}

static const char *needs_inputs(const qns_fault_site *s)
{
    return !s->weight ? "it has no int8 weight" : inputs_of(s) < 2 ? "it reads one channel" : NULL;
}

static const char *needs_square(const qns_fault_site *s)
{
    const qns_shape *w = s->weight ? &s->weight->shape : NULL;
    return !w                                                        ? "it has no int8 weight"
           : w->rank != 4 || w->dim[2] != w->dim[3] || w->dim[2] < 2 ? "it has no square window"
                                                                     : NULL;
}

/* ---- values ---- */

/* Written with a zero point that the reader does not have: all values are one step off. */
static qns_status zero_point(qns_fault_site *s, qns_err *err)
{
    const qns_qparams *qp = s->out->qp, *other;
    const int32_t zero = qp->zero[0], most = qp->dtype == QNS_U8 ? UINT8_MAX : INT8_MAX;
    QNS_TRY(qns_fault_qparams(&other, s, qp->scale[0], zero < most ? zero + 1 : zero - 1, err));
    const qns_qparams *const read[] = {qp, qp}, *const written[] = {other, qp};
    return qns_fault_values(s, read, written, 2, err);
}

static qns_status wrong_scale(qns_fault_site *s, qns_err *err)
{
    const qns_qparams *other;
    QNS_TRY(qns_fault_qparams(&other, s, gain * s->out->qp->scale[0], s->out->qp->zero[0], err));
    return qns_fault_values(s, &other, &s->out->qp, 1, err);
}

/* Codes of half the range, as a calibration that saw too little would choose. */
static qns_status clipped(qns_fault_site *s, qns_err *err)
{
    const qns_qparams *qp = s->out->qp, *narrow;
    QNS_TRY(qns_fault_qparams(&narrow, s, qp->scale[0] / narrower, qp->zero[0], err));
    const qns_qparams *const read[] = {qp, narrow}, *const written[] = {narrow, qp};
    return qns_fault_values(s, read, written, 2, err);
}

/* Rounding down is rounding what is half a step less. */
static qns_status rounding(qns_fault_site *s, qns_err *err)
{
    void *bias;
    QNS_TRY(qns_arena_new(&bias, qns_gb_arena(s->gb), s->rows, sizeof(float), err));
    for (size_t r = 0; r < s->rows; r++)
        qns_fault_add_bias(bias, s, r, -0.5 * s->out->qp->scale[0]);
    return qns_fault_constants(s, NULL, NULL, bias, err);
}

static qns_status dropped_bias(qns_fault_site *s, qns_err *err)
{
    void *bias; /* zeroed */
    QNS_TRY(qns_arena_new(&bias, qns_gb_arena(s->gb), s->rows, sizeof(float), err));
    return qns_fault_constants(s, NULL, NULL, bias, err);
}

/* ---- weights ---- */

static int8_t *row_at(int8_t *codes, const qns_fault_site *s, size_t outer, size_t row)
{
    return codes + (outer * s->rows + row) * s->inner;
}

static qns_status sign_flip(qns_fault_site *s, qns_err *err)
{
    int8_t *c;
    QNS_TRY(qns_fault_codes(&c, s, err));
    for (size_t i = 0; i < qns_shape_count(&s->weight->shape); i++)
        c[i] = (int8_t)(c[i] == INT8_MIN ? INT8_MAX : -c[i]);
    return qns_fault_constants(s, c, NULL, NULL, err);
}

/* Where row r of the faulty layer comes from: the first and the last change places. */
static size_t swapped_row(const qns_fault_site *s, size_t r)
{
    return r == 0 ? s->rows - 1 : r + 1 == s->rows ? 0 : r;
}

static qns_status swapped_qparams(const qns_qparams **out, const qns_fault_site *s, qns_err *err)
{
    const qns_qparams *qp = s->weight->qp;
    double *scale;
    int32_t *zero;
    *out = NULL;
    if (qp->n < 2)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&scale, qns_gb_arena(s->gb), s->rows, sizeof *scale, err));
    QNS_TRY(qns_arena_new((void **)&zero, qns_gb_arena(s->gb), s->rows, sizeof *zero, err));
    for (size_t r = 0; r < s->rows; r++) {
        scale[r] = qp->scale[swapped_row(s, r)];
        zero[r] = qp->zero[swapped_row(s, r)];
    }
    return qns_qparams_new(out, qns_gb_arena(s->gb), qp->dtype, qp->axis, qp->n, scale, zero, err);
}

/* The whole channels: weights, scales and biases. The layers behind read them as before. */
static qns_status swapped_channels(qns_fault_site *s, qns_err *err)
{
    int8_t *c;
    char *bias = NULL;
    const qns_qparams *qp;
    QNS_TRY(qns_fault_codes(&c, s, err));
    for (size_t o = 0; o < s->outer; o++)
        for (size_t r = 0; r < s->rows; r += s->rows - 1)
            memcpy(row_at(c, s, o, r),
                   (const int8_t *)s->weight->constant +
                       (o * s->rows + swapped_row(s, r)) * s->inner,
                   s->inner);
    QNS_TRY(swapped_qparams(&qp, s, err));
    if (s->bias) {
        const char *from = s->bias->constant;
        QNS_TRY(qns_arena_new((void **)&bias, qns_gb_arena(s->gb), s->rows, 4, err));
        for (size_t r = 0; r < s->rows; r++)
            memcpy(bias + 4 * r, from + 4 * swapped_row(s, r), 4);
    }
    return qns_fault_constants(s, c, qp, bias, err);
}

/* Input channels turned by one, as after a wrong transposition: RGB read as GBR. */
static qns_status permuted_inputs(qns_fault_site *s, qns_err *err)
{
    int8_t *c;
    const int8_t *from = s->weight->constant;
    const qns_shape *w = &s->weight->shape;
    const int32_t axis = s->outer == 1 ? 1 : 0;
    const size_t outer = qns_shape_span(w, 0, axis), n = inputs_of(s),
                 inner = qns_shape_span(w, axis + 1, w->rank);
    QNS_TRY(qns_fault_codes(&c, s, err));
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < n; i++)
            memcpy(c + (o * n + i) * inner, from + (o * n + (i + 1) % n) * inner, inner);
    return qns_fault_constants(s, c, NULL, NULL, err);
}

static qns_status transposed(qns_fault_site *s, qns_err *err)
{
    int8_t *c;
    const int8_t *from = s->weight->constant;
    const size_t k = (size_t)s->weight->shape.dim[2];
    const size_t windows = qns_shape_count(&s->weight->shape) / (k * k);
    QNS_TRY(qns_fault_codes(&c, s, err));
    for (size_t w = 0; w < windows; w++)
        for (size_t y = 0; y < k; y++)
            for (size_t x = 0; x < k; x++)
                c[w * k * k + y * k + x] = from[w * k * k + x * k + y];
    return qns_fault_constants(s, c, NULL, NULL, err);
}

/* Weights of an earlier training: a tenth of their size away. Uniform noise of one row's RMS. */
static qns_status stale(qns_fault_site *s, qns_err *err)
{
    int8_t *c;
    qns_rng rng;
    qns_rng_seed(&rng, 20);
    QNS_TRY(qns_fault_codes(&c, s, err));
    for (size_t o = 0; o < s->outer; o++)
        for (size_t r = 0; r < s->rows; r++) {
            int8_t *v = row_at(c, s, o, r);
            double square = 0;
            for (size_t i = 0; i < s->inner; i++)
                square += (double)v[i] * v[i];
            const double rms = s->inner ? sqrt(square / (double)s->inner) : 0;
            for (size_t i = 0; i < s->inner; i++) {
                const double off = stale_noise * rms * sqrt(12) * (qns_rng_unit(&rng) - 0.5);
                v[i] = (int8_t)fmax(-127, fmin(127, rint(v[i] + off)));
            }
        }
    return qns_fault_constants(s, c, NULL, NULL, err);
}

/* The first channel's scale for all. */
static qns_status one_scale(qns_fault_site *s, qns_err *err)
{
    const qns_qparams *old = s->weight->qp, *qp;
    double *scale;
    QNS_TRY(qns_arena_new((void **)&scale, qns_gb_arena(s->gb), s->rows, sizeof *scale, err));
    for (int32_t i = 0; i < old->n; i++)
        scale[i] = old->scale[0];
    QNS_TRY(qns_qparams_new(&qp, qns_gb_arena(s->gb), old->dtype, old->axis, old->n, scale,
                            old->zero, err));
    return qns_fault_constants(s, NULL, qp, NULL, err);
}

/* ---- the table ---- */

const qns_fault qns_faults[] = {
    {"zero-point", "the output's zero point is off by one", "ZERO_POINT", needs_codes, zero_point},
    {"scale", "the output is read with a scale 1.1 times too large", "WRONG_SCALE", needs_codes,
     wrong_scale},
    {"clipped", "the output's codes reach only half of its range", "CLIPPING SATURATION",
     needs_codes, clipped},
    {"rounding", "sums are rounded down instead of to the nearest code", "ROUNDS_DOWN",
     needs_rounding, rounding},
    {"dropped-bias", "the bias is left out", "CHANNEL_SHIFT", needs_bias, dropped_bias},
    {"sign-flip", "the weights have the wrong sign", "SIGN_FLIP", needs_weight, sign_flip},
    {"swapped-channels", "the first and the last channel change places", "CHANNELS_SWAPPED",
     needs_channels, swapped_channels},
    {"permuted-inputs", "the weights read the input channels in another order", "CHANNELS_SWAPPED",
     needs_inputs, permuted_inputs},
    {"transposed", "the windows of the weights are transposed", "TRANSPOSED", needs_square,
     transposed},
    {"stale-weight", "the weights are of an earlier training, a tenth of their size away",
     "WEIGHTS_NOT_ROUNDED", needs_weight, stale},
    {"one-scale", "the first channel's weight scale is used for all", "CHANNEL_SCALES",
     needs_scales, one_scale},
    {.name = NULL},
};

const qns_fault *qns_fault_find(const char *name)
{
    for (const qns_fault *f = qns_faults; f->name; f++)
        if (strcmp(f->name, name) == 0)
            return f;
    return NULL;
}
