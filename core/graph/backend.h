/* SPDX-License-Identifier: MIT */
/* Backends: numeric contracts. A row says which bits come out and nothing about speed; an
 * instruction set says how fast and must not change a bit. */
#ifndef QNS_BACKEND_H
#define QNS_BACKEND_H

#include "core/graph/dtype.h"

/* int32 accumulator to 8-bit code (spec section 4). */
typedef enum qns_requant {
    QNS_REQUANT_FBGEMM, /* float bias joins the float accumulator; one f32 multiply; ties to even */
    QNS_REQUANT_QNNPACK /* int32 bias; f32 multiply; ties to even; saturating 16-bit add of the zero
                         */
} qns_requant;

typedef struct qns_backend {
    const char *name; /* "fbgemm", "qnnpack" */
    qns_requant requant;
    qns_dtype act, weight;
    bool float_bias; /* the bias stays float; otherwise int32 with scale s_in * s_weight */
    bool weight_per_channel;
    const char *default_preset; /* the qconfig preset a file names when it says nothing */
} qns_backend;

/* NULL when there is none of that name. */
const qns_backend *qns_backend_find(const char *name);
/* NULL-terminated. */
const qns_backend *const *qns_backends(void);

#endif
