/* SPDX-License-Identifier: MIT */
#include "core/graph/element.h"

#include <assert.h>
#include <math.h>

int64_t qns_int_at(const qns_tensor *t, size_t i)
{
    switch (t->dtype) {
    case QNS_U8:
        return ((const uint8_t *)t->data)[i];
    case QNS_I8:
        return ((const int8_t *)t->data)[i];
    case QNS_I16:
        return ((const int16_t *)t->data)[i];
    case QNS_U16:
        return ((const uint16_t *)t->data)[i];
    case QNS_I32:
        return ((const int32_t *)t->data)[i];
    case QNS_U32:
        return ((const uint32_t *)t->data)[i];
    case QNS_BOOL:
        return ((const uint8_t *)t->data)[i] != 0;
    default:
        assert(t->dtype == QNS_I64 || t->dtype == QNS_U64);
        return ((const int64_t *)t->data)[i];
    }
}

void qns_int_put(const qns_tensor *t, size_t i, int64_t v)
{
    switch (qns_dtype_size(t->dtype)) {
    case 1:
        ((uint8_t *)t->data)[i] = t->dtype == QNS_BOOL ? v != 0 : (uint8_t)v;
        break;
    case 2:
        ((uint16_t *)t->data)[i] = (uint16_t)v;
        break;
    case 4:
        ((uint32_t *)t->data)[i] = (uint32_t)v;
        break;
    default:
        ((int64_t *)t->data)[i] = v;
    }
}

double qns_real_at(const qns_tensor *t, size_t i)
{
    return t->dtype == QNS_F32 ? (double)((const float *)t->data)[i]
                               : qns_int_real(t->dtype, qns_int_at(t, i));
}

static const struct {
    int64_t min, max;
} limits[QNS_DTYPE_COUNT] = {
    [QNS_U8] = {0, UINT8_MAX},
    [QNS_I8] = {INT8_MIN, INT8_MAX},
    [QNS_I16] = {INT16_MIN, INT16_MAX},
    [QNS_U16] = {0, UINT16_MAX},
    [QNS_I32] = {INT32_MIN, INT32_MAX},
    [QNS_U32] = {0, UINT32_MAX},
    [QNS_I64] = {INT64_MIN, INT64_MAX},
    [QNS_U64] = {0, -1},
    [QNS_BOOL] = {0, 1},
};

int64_t qns_int_min(qns_dtype t)
{
    return limits[t].min;
}

int64_t qns_int_max(qns_dtype t)
{
    return limits[t].max;
}

int64_t qns_int_of_real(qns_dtype t, double v)
{
    const double lo = qns_int_real(t, qns_int_min(t)), hi = qns_int_real(t, qns_int_max(t));
    if (isnan(v))
        return 0;
    /* The largest 64-bit values round up as doubles; what is equal to them does not fit, either. */
    if (v <= lo || v >= hi)
        return v <= lo ? qns_int_min(t) : qns_int_max(t);
    return t == QNS_U64 ? (int64_t)(uint64_t)v : (int64_t)v;
}
