/* SPDX-License-Identifier: MIT */
/* Functions of one number: float element by element, codes through a table of 256.
 *
 * The native table follows spec section 5.2: whole blocks of 64 elements take the vector formula
 * (dequantize with fma, quantize rounds before it adds the zero point), the rest the scalar one;
 * the two differ at ties only, so there are two tables. The qnnpack table adds the zero point
 * before it rounds. */
#ifndef QNS_LUT_UNARY_H
#define QNS_LUT_UNARY_H

#include "core/graph/op.h"

/* Output 0 has dtype and shape of input 0, and qparams of its own. */
qns_status qns_unary_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);

/* NaN stays. */
static inline float qns_relu6(float x)
{
    return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x;
}

typedef float qns_unary_fn(float x, const void *attr);
typedef float qns_unary_code_fn(float x, const qns_call *c);

typedef struct qns_unary { /* the family of such operators */
    qns_unary_fn *value;
    bool double_inv;         /* the vector formula multiplies by (f32)(1.0 / scale), not by 1.0f /
                                (f32)scale */
    qns_unary_code_fn *code; /* of qnnpack: rne(clamp(code(x), 0, 255)); NULL: no such table */
} qns_unary;

/* y = f(x), in float. */
void qns_unary_apply_f32(const qns_call *c, qns_unary_fn *f);
/* run(): the family's value. */
void qns_unary_run_f32(const qns_call *c);

/* reject(): both sides are uint8 or both int8, with one scale each. */
const char *qns_unary_reject(const qns_call *c);
/* reject() for an implementation that follows qnnpack: uint8, and the backend is qnnpack. */
const char *qns_unary_reject_qnnpack(const qns_call *c);
bool qns_unary_out_is(const qns_call *c, double scale, int32_t zero);

/* prepare() of the native table, and of qnnpack's. */
qns_status qns_unary_prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err);
qns_status qns_unary_prepare_qnnpack(void **packed, const qns_call *c, qns_arena *a, qns_err *err);
/* run() behind either. */
void qns_unary_run(const qns_call *c);

#endif
