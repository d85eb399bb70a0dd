/* SPDX-License-Identifier: MIT */
/* Explicit borders between float and integers: PyTorch's QuantStub and DeQuantStub. Behind a
 * quantize border, nodes run in integers as their rules say; behind a dequantize border, and in
 * front of the first quantize border, they stay float. Without quantize borders the inputs of the
 * graph are taken as quantized. */
#ifndef QNS_BORDERS_H
#define QNS_BORDERS_H

#include "core/quant/qconfig.h"

typedef struct qns_borders {
    bool *outside;          /* of each node: it stays float */
    const qns_qborder **at; /* of each value; NULL where there is none */
} qns_borders;

/* The arrays are the arena's; all false and NULL when the set has no borders. Fails with NOTFOUND
 * when a name matches nothing (the nearest is told), with CONFIG when a border stands where nothing
 * changes, or when a node reads values from both sides. */
qns_status qns_borders_find(qns_borders *out, qns_arena *a, const qns_graph *g,
                            const qns_qconfig_set *set, qns_err *err);

#endif
