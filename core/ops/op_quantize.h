/* SPDX-License-Identifier: MIT */
/* Attributes of quantize and dequantize, for passes that make them. */
#ifndef QNS_OP_QUANTIZE_H
#define QNS_OP_QUANTIZE_H

#include "core/graph/qparams.h"

/* The qparams live in the graph's arena. quantize: those of the output, which the output value
 * carries, too. dequantize: those of the input. */
typedef struct qns_quantize_attr {
    const qns_qparams *qp;
} qns_quantize_attr;

#endif
