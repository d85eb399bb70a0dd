/* SPDX-License-Identifier: MIT */
/* What add, sub, mul and div share: shapes, and running over broadcast rows. */
#ifndef QNS_BINARY_H
#define QNS_BINARY_H

#include "core/graph/op.h"

qns_status qns_binary_infer(qns_tensor *out, const qns_node *n, const qns_tensor *in, qns_err *err);

/* One run of n outputs; sa and sb are the steps of a and b in elements. ctx is the caller's. */
typedef void qns_binary_row(void *out, const void *a, int64_t sa, const void *b, int64_t sb,
                            size_t n, const void *ctx);
/* Runs over all outputs, in parallel. Elements of all three tensors have the same size. */
void qns_binary_run(const qns_call *c, qns_binary_row *row, const void *ctx);
/* The same for float32, with the node's clamp behind it. */
void qns_binary_run_f32(const qns_call *c, qns_binary_row *row);

/* as_affine() of an operator whose input 1 is a float constant with one number for each channel
 * (axis 1) of input 0: those numbers and how many, or NULL. */
const float *qns_binary_channels(size_t *n_out, const qns_graph *g, const qns_node *n);
/* The same along the last of three or more axes. */
const float *qns_binary_last_axis(size_t *n_out, const qns_graph *g, const qns_node *n);

const char *qns_reject_not_i64(const qns_call *c);
/* Plain integers of one type, row-major: for shape arithmetic, not for speed. */
const char *qns_reject_not_ints(const qns_call *c);
/* What f gives is cut to the bits of the type. */
void qns_binary_run_ints(const qns_call *c, int64_t (*f)(int64_t x, int64_t y));
/* Both inputs and the output are uint8 with one scale each. */
const char *qns_reject_binary_u8(const qns_call *c);

/* A row function for `expr` of x and y, with the steps that occur spelled out for the compiler. */
#define QNS_BINARY_ROW(name, T, expr)                                                              \
    static void name(void *out, const void *a, int64_t sa, const void *b, int64_t sb, size_t n,    \
                     const void *ctx)                                                              \
    {                                                                                              \
        T *o = out;                                                                                \
        const T *pa = a, *pb = b;                                                                  \
        if (sa == 1 && sb == 1)                                                                    \
            for (size_t i = 0; i < n; i++) {                                                       \
                const T x = pa[i], y = pb[i];                                                      \
                o[i] = (expr);                                                                     \
            }                                                                                      \
        else                                                                                       \
            for (size_t i = 0; i < n; i++) {                                                       \
                const T x = pa[(int64_t)i * sa], y = pb[(int64_t)i * sb];                          \
                o[i] = (expr);                                                                     \
            }                                                                                      \
    }

#endif
