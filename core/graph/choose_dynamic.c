/* SPDX-License-Identifier: MIT */
#include "core/graph/choose_dynamic.h"

#include <math.h>

/* The smallest scale, an f32 constant in the original. */
#define SMALLEST 6.1e-5f

static double round_scale(const qns_choose_rule *r, double scale)
{
    return r->variant == QNS_CHOOSE_FB ? (double)(float)scale : scale;
}

static qns_range symmetric(qns_range r, double steps)
{
    const double half = floor(steps / 2), lo = -(half + 1), hi = half;
    const double a = (double)fabsf(r.lo / (float)lo), b = (double)fabsf(r.hi / (float)hi);
    const double m = a > b ? a : b;

    return (qns_range){(float)(m * lo), (float)(m * hi)};
}

/* Upwards; a shift in the original, which has no answer from 2^31 on. */
static double power_of_two(double scale)
{
    return scale < 1 ? ldexp(1.0, -(int)floor(log2(1.0 / scale)))
                     : ldexp(1.0, (int)ceil(log2(scale)));
}

/* The range that belongs to the smallest scale; f32 throughout. */
static qns_range widen(qns_range r, float scale, float steps)
{
    const float by = SMALLEST / scale;

    if (r.lo == 0.0f)
        return (qns_range){r.lo, SMALLEST * steps};
    if (r.hi == 0.0f)
        return (qns_range){-SMALLEST * steps, r.hi};
    return (qns_range){r.lo * by, r.hi * by};
}

/* Where 0 lies, measured from the end whose rounding error is smaller. The variants differ in the
 * sign of the second part of the error. */
static double zero_of(const qns_choose_rule *rule, qns_range r, double scale, double qmin,
                      double qmax)
{
    const double lo = (double)r.lo / scale, hi = (double)r.hi / scale;
    const double sign = rule->variant == QNS_CHOOSE_FB ? 1 : -1;
    const double e_lo = fabs(qmin) + sign * fabs(lo), e_hi = fabs(qmax) + sign * fabs(hi);

    return e_lo < e_hi ? qmin - lo : qmax - hi;
}

qns_status qns_choose_dynamic(double *scale, int32_t *zero, const qns_choose_rule *rule,
                              qns_range r, qns_err *err)
{
    const int32_t half = rule->reduce_range ? 2 : 1;
    const int32_t qmin = rule->qmin / half, qmax = rule->qmax / half;
    const double steps = (double)qmax - (double)qmin;
    const bool around_zero = r.lo < 0 && r.hi > 0;

    if (qmin >= qmax)
        QNS_FAIL(err, CONFIG, "codes from %d to %d; the first must be below the last", qmin, qmax);
    if (!isfinite(r.lo) || !isfinite(r.hi) || r.lo > r.hi)
        QNS_FAIL(err, DATA, "[%g, %g] is not a range of finite numbers", (double)r.lo,
                 (double)r.hi);
    if (around_zero && rule->preserve_sparsity)
        r = symmetric(r, steps);
    r = (qns_range){r.lo < 0 ? r.lo : 0.0f, r.hi > 0 ? r.hi : 0.0f};
    double s = round_scale(rule, ((double)r.hi - (double)r.lo) / steps);
    if ((float)s == 0.0f || isinf(1.0f / (float)s))
        s = round_scale(rule, 0.1);
    if (rule->force_pow2 && isfinite((float)s))
        s = power_of_two(s);
    if (s < (double)SMALLEST) {
        r = widen(r, (float)s, (float)steps);
        s = (double)SMALLEST;
    }
    if (!isfinite((float)s))
        QNS_FAIL(err, DATA, "[%g, %g] is too wide for %g steps", (double)r.lo, (double)r.hi, steps);
    double z = zero_of(rule, r, s, qmin, qmax);
    if (around_zero && rule->preserve_sparsity)
        z = ((double)qmin + qmax) / 2;
    *scale = s;
    *zero = z < qmin ? qmin : z > qmax ? qmax : (int32_t)rint(z);
    return QNS_OK;
}
