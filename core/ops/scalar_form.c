/* SPDX-License-Identifier: MIT */
/* Codes plus or times a number. */
#include "core/ops/scalar_form.h"

#include "core/ops/binary.h"
#include "core/ops/op_help.h"
#include "kernels/kernels.h"

#include <assert.h>
#include <math.h>

typedef struct limits {
    int32_t lo, hi;
} limits;

static qns_status check(limits *l, const qns_qparams *in, double c, qns_err *err)
{
    assert(in->axis < 0 && qns_is_code(in->dtype));
    if (!isfinite(c))
        QNS_FAIL(err, DATA, "the number %g is not finite", c);
    *l = (limits){qns_dtype_min(in->dtype), qns_dtype_max(in->dtype)};
    return QNS_OK;
}

static qns_status check_scale(const qns_scalar_form *f, double c, qns_err *err)
{
    if (!isfinite((float)f->scale) || !((float)f->scale > 0.0f))
        QNS_FAIL(err, DATA, "with the number %g the scale becomes %g", c, f->scale);
    return QNS_OK;
}

/* Calls for the code of every bit pattern; a relu keeps what is at least the zero point. */
#define FOR_CODES(f, l, relu, q, expr)                                                             \
    for (int32_t q = (l).lo; q <= (l).hi; q++) {                                                   \
        const int64_t r = (expr);                                                                  \
        const int64_t v = r < (l).lo ? (l).lo : r > (l).hi ? (l).hi : r;                           \
        (f)->table.at[(uint8_t)q] = (uint8_t)((relu) && v < (f)->zero ? (f)->zero : v);            \
    }

qns_status qns_scalar_form_add(qns_scalar_form *out, const qns_qparams *in, double c, bool relu,
                               qns_err *err)
{
    limits l;
    QNS_TRY(check(&l, in, c, err));
    const double s = in->scale[0], steps = rint(c / s);
    /* Codes beyond this many steps are all one code anyway, and int64 holds them. */
    if (!(fabs(steps) < 0x1p31))
        QNS_FAIL(err, DATA, "the number %g is more than 2^31 steps of %g", c, s);
    const int64_t cq = (int64_t)steps, shifted = in->zero[0] - cq;
    const int32_t z = in->zero[0];
    out->scale = s;
    if (shifted >= l.lo && shifted <= l.hi) {
        out->zero = (int32_t)shifted;
        FOR_CODES(out, l, relu, q, q);
        return QNS_OK;
    }
    out->zero = shifted < l.lo ? l.lo : l.hi;
    const double span = (double)l.hi - (double)l.lo;
    out->scale = (shifted < l.lo ? (double)(l.hi - shifted) : (double)(shifted - l.lo)) / span * s;
    QNS_TRY(check_scale(out, c, err));
    const float inv = 1.0f / (float)out->scale, mult = (float)s * inv;
    FOR_CODES(out, l, relu, q, (int64_t)qk_rne((float)(q - z + cq) * mult) + out->zero);
    return QNS_OK;
}

qns_status qns_scalar_form_mul(qns_scalar_form *out, const qns_qparams *in, double c, bool relu,
                               qns_err *err)
{
    limits l;
    QNS_TRY(check(&l, in, c, err));
    if (c == 0.0) {
        out->scale = 1.0;
        out->zero = 0;
        FOR_CODES(out, l, false, q, (int64_t)0 * q);
        return QNS_OK;
    }
    const int64_t mirror = (int64_t)l.lo + l.hi;
    out->scale = fabs(c) * in->scale[0];
    out->zero = (int32_t)(c > 0 ? in->zero[0] : mirror - in->zero[0]);
    QNS_TRY(check_scale(out, c, err));
    if (c > 0)
        FOR_CODES(out, l, relu, q, q)
    else
        FOR_CODES(out, l, relu, q, mirror - q)
    return QNS_OK;
}

/* ---- operators ---- */

static bool is_number(const qns_value *v)
{
    return v->constant && v->dtype == QNS_F32 && !v->qp && qns_shape_count(&v->shape) == 1;
}

bool qns_scalar_take(qns_onnx_node *n)
{
    for (uint32_t i = 0; i < 2; i++) {
        const qns_vid x = n->in[1 - i], c = n->in[i];
        const qns_value *v = qns_gb_value(n->gb, x), *number = qns_gb_value(n->gb, c);
        if (v->constant || v->dtype != QNS_F32 || !is_number(number) ||
            number->shape.rank > v->shape.rank)
            continue;
        n->in[0] = x;
        n->in[1] = c;
        return true;
    }
    return false;
}

qns_status qns_scalar_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err)
{
    if (in[1].dtype != QNS_F32 || qns_tensor_count(&in[1]) != 1 ||
        in[1].shape.rank > in[0].shape.rank)
        QNS_FAIL(err, SHAPE, "input 1 is %s %s, must be one float32", qns_dtype_name(in[1].dtype),
                 qns_shape_str(&in[1].shape).s);
    if (in[0].dtype != QNS_F32 && !qns_is_code(in[0].dtype))
        QNS_FAIL(err, SHAPE, "needs float32, has %s", qns_dtype_name(in[0].dtype));
    out[0].dtype = in[0].dtype;
    out[0].shape = in[0].shape;
    return QNS_OK;
}

static const qns_scalar *family(const qns_node *n)
{
    return n->op->family;
}

qns_status qns_scalar_derive(double *scale, int32_t *zero, const qns_node *n, const qns_tensor *in,
                             qns_err *err)
{
    qns_scalar_form form;
    QNS_TRY(family(n)->form(&form, in[0].qp, (double)*qns_cf32(&in[1]), false, err));
    *scale = (double)(float)form.scale;
    *zero = form.zero;
    return QNS_OK;
}

const char *qns_scalar_reject(const qns_call *c)
{
    double scale;
    int32_t zero;
    if (c->be->requant == QNS_REQUANT_ONNX)
        return "onnxruntime has no operator for codes and a number";
    if (!qns_is_code(c->in[0].dtype))
        return "the input is neither uint8 nor int8";
    if (c->in[0].layout != c->out[0].layout)
        return "input and output lie differently in memory";
    if (!c->in[1].data || c->in[1].dtype != QNS_F32)
        return "the number is no float32 constant";
    const char *why = qns_reject_codes(&c->in[0], &c->out[0], c->in[0].dtype);
    if (why)
        return why;
    if (qns_scalar_derive(&scale, &zero, c->node, c->in, NULL) != QNS_OK)
        return "no scale holds the result";
    if ((float)c->out[0].qp->scale[0] != (float)scale || c->out[0].qp->zero[0] != zero)
        return "the output has other quantization parameters than follow from the input's";
    return NULL;
}

qns_status qns_scalar_prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err)
{
    qns_scalar_form *form;
    QNS_TRY(qns_arena_new((void **)&form, a, 1, sizeof *form, err));
    QNS_TRY(family(c->node)->form(form, c->in[0].qp, (double)*qns_cf32(&c->in[1]), false, err));
    *packed = form;
    return QNS_OK;
}

static void look_up(const void *ctx, size_t first, size_t end)
{
    const qns_call *c = ctx;
    const qns_scalar_form *form = c->packed;
    const uint8_t *x = c->in[0].data;
    uint8_t *y = c->out[0].data;
    c->k->lut_u8(y + first, x + first, end - first, form->table.at);
}

void qns_scalar_run(const qns_call *c)
{
    enum { LEAST = 1 << 15 };
    qns_parallel_ranges(c->team, qns_tensor_count(&c->in[0]), LEAST, look_up, c);
}

void qns_scalar_run_f32(const qns_call *c)
{
    qns_binary_run_f32(c, family(c->node)->row_f32);
}

qns_status qns_scalar_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err)
{
    w->type = family(n)->onnx;
    return QNS_OK;
}
