/* SPDX-License-Identifier: MIT */
/* The inside of skiplist.c: what PyTorch calls a node of its exporter's ONNX files. */
#ifndef QNS_SKIP_NAMES_H
#define QNS_SKIP_NAMES_H

#include "core/base/map.h"
#include "ns/skiplist.h"

/* All nodes that there are, to tell a module from one that only encloses others. */
typedef struct qns_skip_world {
    qns_arena *arena;        /* borrowed */
    const qns_graph *source; /* NULL: only names are known */
    const char **node;
    const char **scope; /* of each: "/layer1/layer1.0/conv1/Conv" is in "layer1.0.conv1" */
    const char **stem;  /* the scope without a number that the exporter or a user put behind it */
    size_t n;
    qns_map by_name;
} qns_skip_world;

/* Either of source and r is given. Start from {.arena = ...}. */
qns_status qns_skip_world_init(qns_skip_world *w, const qns_graph *source, const qns_result *r,
                               qns_err *err);
void qns_skip_world_fini(qns_skip_world *w);

/* The module that a node is; NULL when it is none or nobody can tell. main: it is the node that
 * gives a layer its name. */
const char *qns_skip_module(const qns_skip_world *w, const char *node);
/* The call that a node is, when it is a function that QNS knows; false otherwise. */
bool qns_skip_call_of(qns_skip_call *out, const qns_skip_world *w, const char *node);

#endif
