/* SPDX-License-Identifier: MIT */
/* Resizing of the spatial axes: nearest copies elements, linear and cubic weigh the two or four
 * neighbours on each axis. Codes keep their qparams; linear works on the codes themselves (spec
 * section 5.3). Cubic and crops are float only. */
#include "core/ops/op_resize.h"

#include "core/ops/op_help.h"
#include "core/ops/resize_onnx.h"
#include "core/ops/resize_taps.h"
#include "kernels/kernels.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SPATIAL = 3 };

static qns_status out_size(int64_t *out, const qns_resize_attr *a, int32_t i, int64_t in,
                           qns_err *err)
{
    const float size = floorf((float)in * (float)a->scale[i]);

    *out = a->by_size ? a->size[i] ? a->size[i] : in : 0;
    if (!a->by_size) {
        if (!(size >= 0.0f && size < 1e9f))
            QNS_FAIL(err, SHAPE, "axis %d would have size %g", i, (double)size);
        *out = (int64_t)size;
    }
    if ((*out < 1) != (in < 1))
        QNS_FAIL(err, SHAPE, "axis %d would go from size %lld to %lld", i, (long long)in,
                 (long long)*out);
    if (i < 2 && *out != in)
        QNS_FAIL(err, UNSUPPORTED, "axis %d is resized; only spatial axes (from 2 on) can be", i);
    return QNS_OK;
}

static qns_status infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    const qns_resize_attr *a = n->attr;
    const qns_shape *s = &in[0].shape;

    if (in[0].dtype == QNS_F32 || qns_is_code(in[0].dtype))
        QNS_TRY(qns_infer_same(out, n, in, err));
    else
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    if (s->rank < 3 || s->rank > 2 + SPATIAL || s->rank != a->n)
        QNS_FAIL(err, SHAPE, "the input has %d axes, must have %lld, from 3 to 5", s->rank,
                 (long long)a->n);
    for (int32_t i = 0; i < s->rank; i++)
        QNS_TRY(out_size(&out[0].shape.dim[i], a, i, s->dim[i], err));
    return QNS_OK;
}

static void describe(char *out, size_t size, const qns_node *n)
{
    const qns_resize_attr *a = n->attr;
    size_t len = (size_t)snprintf(out, size, "%s %s", qns_resize_mode_name[a->mode],
                                  qns_resize_coord_name[a->coord]);

    if (a->mode == QNS_RESIZE_NEAREST && len < size)
        len += (size_t)snprintf(out + len, size - len, " %s", qns_resize_round_name[a->round]);
    for (int64_t i = 2; i < a->n && len < size; i++)
        len += a->by_size ? (size_t)snprintf(out + len, size - len, "%s%lld", i > 2 ? "x" : " to ",
                                             (long long)a->size[i])
                          : (size_t)snprintf(out + len, size - len, "%s%g", i > 2 ? "x" : " by ",
                                             a->scale[i]);
}

/* ---- running ---- */

typedef struct job {
    int64_t in[SPATIAL], out[SPATIAL];
    const qns_resize_tap *tap[SPATIAL];
    size_t outer, inner; /* planes in front of the spatial axes; elements of a pixel */
    size_t lines;        /* outer * out[0] * out[1] */
} job;

static size_t scratch_size(const qns_call *c)
{
    const qns_shape *s = &c->out[0].shape;
    size_t n = SPATIAL;

    for (int32_t i = 2; i < s->rank; i++)
        n += (size_t)s->dim[i];
    return n * sizeof(qns_resize_tap);
}

static job start(const qns_call *c)
{
    const qns_shape *x = &c->in[0].shape, *y = &c->out[0].shape;
    const bool last = c->in[0].layout == QNS_CHLAST;
    const int32_t lead = SPATIAL - (x->rank - 2);
    qns_resize_tap *taps = c->scratch;
    job j = {.outer = (size_t)x->dim[0] * (last ? 1 : (size_t)x->dim[1]),
             .inner = last ? (size_t)x->dim[1] : 1};

    for (int32_t i = 0; i < SPATIAL; i++) {
        const int32_t axis = i - lead + 2;

        j.in[i] = i < lead ? 1 : x->dim[axis];
        j.out[i] = i < lead ? 1 : y->dim[axis];
        j.tap[i] = taps;
        if (i < lead)
            *taps++ = QNS_RESIZE_NO_TAP;
        else
            for (int64_t p = 0; p < j.out[i]; p++)
                *taps++ = qns_resize_tap_of(c->node->attr, axis, p, j.in[i], j.out[i]);
    }
    j.lines = qns_tensor_count(&c->out[0]) ? j.outer * (size_t)(j.out[0] * j.out[1]) : 0;
    return j;
}

/* Line number `line` of the output: its first pixel, and the taps of its axes 0 and 1. */
static size_t plane_of(const qns_resize_tap **z, const qns_resize_tap **y, const job *j,
                       size_t line)
{
    *y = &j->tap[1][line % (size_t)j->out[1]];
    line /= (size_t)j->out[1];
    *z = &j->tap[0][line % (size_t)j->out[0]];
    return line / (size_t)j->out[0] * (size_t)(j->in[0] * j->in[1] * j->in[2]);
}

static size_t line_at(const job *j, int64_t z, int64_t y)
{
    return (size_t)((z * j->in[1] + y) * j->in[2]);
}

/* The pixels of a crop that lie beyond the input. */
static void fill_outside(const qns_call *c, const job *j)
{
    const qns_resize_attr *a = c->node->attr;
    float *out = c->out[0].data;

    if (a->coord != QNS_COORD_TF_CROP_AND_RESIZE)
        return;
    for (size_t l = 0; l < j->lines; l++) {
        const qns_resize_tap *z, *y;
        plane_of(&z, &y, j, l);
        for (int64_t x = 0; x < j->out[2]; x++)
            for (size_t i = 0; i < j->inner; i++, out++)
                if (z->outside || y->outside || j->tap[2][x].outside)
                    *out = a->extrapolation;
    }
}

static void run_nearest(const qns_call *c)
{
    const job j = start(c);
    const size_t size = j.inner * qns_dtype_size(c->in[0].dtype);
    const char *in = c->in[0].data;
    char *out = c->out[0].data;

#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->out[0]) > QNS_PAR_MIN)
    for (size_t l = 0; l < j.lines; l++) {
        const qns_resize_tap *z, *y;
        const size_t plane = plane_of(&z, &y, &j, l);
        const char *from = in + (plane + line_at(&j, z->at[0], y->at[0])) * size;
        char *to = out + l * (size_t)j.out[2] * size;

        for (int64_t x = 0; x < j.out[2]; x++, to += size)
            memcpy(to, from + (size_t)j.tap[2][x].at[0] * size, size);
    }
    fill_outside(c, &j);
}

static inline float load(const void *p, size_t i, qns_dtype type)
{
    return type == QNS_F32  ? ((const float *)p)[i]
           : type == QNS_U8 ? (float)((const uint8_t *)p)[i]
                            : (float)((const int8_t *)p)[i];
}

static inline void store(void *p, size_t i, float v, qns_dtype type, int32_t zero)
{
    if (type == QNS_F32) {
        ((float *)p)[i] = v;
        return;
    }
    const int64_t q = (int64_t)qk_rne(v - (float)zero) + zero;
    if (type == QNS_U8)
        ((uint8_t *)p)[i] = (uint8_t)(q < 0 ? 0 : q > 255 ? 255 : q);
    else
        ((int8_t *)p)[i] = (int8_t)(q < -128 ? -128 : q > 127 ? 127 : q);
}

/* One line of outputs. Innermost axis first, as the spec's h0 * (w0 * p00 + w1 * p01) +
 * h1 * (w0 * p10 + w1 * p11). */
static inline void linear_line(const qns_call *c, const job *j, size_t line, qns_dtype type)
{
    const qns_resize_tap *z, *y;
    const size_t plane = plane_of(&z, &y, j, line), n = j->inner;
    const int rows = j->in[0] > 1 ? 4 : c->in[0].shape.rank > 3 ? 2 : 1;
    const int32_t zero = type == QNS_F32 ? 0 : c->in[0].qp->zero[0];
    size_t row[4], to = line * (size_t)j->out[2] * n;

    for (int k = 0; k < 4; k++)
        row[k] = (plane + line_at(j, z->at[k >> 1], y->at[k & 1])) * n;
    for (int64_t x = 0; x < j->out[2]; x++) {
        const qns_resize_tap *t = &j->tap[2][x];

        for (size_t i = 0; i < n; i++) {
            const size_t a = (size_t)t->at[0] * n + i, b = (size_t)t->at[1] * n + i;
            float v[4];

            for (int k = 0; k < rows; k++)
                v[k] = t->weight[0] * load(c->in[0].data, row[k] + a, type) +
                       t->weight[1] * load(c->in[0].data, row[k] + b, type);
            if (rows > 1)
                v[0] = y->weight[0] * v[0] + y->weight[1] * v[1];
            if (rows > 2)
                v[0] = z->weight[0] * v[0] +
                       z->weight[1] * (y->weight[0] * v[2] + y->weight[1] * v[3]);
            store(c->out[0].data, to++, v[0], type, zero);
        }
    }
}

static void run_linear_f32(const qns_call *c)
{
    const job j = start(c);
#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->out[0]) > QNS_PAR_MIN)
    for (size_t l = 0; l < j.lines; l++)
        linear_line(c, &j, l, QNS_F32);
    fill_outside(c, &j);
}

/* ---- cubic ---- */

/* One element: innermost axis first, as in linear_line. */
static float cubic_at(const float *plane, const job *j, const qns_resize_tap *z,
                      const qns_resize_tap *y, const qns_resize_tap *x, size_t i)
{
    const int n[SPATIAL] = {j->in[0] > 1 ? 4 : 1, j->in[1] > 1 ? 4 : 1, 4};
    float sum_z = 0.0f;
    for (int a = 0; a < n[0]; a++) {
        float sum_y = 0.0f;
        for (int b = 0; b < n[1]; b++) {
            const float *row = plane + line_at(j, z->at[a], y->at[b]) * j->inner;
            float sum = 0.0f;
            for (int k = 0; k < n[2]; k++)
                sum += x->weight[k] * row[(size_t)x->at[k] * j->inner + i];
            sum_y += n[1] > 1 ? y->weight[b] * sum : sum;
        }
        sum_z += n[0] > 1 ? z->weight[a] * sum_y : sum_y;
    }
    return sum_z;
}

static void run_cubic(const qns_call *c)
{
    const job j = start(c);
    const float *in = qns_cf32(&c->in[0]);
    float *out = qns_f32(&c->out[0]);
#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->out[0]) > QNS_PAR_MIN)
    for (size_t l = 0; l < j.lines; l++) {
        const qns_resize_tap *z, *y;
        const size_t plane = plane_of(&z, &y, &j, l);
        float *to = out + l * (size_t)j.out[2] * j.inner;
        for (int64_t x = 0; x < j.out[2]; x++)
            for (size_t i = 0; i < j.inner; i++)
                *to++ = cubic_at(in + plane * j.inner, &j, z, y, &j.tap[2][x], i);
    }
    fill_outside(c, &j);
}

static void run_linear_codes(const qns_call *c)
{
    const job j = start(c);
#pragma omp parallel for schedule(static) if (qns_tensor_count(&c->out[0]) > QNS_PAR_MIN)
    for (size_t l = 0; l < j.lines; l++)
        linear_line(c, &j, l, c->in[0].dtype);
}

static const char *reject_layout(const qns_call *c)
{
    return c->in[0].layout != c->out[0].layout ? "input and output lie differently in memory"
                                               : NULL;
}

static bool has_mode(const qns_call *c, qns_resize_mode mode)
{
    return ((const qns_resize_attr *)c->node->attr)->mode == mode;
}

static const char *reject_nearest(const qns_call *c)
{
    const qns_resize_attr *a = c->node->attr;
    const char *why = qns_reject_not_moved(c);

    if (a->mode != QNS_RESIZE_NEAREST)
        return "the mode is not nearest";
    if (a->coord == QNS_COORD_TF_CROP_AND_RESIZE && c->in[0].dtype != QNS_F32)
        return "crops are of floats only";
    return why ? why : reject_layout(c);
}

static const char *reject_f32(const qns_call *c)
{
    const char *why = qns_reject_not_f32(c);
    return why ? why : reject_layout(c);
}

static const char *reject_linear_f32(const qns_call *c)
{
    return has_mode(c, QNS_RESIZE_LINEAR) ? reject_f32(c) : "the mode is not linear";
}

static const char *reject_cubic(const qns_call *c)
{
    return has_mode(c, QNS_RESIZE_CUBIC) ? reject_f32(c) : "the mode is not cubic";
}

static const char *reject_codes(const qns_call *c, qns_dtype type)
{
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], type);

    if (!has_mode(c, QNS_RESIZE_LINEAR))
        return "the mode is not linear";
    if (((const qns_resize_attr *)c->node->attr)->coord == QNS_COORD_TF_CROP_AND_RESIZE)
        return "crops are of floats only";
    why = why ? why : qns_reject_not_moved(c);
    return why ? why : reject_layout(c);
}

static const char *reject_linear_u8(const qns_call *c)
{
    return reject_codes(c, QNS_U8);
}

static const char *reject_linear_s8(const qns_call *c)
{
    return reject_codes(c, QNS_I8);
}

static const qns_impl nearest = {.name = "resize.nearest",
                                 .reject = reject_nearest,
                                 .scratch_size = scratch_size,
                                 .run = run_nearest};
static const qns_impl linear_u8 = {.name = "resize.linear.u8",
                                   .reject = reject_linear_u8,
                                   .scratch_size = scratch_size,
                                   .run = run_linear_codes};
static const qns_impl linear_s8 = {.name = "resize.linear.s8",
                                   .reject = reject_linear_s8,
                                   .scratch_size = scratch_size,
                                   .run = run_linear_codes};
static const qns_impl linear_f32 = {.name = "resize.linear.f32",
                                    .reject = reject_linear_f32,
                                    .scratch_size = scratch_size,
                                    .run = run_linear_f32};
static const qns_impl cubic = {.name = "resize.cubic.f32",
                               .reject = reject_cubic,
                               .scratch_size = scratch_size,
                               .run = run_cubic};
static const qns_impl *const impls[] = {&nearest,    &linear_u8, &linear_s8,
                                        &linear_f32, &cubic,     NULL};

const qns_op qns_op_resize = {
    .name = "resize",
    .min_in = 1,
    .max_in = 1,
    .n_out = 1,
    .attr_size = sizeof(qns_resize_attr),
    .layout = QNS_LAYOUT_CHLAST,
    .infer = infer,
    .onnx = qns_resize_rules,
    .onnx_write = qns_resize_write,
    .quant = {.out = QNS_OUT_AS_INPUT, .weight = -1, .bias = -1},
    .describe = describe,
    .impls = impls,
};
