/* SPDX-License-Identifier: MIT */
/* Codes plus or times a number: the result keeps the codes where it can and moves scale and zero
 * point instead (spec section 5.2, "add_scalar", "mul_scalar"). And what the two operators share:
 * input 0 is the tensor, input 1 the number. */
#ifndef QNS_SCALAR_FORM_H
#define QNS_SCALAR_FORM_H

#include "core/graph/op.h"
#include "core/ops/binary.h"
#include "core/ops/codes.h"

typedef struct qns_scalar_form {
    double scale; /* of the result */
    int32_t zero;
    qns_code_table table; /* from code to code, indexed by the bits of the input code */
} qns_scalar_form;

/* in: per tensor, uint8 or int8. relu: negative results become 0. Fails with DATA when c is not
 * finite or so large that the result has no scale. */
qns_status qns_scalar_form_add(qns_scalar_form *out, const qns_qparams *in, double c, bool relu,
                               qns_err *err);
qns_status qns_scalar_form_mul(qns_scalar_form *out, const qns_qparams *in, double c, bool relu,
                               qns_err *err);

typedef qns_status qns_scalar_fn(qns_scalar_form *out, const qns_qparams *in, double c, bool relu,
                                 qns_err *err);

typedef struct qns_scalar { /* the family of the two operators */
    const char *onnx;
    qns_scalar_fn *form;
    qns_binary_row *row_f32;
} qns_scalar;

/* For the reader of an operator of two tensors: true when one is a single float constant and the
 * other an activation, which is input 0 then. */
bool qns_scalar_take(qns_onnx_node *n);

/* infer(), derive(), reject(), prepare() and run() on codes, run() in float, onnx_write(). The
 * scale is rounded to float32, which is what a file holds. Refused on onnxruntime, which has no
 * such operator. */
qns_status qns_scalar_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);
qns_status qns_scalar_derive(double *scale, int32_t *zero, const qns_node *n, const qns_tensor *in,
                             qns_err *err);
const char *qns_scalar_reject(const qns_call *c);
qns_status qns_scalar_prepare(void **packed, const qns_call *c, qns_arena *a, qns_err *err);
void qns_scalar_run(const qns_call *c);
void qns_scalar_run_f32(const qns_call *c);
qns_status qns_scalar_write(qns_onnx_out *w, const qns_graph *g, const qns_node *n, qns_err *err);

#endif
