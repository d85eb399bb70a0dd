/* SPDX-License-Identifier: MIT */
/* Integers of either signedness, for the operators that take plain uint8 and int8 tensors without
 * qparams (ConvInteger, MatMulInteger). */
#ifndef QNS_INTEGER_HELP_H
#define QNS_INTEGER_HELP_H

#include "core/graph/op.h"

typedef struct qns_ints {
    const uint8_t *at;
    bool is_signed, many; /* !many: at[0] stands for all, 0 when at is NULL */
} qns_ints;

static inline qns_ints qns_ints_of(const qns_tensor *t)
{
    return (qns_ints){t->data, t->dtype == QNS_I8, true};
}

/* An optional zero point: none, one, or several. */
static inline qns_ints qns_ints_input(const qns_call *c, uint32_t i)
{
    if (!qns_call_has(c, i))
        return (qns_ints){NULL, false, false};
    return (qns_ints){c->in[i].data, c->in[i].dtype == QNS_I8, qns_tensor_count(&c->in[i]) > 1};
}

static inline int32_t qns_int_at(const qns_ints *x, size_t i)
{
    if (!x->at)
        return 0;
    const uint8_t v = x->at[x->many ? i : 0];
    return x->is_signed ? (int8_t)v : v;
}

/* reject(): every input is uint8 or int8, the output int32, all row-major. */
static inline const char *qns_ints_reject(const qns_call *c)
{
    for (uint32_t i = 0; i < c->node->n_in; i++) {
        if (qns_call_has(c, i) && !qns_is_code(c->in[i].dtype))
            return "an input is neither uint8 nor int8";
        if (qns_call_has(c, i) && c->in[i].layout != QNS_ROW &&
            !qns_layout_trivial(&c->in[i].shape))
            return "an input is not row-major";
    }
    return c->out[0].dtype != QNS_I32 ? "the output is not int32" : NULL;
}

#endif
