/* SPDX-License-Identifier: MIT */
/* The inside of the decisions, for prepare.c, decisions.c and decisions_explain.c. */
#ifndef QNS_DECISIONS_H
#define QNS_DECISIONS_H

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

struct qns_decisions {
    const qns_graph *g;
    const qns_qconfig_set *set;
    const qns_backend *be;
    qns_arena *arena;
    qns_decision *node, *value;
    qns_weight *weight; /* of each node */
    struct {
        qns_observing *at;
        size_t n, cap;
    } observing;
    uint32_t n_int8;
    int64_t samples;
};

/* The activation whose qparams a node that passes codes on gives to its outputs: the first without
 * a fixed range, else the first. */
uint32_t qns_decisions_lead_input(const qns_decisions *d, const qns_node *n);

#endif
