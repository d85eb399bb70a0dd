/* SPDX-License-Identifier: MIT */
/* The inside of the decisions, for prepare.c, decisions.c, decisions_explain.c and ranges.c. */
#ifndef QNS_DECISIONS_H
#define QNS_DECISIONS_H

#include "core/quant/borders.h"
#include "core/quant/prepare.h"
#include "core/quant/weight.h"

typedef struct qns_observing {
    const qns_obs_spec *spec;
    void *state;
    bool fed;
    qns_range range;
    const qns_qparams *qp;
    bool stated; /* qp was set from outside */
} qns_observing;

/* n > 0 floats, seen: their range. */
qns_status qns_observing_feed(qns_observing *o, const float *x, size_t n, qns_range seen,
                              qns_err *err);
/* Range and qparams from what was seen; a stated one stays. */
qns_status qns_observing_settle(qns_observing *o, qns_arena *a, qns_err *err);

struct qns_decisions {
    const qns_graph *g;
    const qns_qconfig_set *set;
    const qns_backend *be;
    qns_arena *arena;
    qns_decision *node, *value;
    qns_weight *weight;          /* of each node */
    const qns_dynamic **dynamic; /* of each node; NULL when it is not dynamic */
    struct {
        qns_observing *at;
        size_t n, cap;
    } observing;
    qns_borders borders;
    uint32_t n_int8;
    size_t recorded; /* bytes that recording observers keep */
    int64_t samples;
};

/* Would the backend run the node in integers? With the qparams that are known, and others as good
 * as any. *why: the reason when not; *warning: what is doubtful when it would. */
bool qns_decisions_ask(const char **why, const char **warning, const qns_decisions *d,
                       const qns_node *n);

/* The activation whose qparams a node that passes codes on gives to its outputs: the first without
 * a fixed range, else the first. */
uint32_t qns_decisions_lead_input(const qns_decisions *d, const qns_node *n);

#endif
