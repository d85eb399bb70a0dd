/* SPDX-License-Identifier: MIT */
/* Single values and codes. */
#include "core/ops/codes.h"

#include "kernels/kernels.h"

#include <math.h>

int32_t qns_code_of(float x, float inv, int32_t zero, int32_t lo, int32_t hi)
{
    const float t = x * inv;
    const double y = (double)((float)zero + rintf(t));
    return y > lo ? (y < hi ? (int32_t)y : hi) : lo;
}

int32_t qns_code_of_array(float x, float inv, int32_t zero, int32_t lo, int32_t hi)
{
    const float t = x * inv;
    /* Everything that does not fit, and NaN, becomes the largest float below 2^31. */
    const float top = t < 2147483520.f ? t : 2147483520.f;
    const int32_t r = (int32_t)((uint32_t)qk_rne(top) + (uint32_t)zero);
    return r < lo ? lo : r > hi ? hi : r;
}

int32_t qns_code_of_native(float x, float inv, int32_t zero, int32_t lo, int32_t hi)
{
    const float t = x * inv;
    const float y = (float)zero + rintf(t);
    if (!(y >= -0x1p63f && y < 0x1p63f))
        return lo;
    const int64_t q = (int64_t)y;
    return q < lo ? lo : q > hi ? hi : (int32_t)q;
}

int32_t qns_code_of_float_zero(float x, float scale, float zero, int32_t lo, int32_t hi)
{
    const float inv = scale == 0.0f ? 1.0f : 1.0f / scale;
    const float t = x * inv;
    const float r = rintf(t + zero);
    return r >= (float)hi ? hi : r > (float)lo ? (int32_t)r : lo;
}

float qns_value_of_float_zero(int32_t q, float scale, float zero)
{
    return ((float)q - zero) * scale;
}

void qns_code_bounds(int32_t *lo, int32_t *hi, qns_range range, const qns_qparams *qp)
{
    const int32_t qmin = qns_dtype_min(qp->dtype), qmax = qns_dtype_max(qp->dtype);
    const float inv = 1.0f / (float)qp->scale[0];
    *lo = isinf(range.lo) && range.lo < 0 ? qmin
                                          : qns_code_of(range.lo, inv, qp->zero[0], qmin, qmax);
    *hi = isinf(range.hi) && range.hi > 0 ? qmax
                                          : qns_code_of(range.hi, inv, qp->zero[0], qmin, qmax);
}

float qns_value_of(int32_t q, float scale, int32_t zero)
{
    return scale * (float)(q - zero);
}

float qns_value_of_fma(int32_t q, float scale, int32_t zero)
{
    return fmaf(scale, (float)q, scale * -(float)zero);
}
