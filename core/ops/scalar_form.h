/* SPDX-License-Identifier: MIT */
/* Codes plus or times a number: the result keeps the codes where it can and moves scale and zero
 * point instead (spec section 5.2, "add_scalar", "mul_scalar"). */
#ifndef QNS_SCALAR_FORM_H
#define QNS_SCALAR_FORM_H

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

#endif
