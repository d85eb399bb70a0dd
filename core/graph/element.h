/* SPDX-License-Identifier: MIT */
/* One element of a tensor of plain numbers, whatever its type: the one place where the rare types
 * are told apart. All integers travel as int64, uint64 by its bits. For operators that are not
 * worth a loop for each type; hot loops know theirs. */
#ifndef QNS_ELEMENT_H
#define QNS_ELEMENT_H

#include "core/graph/tensor.h"

/* Of an integer or bool tensor. */
int64_t qns_int_at(const qns_tensor *t, size_t i);
void qns_int_put(const qns_tensor *t, size_t i, int64_t v); /* keeps the low bits */
/* Any type but float16. */
double qns_real_at(const qns_tensor *t, size_t i);

/* Smallest and largest value. For uint64 the bits of both: 0 and -1. */
int64_t qns_int_min(qns_dtype t);
int64_t qns_int_max(qns_dtype t);
/* A number that orders as v does among the values of its type; its own inverse. */
static inline int64_t qns_int_rank(qns_dtype t, int64_t v)
{
    return t == QNS_U64 ? v ^ INT64_MIN : v;
}
/* v as a value of the type. */
static inline double qns_int_real(qns_dtype t, int64_t v)
{
    return t == QNS_U64 ? (double)(uint64_t)v : (double)v;
}
/* The same as a float, rounded once. */
static inline float qns_int_float(qns_dtype t, int64_t v)
{
    return t == QNS_U64 ? (float)(uint64_t)v : (float)v;
}
/* Truncated towards zero; what does not fit becomes the nearest value that does, NaN 0. */
int64_t qns_int_of_real(qns_dtype t, double v);

#endif
