/* SPDX-License-Identifier: MIT */
/* Runs one operator of the library. Every run is repeated with plain C and with AVX2 only, on one
 * and on more threads; all must give the same bits. */
#ifndef QNS_GOLDEN_OP_H
#define QNS_GOLDEN_OP_H

#include "core/graph/op.h"
#include "golden_case.h"

typedef struct gd_op {
    const char *op, *be; /* be NULL: fbgemm */
    const void *attr;
    const qns_range *clamp; /* NULL: none */
    qns_tensor in[16];
    uint32_t n_in;
    uint32_t constants; /* bit i: input i is a constant and stays row-major */
    qns_layout layout;  /* of activations of rank 3 to 5 */
    const qns_qparams *out_qp;
    const char *impl; /* out: which one ran */
    const char *why;  /* out: why none did */
} gd_op;

/* False when the operator or an implementation does not exist; why then says so. The result is
 * row-major and the arena's. */
bool gd_op_try(qns_tensor *out, gd *c, gd_op *r);
/* Runs and compares with the field; a refusal fails the case. */
void gd_op_check(gd *c, gd_op *r, const char *field);

#endif
