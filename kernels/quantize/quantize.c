/* SPDX-License-Identifier: MIT */
/* Plain C. */
#include "kernels/quantize/quantize.h"

#include "kernels/round.h"

static int32_t to_int(float x, float inv, int32_t zero)
{
    const float t = x * inv;
    return qk_add_wrap(qk_rne_inline(t < QK_INT32_FMAX ? t : QK_INT32_FMAX), zero);
}

void qk_quantize_u8__c(uint8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)qk_clamp_i32(to_int(x[i], inv, zero), 0, UINT8_MAX);
}

void qk_quantize_s8__c(int8_t *out, const float *x, size_t n, float inv, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (int8_t)qk_clamp_i32(to_int(x[i], inv, zero), INT8_MIN, INT8_MAX);
}

void qk_dequantize_u8__c(float *out, const uint8_t *q, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = scale * (float)(q[i] - zero);
}

void qk_dequantize_s8__c(float *out, const int8_t *q, size_t n, float scale, int32_t zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = scale * (float)(q[i] - zero);
}

void qk_dequantize_wide_u8__c(float *out, const uint8_t *q, size_t n, double scale, float zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)((float)q[i] - zero) * scale);
}

void qk_dequantize_wide_s8__c(float *out, const int8_t *q, size_t n, double scale, float zero)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (float)((double)((float)q[i] - zero) * scale);
}
