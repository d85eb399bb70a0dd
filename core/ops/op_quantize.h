/* SPDX-License-Identifier: MIT */
/* Attributes of quantize and dequantize, for passes that make them; and quantize without a graph.
 */
#ifndef QNS_OP_QUANTIZE_H
#define QNS_OP_QUANTIZE_H

#include "core/graph/op.h"
#include "core/graph/qparams.h"

/* The qparams live in the graph's arena. quantize: those of the output, which the output value
 * carries, too. dequantize: those of the input. */
typedef struct qns_quantize_attr {
    const qns_qparams *qp;
} qns_quantize_attr;

/* Per tensor only: the codes of any part of a tensor, in any order of its elements, are what a
 * quantize node makes of the whole. */
typedef struct qns_quantizer {
    const qns_impl *impl; /* NULL: none takes it */
    const qns_backend *be;
    const qk_table *k;
    const qns_qparams *qp;
} qns_quantizer;

/* be, k and qp must outlive the result. */
qns_quantizer qns_quantizer_of(const qns_backend *be, const qk_table *k, const qns_qparams *qp);
void qns_quantizer_run(void *codes, const qns_quantizer *q, const float *x, size_t n);

#endif
