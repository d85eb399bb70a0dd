/* SPDX-License-Identifier: MIT */
/* Backends: numeric contracts. A row says which bits come out and nothing about speed; an
 * instruction set says how fast and must not change a bit. */
#ifndef QNS_BACKEND_H
#define QNS_BACKEND_H

#include "core/graph/dtype.h"

/* int32 accumulator to 8-bit code (spec section 4). */
typedef enum qns_requant {
    QNS_REQUANT_FBGEMM, /* float bias joins the float accumulator; one f32 multiply; ties to even */
    QNS_REQUANT_QNNPACK, /* int32 bias; f32 multiply; ties to even; saturating 16-bit add of the
                          * zero
                          */
    QNS_REQUANT_ONNX     /* int32 bias; f32 multiply by (s_in * s_weight) / s_out; ties to even */
} qns_requant;

/* How products are added before the accumulator (spec section 4.1, "vpmaddubsw saturation"). Pairs:
 * the sum of two neighbouring products is limited to 16 bits, as FBGEMM's kernels do it. */
typedef enum qns_accum {
    QNS_ACCUM_EXACT,
    QNS_ACCUM_PAIRS_DEPTHWISE, /* in the kernels for depthwise windows: CPUs with VNNI */
    QNS_ACCUM_PAIRS /* in all kernels but the groupwise one: AVX2, AVX-512 without VNNI */
} qns_accum;

typedef struct qns_backend {
    const char *name; /* "fbgemm", "fbgemm-avx2", "fbgemm-vnni", "qnnpack", "onnxruntime" */
    qns_requant requant;
    qns_accum accum;
    qns_dtype act, weight;
    bool float_bias; /* the bias stays float; otherwise int32 with scale s_in * s_weight */
    bool weight_per_channel;
    const char *default_preset; /* the qconfig preset a file names when it says nothing */
} qns_backend;

/* NULL when there is none of that name. */
const qns_backend *qns_backend_find(const char *name);
/* NULL-terminated. */
const qns_backend *const *qns_backends(void);
/* "fbgemm, fbgemm-avx2, ... and qnnpack", for messages. */
const char *qns_backend_names(void);
/* What differs when a model made for one runs on another, as a clause; "" when nothing does. */
const char *qns_backend_difference(const qns_backend *made, const qns_backend *run);

#endif
