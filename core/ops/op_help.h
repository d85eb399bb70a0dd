/* SPDX-License-Identifier: MIT */
/* What many operators need: common shape rules, common reasons to refuse, and reading constant
 * inputs of an ONNX node. */
#ifndef QNS_OP_HELP_H
#define QNS_OP_HELP_H

#include "core/graph/op.h"

/* Below this many elements a parallel loop costs more than it saves. */
enum { QNS_PAR_MIN = 1 << 15 };

/* Output 0 has dtype, shape and qparams of input 0. */
qns_status qns_infer_same(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);
/* The same for operators whose arithmetic is float: fails when input 0 has integers that are no
 * codes. */
qns_status qns_infer_unary(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);

/* reject() of a plain float implementation: every input and output that is there is float32. */
const char *qns_reject_not_f32(const qns_call *c);
/* reject() of an implementation that moves whole elements: output 0 has the dtype and, for codes,
 * the qparams of input 0, which are per tensor. */
const char *qns_reject_not_moved(const qns_call *c);
/* NULL when both are codes of this type with one scale each. */
const char *qns_reject_codes(const qns_tensor *in, const qns_tensor *out, qns_dtype type);
bool qns_same_qp(const qns_tensor *a, const qns_tensor *b);
static inline bool qns_per_tensor(const qns_tensor *t, qns_dtype type)
{
    return t->dtype == type && t->qp && t->qp->axis < 0;
}

/* True when input i of the node was given. */
static inline bool qns_onnx_given(const qns_onnx_node *n, uint32_t i)
{
    return i < n->n_in && qns_has(n->in[i]);
}
/* Cuts the inputs down to the first n_in. */
void qns_onnx_keep_inputs(qns_onnx_node *n, uint32_t n_in);
/* Reads constant input i, of I64 or I32 and rank 0 or 1, into out (at most max numbers). Fails with
 * UNSUPPORTED when the input is no constant, with SHAPE when it has another type or too many
 * numbers. what names the input in the message. */
qns_status qns_onnx_ints(int64_t *out, size_t *n_out, size_t max, const qns_onnx_node *n,
                         uint32_t i, const char *what, qns_err *err);
/* One float from a constant input; def when it was left out. */
qns_status qns_onnx_float(float *out, const qns_onnx_node *n, uint32_t i, float def,
                          const char *what, qns_err *err);
/* The constant value of input i; fails with UNSUPPORTED when it is none. */
qns_status qns_onnx_constant(qns_tensor *out, const qns_onnx_node *n, uint32_t i, const char *what,
                             qns_err *err);
/* A rank-1 int64 initializer behind the node's inputs, copied into w->arena. */
qns_status qns_onnx_add_ints(qns_onnx_out *w, const char *suffix, const int64_t *v, size_t n,
                             qns_err *err);
/* A rank-0 float initializer. */
qns_status qns_onnx_add_float(qns_onnx_out *w, const char *suffix, float v, qns_err *err);
/* Marks the next input as left out. */
void qns_onnx_add_none(qns_onnx_out *w);
/* The next initializer slot; data is copied into w->arena. */
qns_status qns_onnx_add_tensor(qns_onnx_out *w, const char *suffix, const qns_tensor *t,
                               qns_err *err);

#endif
