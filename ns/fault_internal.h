/* SPDX-License-Identifier: MIT */
/* A layer that gets a fault; for fault*.c. */
#ifndef QNS_FAULT_INTERNAL_H
#define QNS_FAULT_INTERNAL_H

#include "core/graph/op.h"
#include "ns/fault.h"

struct qns_fault_site {
    const qns_graph *g;
    const qns_node *n;
    const qns_value *weight, *bias, *out; /* NULL: there is none. weight: int8 constant with
                                             qparams; out: uint8 or int8 codes, one scale */
    /* The weight as outer x rows x inner, where a row makes one output channel. */
    size_t outer, rows, inner;
    qns_gb *gb; /* NULL while it is asked whether the fault is possible */
};

/* A copy of the weight's codes in the graph's arena. */
qns_status qns_fault_codes(int8_t **codes, const qns_fault_site *s, qns_err *err);
/* Copies the layer with other constants; NULL keeps what there is. bias: of the type it had. */
qns_status qns_fault_constants(qns_fault_site *s, const int8_t *codes, const qns_qparams *qp,
                               const void *bias, qns_err *err);
/* Copies the layer; behind it its codes are dequantized as read[0], quantized as written[0], and so
 * on. The last written is what the graph says of the value. */
qns_status qns_fault_values(qns_fault_site *s, const qns_qparams *const *read,
                            const qns_qparams *const *written, size_t n, qns_err *err);
/* Qparams of one scale in the graph's arena. */
qns_status qns_fault_qparams(const qns_qparams **out, const qns_fault_site *s, double scale,
                             int32_t zero, qns_err *err);
/* A bias of row r moved by a real number; out has the type of s->bias. */
void qns_fault_add_bias(void *out, const qns_fault_site *s, size_t row, double add);

#endif
