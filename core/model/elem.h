/* SPDX-License-Identifier: MIT */
/* Element types of data files, and their conversion to tensor types. There is one more of them than
 * qns_dtype has: nothing computes in float64, but files hold it. In memory elements are always in
 * the machine's byte order. */
#ifndef QNS_ELEM_H
#define QNS_ELEM_H

#include "core/base/half.h"
#include "core/graph/dtype.h"

typedef enum qns_elem {
    QNS_ELEM_BOOL, /* one byte */
    QNS_ELEM_I8,
    QNS_ELEM_U8,
    QNS_ELEM_I16,
    QNS_ELEM_U16,
    QNS_ELEM_I32,
    QNS_ELEM_U32,
    QNS_ELEM_I64,
    QNS_ELEM_U64,
    QNS_ELEM_F16,
    QNS_ELEM_F32,
    QNS_ELEM_F64,
    QNS_ELEM_COUNT
} qns_elem;

size_t qns_elem_size(qns_elem e);      /* bytes */
const char *qns_elem_name(qns_elem e); /* as numpy says it: "int16" */
bool qns_elem_is_float(qns_elem e);
/* QNS_ELEM_COUNT when there is none of that name. */
qns_elem qns_elem_find(const char *name);
/* The same type as a file's element. */
qns_elem qns_elem_of(qns_dtype t);

/* The first element that a conversion refused. */
typedef struct qns_misfit {
    size_t at;      /* its index */
    char value[32]; /* "300", "nan" */
    char why[48];   /* "does not fit uint8" */
} qns_misfit;

/* Converts n elements. Integers must fit, floats that become integers must also be whole, finite
 * floats must stay finite; an integer that becomes a float is rounded to the nearest. NaN and
 * infinity pass from float to float only, and not at all when finite. False when an element does
 * not fit; bad then says which, and what stands behind it in out is unspecified. */
bool qns_elem_convert(void *out, qns_dtype to, const void *in, qns_elem from, size_t n, bool finite,
                      qns_misfit *bad);

#endif
