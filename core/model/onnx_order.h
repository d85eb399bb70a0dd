/* SPDX-License-Identifier: MIT */
/* The order in which nodes can be read, and who makes and who uses which name. */
#ifndef QNS_ONNX_ORDER_H
#define QNS_ONNX_ORDER_H

#include "core/base/map.h"
#include "onnx/onnx.pb-c.h"

typedef struct qns_onnx_names {
    qns_map maker; /* output name -> node index */
    qns_map used;  /* names that a node reads or the graph gives out */
} qns_onnx_names;

/* Fails with FORMAT when two nodes make one value. The keys point into g. */
qns_status qns_onnx_names_init(qns_onnx_names *names, const Onnx__GraphProto *g, qns_err *err);
void qns_onnx_names_fini(qns_onnx_names *names);
/* Every node behind those it reads from, otherwise in the order of the file. order has g->n_node
 * entries. Fails with FORMAT when there is a cycle. */
qns_status qns_onnx_order(uint32_t *order, const Onnx__GraphProto *g, const qns_onnx_names *names,
                          qns_err *err);
/* What a node is called in messages: its name, else its first output. */
const char *qns_onnx_node_label(const Onnx__NodeProto *n);

#endif
