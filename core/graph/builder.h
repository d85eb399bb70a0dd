/* SPDX-License-Identifier: MIT */
/* The builder makes a graph: add inputs, constants and nodes in run order, name the outputs,
 * finish.
 *
 * A pass makes a new graph from an old one: it walks the old nodes, copies what stays as it is with
 * qns_gb_copy_node(), adds what is new, and says with qns_gb_map() which new value now stands for
 * an old one. Constants are shared by pointer with the source, which must outlive the result. */
#ifndef QNS_BUILDER_H
#define QNS_BUILDER_H

#include "core/graph/graph.h"

typedef struct qns_gb qns_gb;

/* source may be NULL. Copies the source's name and metadata. */
qns_status qns_gb_create(qns_gb **out, const char *name, const qns_graph *source, qns_err *err);
void qns_gb_free(qns_gb *gb);
/* The arena of the graph to be, for attributes and qparams that must live as long as it. */
qns_arena *qns_gb_arena(qns_gb *gb);

qns_status qns_gb_meta(qns_gb *gb, const char *key, const char *value, qns_err *err);

qns_status qns_gb_input(qns_vid *out, qns_gb *gb, const char *name, qns_dtype dtype,
                        const qns_shape *shape, qns_err *err);

/* An input in the form of a value of another graph: type, shape, qparams, layout. For graphs whose
 * nodes are run one by one (qns_plan_run_node()): a whole run takes row-major inputs. */
qns_status qns_gb_input_like(qns_vid *out, qns_gb *gb, const char *name, const qns_value *like,
                             qns_err *err);

/* data is not copied and must outlive the graph (put it in qns_gb_arena() if it is new). origin
 * NULL means the name itself. A name that is taken gets a suffix. */
typedef struct qns_const_spec {
    const char *name, *origin;
    qns_dtype dtype;
    qns_shape shape;
    const void *data;
    const qns_qparams *qp; /* NULL for plain numbers */
} qns_const_spec;
qns_status qns_gb_constant(qns_vid *out, qns_gb *gb, const qns_const_spec *spec, qns_err *err);

/* A node. infer() of the op gives shapes and types of the outputs at once, so that qns_gb_value()
 * tells them. Everything is copied. */
typedef struct qns_node_spec {
    const qns_op *op;
    const char *name; /* made unique */
    const void *attr; /* op->attr_size bytes */
    qns_range clamp;
    const qns_op *folded; /* NULL: none */
    const qns_vid *in;
    uint32_t n_in;
    const char *const *origin; /* NULL with n_origin 0: the node's own name */
    uint32_t n_origin;
    uint32_t n_out;
    const char *const *out_name;   /* n_out names */
    const char *const *out_origin; /* NULL: the names themselves; an entry may be NULL, too */
    const qns_qparams *const
        *out_qp; /* NULL, or n_out entries; one that is set also sets the dtype */
} qns_node_spec;
qns_status qns_gb_node(qns_vid *out, qns_gb *gb, const qns_node_spec *spec, qns_err *err);
/* That of a node like n on as many other inputs; the caller adds the outputs' names and qparams. */
qns_node_spec qns_node_spec_like(const qns_node *n, const qns_vid *in);

/* What was added so far. The pointer is valid until the next addition. */
const qns_value *qns_gb_value(const qns_gb *gb, qns_vid v);
/* The node that makes v; NULL for inputs and constants. */
const qns_node *qns_gb_maker(const qns_gb *gb, qns_vid v);

/* Copying from the source. qns_gb_mapped() of a constant that was not mapped yet copies it over;
 * of an activation that was not mapped it is QNS_NO_VALUE. */
qns_status qns_gb_map(qns_gb *gb, qns_vid old, qns_vid now, qns_err *err);
qns_status qns_gb_mapped(qns_vid *out, qns_gb *gb, qns_vid old, qns_err *err);
qns_status qns_gb_copy_inputs(qns_gb *gb, qns_err *err);
qns_status qns_gb_copy_node(qns_gb *gb, const qns_node *old, qns_err *err);
/* Outputs of the source, by the map. */
qns_status qns_gb_copy_outputs(qns_gb *gb, qns_err *err);

/* Names one output of the graph. */
qns_status qns_gb_output(qns_gb *gb, qns_vid v, qns_err *err);

/* Drops nodes and constants that no output needs, gives every value its layout, numbers nodes in
 * run order, checks all invariants. gb is freed in every case. */
qns_status qns_gb_finish(qns_graph **out, qns_gb *gb, qns_err *err);

#endif
