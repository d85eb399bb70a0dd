/* SPDX-License-Identifier: MIT */
/* What the graph is made of; for graph.c, builder.c and verify.c only. */
#ifndef QNS_GRAPH_INTERNAL_H
#define QNS_GRAPH_INTERNAL_H

#include "core/base/map.h"
#include "core/graph/graph.h"

typedef struct qns_meta {
    const char *key, *value;
} qns_meta;

struct qns_graph {
    qns_arena *arena;
    const char *name;
    qns_value *value;
    qns_node *node;
    qns_vid *input, *output;
    qns_meta *meta;
    uint32_t n_values, n_nodes, n_inputs, n_outputs, n_meta;
    qns_map value_by_name, node_by_name;
};

#endif
