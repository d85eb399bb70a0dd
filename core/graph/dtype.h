/* SPDX-License-Identifier: MIT */
/* Element types of tensors. */
#ifndef QNS_DTYPE_H
#define QNS_DTYPE_H

#include "core/base/status.h"

typedef enum qns_dtype {
    QNS_F32,
    QNS_F16,
    QNS_U8,
    QNS_I8,
    QNS_I32,
    QNS_I64,
    QNS_BOOL,
    /* Plain numbers of models, never codes; nothing is fast on them. */
    QNS_I16,
    QNS_U16,
    QNS_U32,
    QNS_U64,
    QNS_DTYPE_COUNT
} qns_dtype;

size_t qns_dtype_size(qns_dtype t);      /* bytes */
const char *qns_dtype_name(qns_dtype t); /* "float32", "uint8", ... as numpy says it */
/* Range of the integer types that hold codes: U8, I8, I32. */
int32_t qns_dtype_min(qns_dtype t);
int32_t qns_dtype_max(qns_dtype t);
static inline bool qns_is_code(qns_dtype t)
{
    return t == QNS_U8 || t == QNS_I8;
}
/* Any integer type; bool is none. */
static inline bool qns_is_int(qns_dtype t)
{
    return t != QNS_F32 && t != QNS_F16 && t != QNS_BOOL && t < QNS_DTYPE_COUNT;
}

#endif
