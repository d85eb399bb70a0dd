/* SPDX-License-Identifier: MIT */
/* The names of nodes as the ONNX file has them. A graph that was read names nodes that have none;
 * other tools do not know such names. */
#ifndef QNS_ONNX_NODE_NAMES_H
#define QNS_ONNX_NODE_NAMES_H

#include "core/model/names.h"

/* Of the nodes of the main graph that have one, in the file's order. out starts as {0}; free with
 * qns_names_fini() in every case. Fails with IO, FORMAT. */
qns_status qns_onnx_node_names(qns_names *out, const char *path, qns_err *err);

#endif
