/* SPDX-License-Identifier: MIT */
/* A growing array of any type:  struct { T *at; size_t n, cap; } v = {0};
 * QNS_VEC_PUSH makes room for one more, sets it, and evaluates to QNS_OK or fails like a function.
 */
#ifndef QNS_VEC_H
#define QNS_VEC_H

#include "core/base/mem.h"

qns_status qns_vec_grow(void **at, size_t *cap, size_t n, size_t size, qns_err *err);

#define QNS_VEC_PUSH(v, value, err)                                                                \
    do {                                                                                           \
        QNS_TRY(qns_vec_grow((void **)&(v)->at, &(v)->cap, (v)->n, sizeof *(v)->at, err));         \
        (v)->at[(v)->n++] = (value);                                                               \
    } while (0)

#endif
