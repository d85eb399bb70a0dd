/* SPDX-License-Identifier: MIT */
#include "core/graph/dtype.h"

#include <assert.h>

static const struct {
    const char *name;
    size_t size;
} table[QNS_DTYPE_COUNT] = {
    [QNS_F32] = {"float32", 4}, [QNS_F16] = {"float16", 2}, [QNS_U8] = {"uint8", 1},
    [QNS_I8] = {"int8", 1},     [QNS_I32] = {"int32", 4},   [QNS_I64] = {"int64", 8},
    [QNS_BOOL] = {"bool", 1},   [QNS_I16] = {"int16", 2},   [QNS_U16] = {"uint16", 2},
    [QNS_U32] = {"uint32", 4},  [QNS_U64] = {"uint64", 8},
};

size_t qns_dtype_size(qns_dtype t)
{
    assert((unsigned)t < QNS_DTYPE_COUNT);
    return table[t].size;
}

const char *qns_dtype_name(qns_dtype t)
{
    return (unsigned)t < QNS_DTYPE_COUNT ? table[t].name : "none";
}

int32_t qns_dtype_min(qns_dtype t)
{
    assert(t == QNS_U8 || t == QNS_I8 || t == QNS_I32);
    return t == QNS_U8 ? 0 : t == QNS_I8 ? -128 : INT32_MIN;
}

int32_t qns_dtype_max(qns_dtype t)
{
    assert(t == QNS_U8 || t == QNS_I8 || t == QNS_I32);
    return t == QNS_U8 ? 255 : t == QNS_I8 ? 127 : INT32_MAX;
}
