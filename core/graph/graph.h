/* SPDX-License-Identifier: MIT */
/* The graph: values (edges) and nodes (operators in run order). Frozen once built (builder.h):
 * every stage (fuse, convert, lower) reads one graph and makes another.
 *
 * Lineage. Every value and node knows by name which values and nodes of the model file it stands
 * for; names survive being written to a file and read back, so pairing float with int8 is a join.
 */
#ifndef QNS_GRAPH_H
#define QNS_GRAPH_H

#include "core/base/digest.h"
#include "core/graph/qparams.h"

#include <math.h>

typedef struct qns_vid {
    uint32_t i;
} qns_vid; /* a value */
typedef struct qns_nid {
    uint32_t i;
} qns_nid; /* a node  */
#define QNS_NONE     UINT32_MAX
#define QNS_NO_VALUE ((qns_vid){QNS_NONE})

static inline bool qns_has(qns_vid v)
{
    return v.i != QNS_NONE;
}

typedef struct qns_graph qns_graph;
typedef struct qns_op qns_op;

typedef struct qns_value {
    qns_vid id;
    const char *name; /* unique; as in the model file where it comes from there */
    qns_dtype dtype;
    qns_layout layout; /* constants are always QNS_ROW */
    qns_shape shape;
    const qns_qparams *qp;
    const void *constant; /* weights; NULL for an activation. May be shared with the source graph */
    qns_nid producer;     /* QNS_NONE for inputs and constants */
    const char *origin;   /* name of the value of the original float model this one stands for */
    uint32_t n_uses;      /* node inputs and graph outputs that name it */
} qns_value;

typedef struct qns_node {
    qns_nid id;
    const qns_op *op;
    const char *name;        /* unique */
    const void *attr;        /* op->attr_size bytes; their type is known to the op's file only */
    qns_range clamp;         /* fused activation; QNS_NO_CLAMP when there is none */
    const qns_op *folded;    /* whose affine map qns_fuse() put into the weights; NULL: none */
    const qns_vid *in, *out; /* an optional input that is left out is QNS_NO_VALUE */
    uint32_t n_in, n_out;
    const char *const *origin; /* names of all nodes of the original model folded into this one */
    uint32_t n_origin;
    qns_layout layout; /* in which its activations of rank 3 to 5 come and go; see op.h */
} qns_node;

static inline bool qns_has_clamp(const qns_node *n)
{
    return n->clamp.lo > -INFINITY || n->clamp.hi < INFINITY;
}

const qns_value *qns_graph_value(const qns_graph *g, qns_vid v);
const qns_node *qns_graph_node(const qns_graph *g, qns_nid n);
uint32_t qns_graph_n_values(const qns_graph *g);
uint32_t qns_graph_n_nodes(const qns_graph *g); /* ids are in run order */
uint32_t qns_graph_n_inputs(const qns_graph *g);
uint32_t qns_graph_n_outputs(const qns_graph *g);
qns_vid qns_graph_input(const qns_graph *g, uint32_t i);
qns_vid qns_graph_output(const qns_graph *g, uint32_t i);
bool qns_graph_is_output(const qns_graph *g, qns_vid v);
const char *qns_graph_name(const qns_graph *g);
/* QNS_NO_VALUE when no value has the name. */
qns_vid qns_graph_find_value(const qns_graph *g, const char *name);
/* QNS_NONE in .i when no node has the name. */
qns_nid qns_graph_find_node(const qns_graph *g, const char *name);

/* What the model file said beside the network (producer, QNS's own facts); NULL when absent. */
const char *qns_graph_meta(const qns_graph *g, const char *key);
uint32_t qns_graph_n_meta(const qns_graph *g);
void qns_graph_meta_at(const char **key, const char **value, const qns_graph *g, uint32_t i);

/* A tensor that views a value: data is set for constants, NULL otherwise. */
qns_tensor qns_graph_tensor(const qns_graph *g, qns_vid v);

/* Frees the graph. Graphs that were built from it share its constants and must be freed first. */
void qns_graph_free(qns_graph *g);

/* Digests of the topology (operators, attributes as op->describe() tells them, edges, names,
 * shapes) and of all constants. */
qns_status qns_graph_digest(qns_digest *topology, qns_digest *constants, const qns_graph *g,
                            qns_err *err);
/* Digest of the scales and zero points of all values. */
qns_status qns_graph_digest_qparams(qns_digest *out, const qns_graph *g, qns_err *err);

#endif
