/* SPDX-License-Identifier: MIT */
/* What a local run is made of; for shadow_local.c and shadow_schedule.c only. */
#ifndef QNS_SHADOW_LOCAL_IMPL_H
#define QNS_SHADOW_LOCAL_IMPL_H

#include "core/ops/op_quantize.h"
#include "ns/shadow_local.h"

typedef struct qns_local_place { /* of one value of the quantized graph */
    uint32_t anchor;             /* value of the float graph; QNS_NONE: none */
    uint32_t next;               /* value with the same anchor that is read, too; QNS_NONE */
    uint32_t when;               /* number of the anchor in the order of the run */
    bool read;                   /* by a node that is run */
    bool prompt, made;           /* measured between see() and done(); is there now */
    bool same;                   /* qns_local_is_same() */
    qns_quantizer q;             /* of the anchor, when it becomes codes */
    qns_tensor out;              /* what its node made */
    qns_tensor given;            /* what its readers get */
    void *codes;                 /* memory of given when it is made of the anchor */
    void *other;                 /* given in the other layout; NULL when no reader wants that */
} qns_local_place;

/* A node to run when a value of the float graph was made. */
typedef struct qns_local_todo {
    uint32_t when; /* number of the value in the order of the run */
    bool late;     /* it reads that value */
    uint32_t node;
} qns_local_todo;

struct qns_local {
    const qns_graph *ref, *test;
    qns_plan *plan;
    qns_local_opts o;
    qns_local_place *at; /* by value of the quantized graph */
    uint32_t *first;     /* by value of the float graph: a value it is the anchor of; QNS_NONE */
    qns_tensor *seen;    /* by value of the float graph, in this sample */
    qns_local_todo *todo;
    size_t n_todo, next, now; /* next one; values seen in this sample */
    bool looks_back;
    char *memory; /* of all places; those that are not needed at one time share it */
    size_t memory_size;
    float *row; /* an anchor in the layout of the value */
};

/* shadow_schedule.c: anchors, and what is run in which order. Fills what is by value of the float
 * graph, todo and the upper half of each place. */
qns_status qns_local_schedule(qns_local *l, qns_err *err);

static inline bool qns_local_measures(const qns_local *l, qns_vid v)
{
    return l->o.against[v.i] != QNS_NONE;
}

#endif
