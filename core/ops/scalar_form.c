/* SPDX-License-Identifier: MIT */
/* Codes plus or times a number. */
#include "core/ops/scalar_form.h"

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
