/* SPDX-License-Identifier: MIT */
/* Decisions: which nodes run in integers, which values are quantized, who observes them, and why. A
 * table beside the fused float graph; the graph itself is not touched.
 *
 * The rules are those of PyTorch's graph mode (spec section 7.3):
 *  - A node runs in integers when its rule says so, the operator can, and the backend has an
 *    implementation. An operator that only passes codes on (max pool, reshape) does so only next to
 *    another integer node: alone between float neighbours it would only add error.
 *  - Every float value that an integer node reads is observed: with the settings of the node that
 *    makes it when that one runs in integers, too, else with those of its first integer reader.
 *  - Operators that pass codes on share the observer of their first input, so a shared observer
 * sees every tensor of the group. When they read several (concat), all of them share it. Differing
 *    from PyTorch, an input with a fixed range (sigmoid) neither gives nor takes a shared observer:
 *    all parts would be squeezed into 0..1.
 *  - Everyone reads the quantized form of what an integer node makes; a value made by a float node
 * or the graph's input stays exact for its float readers. */
#ifndef QNS_PREPARE_H
#define QNS_PREPARE_H

#include "core/quant/dynamic.h"
#include "core/quant/qconfig.h"

typedef enum qns_choice {
    QNS_KEEP_FLOAT,
    QNS_QUANTIZE, /* own observer */
    QNS_SHARE,    /* observer or qparams of another value */
    QNS_FIXED,    /* known range */
    QNS_WEIGHT,
    QNS_BIAS,
    QNS_DYNAMIC,  /* nodes: weights in codes or float16, float activations (dynamic.h) */
    QNS_F16_ROUND /* nodes and values: rounded to float16, computed in float32 */
} qns_choice;

typedef enum qns_why {
    QNS_WHY_RULE,        /* a rule or the default decided */
    QNS_WHY_SKIPPED,     /* a skip rule or quantize: false */
    QNS_WHY_OP_FLOAT,    /* the operator has no quantized form */
    QNS_WHY_NO_IMPL,     /* no implementation of the backend accepts it */
    QNS_WHY_DTYPE,       /* the node does not work on float32 numbers */
    QNS_WHY_ALONE,       /* passes codes on, but has no integer neighbour */
    QNS_WHY_PASSES_ON,   /* passes codes on next to an integer node */
    QNS_WHY_READER,      /* an integer node reads it */
    QNS_WHY_MAKER,       /* an integer node makes it */
    QNS_WHY_FIXED_RANGE, /* the operator's range is known */
    QNS_WHY_DYNAMIC,     /* scales are found in every run */
    QNS_WHY_HALF,        /* weights in float16 */
    QNS_WHY_F16,         /* rounded to float16 by rule */
    QNS_WHY_NO_DYNAMIC,  /* the operator or the backend has no dynamic form of it */
    QNS_WHY_WEIGHT_ONLY, /* its activations stay float by rule */
    QNS_WHY_PLACEHOLDER, /* observers of float32 placeholders */
    QNS_WHY_RECORDED,    /* the recording observer finds no range */
    QNS_WHY_OUTSIDE,     /* outside of explicit borders (borders.h) */
    QNS_WHY_REUSED,      /* reuse_input: the qparams of the node's first input */
    QNS_WHY_COUNT
} qns_why;

const char *qns_choice_text(qns_choice c);
const char *qns_why_text(qns_why w);

/* One row: a node, or a value. */
typedef struct qns_decision {
    qns_choice choice;
    qns_why why;
    const qns_qrule *rule; /* of the set given to prepare; NULL: the default */
    const char *detail;    /* what an implementation answered; NULL when nobody was asked */
    const char *warning;   /* nodes: what is doubtful about its numbers; NULL when nothing is */
    uint32_t observer;     /* index; QNS_NONE when nobody observes it */
    uint32_t recorder;     /* the same of a recording observer, beside the other one */
    const qns_qparams
        *qp; /* weights, fixed ranges: at once; the others after qns_decisions_settle() */
} qns_decision;

typedef struct qns_decisions qns_decisions;

/* fused and set must outlive the decisions. Fails with NOTFOUND when a rule's name matches nothing,
 * DATA when a weight cannot be quantized (NaN). */
qns_status qns_prepare(qns_decisions **out, const qns_graph *fused, const qns_qconfig_set *set,
                       qns_err *err);
void qns_decisions_free(qns_decisions *d);

const qns_graph *qns_decisions_graph(const qns_decisions *d);
const qns_qconfig_set *qns_decisions_set(const qns_decisions *d);
/* choice is QNS_QUANTIZE when the node runs in integers. */
const qns_decision *qns_decisions_node(const qns_decisions *d, qns_nid n);
const qns_decision *qns_decisions_value(const qns_decisions *d, qns_vid v);
bool qns_decisions_int8(const qns_decisions *d, qns_nid n);
/* Nodes in integers. */
uint32_t qns_decisions_n_int8(const qns_decisions *d);
/* Nodes of any choice, QNS_DYNAMIC for instance. */
uint32_t qns_decisions_count(const qns_decisions *d, qns_choice c);
/* The packed weights of a dynamic or float16 node; NULL for all others. */
const qns_dynamic *qns_decisions_dynamic(const qns_decisions *d, qns_nid n);
/* Codes of a weight, in the layout of the constant; NULL when it stays float. */
const int8_t *qns_decisions_weight(const qns_decisions *d, qns_nid n);
const qns_qparams *qns_decisions_weight_qparams(const qns_decisions *d, qns_nid n);

/* ---- observers ---- */

uint32_t qns_decisions_n_observers(const qns_decisions *d);
const qns_obs_spec *qns_decisions_spec(const qns_decisions *d, uint32_t observer);
/* What an observer has seen, before it cut anything off. {+inf, -inf}: nothing. */
qns_range qns_decisions_seen(const qns_decisions *d, uint32_t observer);
/* One batch for the observer of v, whose range is `seen` (qns_range_of()); nothing happens when it
 * has none. Fails with DATA naming v. */
qns_status qns_decisions_observe(qns_decisions *d, qns_vid v, const float *x, size_t n,
                                 qns_range seen, qns_err *err);
/* One tensor for the recorder of v, which keeps a copy; fails with CONFIG beyond QNS_RECORD_LIMIT.
 */
qns_status qns_decisions_record(qns_decisions *d, qns_vid v, const float *x, size_t n,
                                qns_range seen, qns_err *err);
size_t qns_decisions_n_recorded(const qns_decisions *d, qns_vid v);
qns_recorded qns_decisions_recorded(const qns_decisions *d, qns_vid v, size_t i);
/* Ranges become qparams of all values. A node that no implementation takes with them stays float,
 * with the reason. Samples is kept for reports. May be called again after more
 * samples. Fails with DATA when an observer saw nothing or a range that cannot be coded. */
qns_status qns_decisions_settle(qns_decisions *d, int64_t samples, qns_err *err);
/* Instead of calibration: states the qparams of one observed value (those that share follow it). */
qns_status qns_decisions_set_qparams(qns_decisions *d, qns_vid v, double scale, int32_t zero,
                                     qns_err *err);
int64_t qns_decisions_samples(const qns_decisions *d);
/* The range behind a value's qparams; {+inf, -inf} when it has none. */
qns_range qns_decisions_range(const qns_decisions *d, qns_vid v);

/* ---- for people ---- */

typedef struct qns_explain_row {
    const char *value; /* name; a weight's is that of the constant */
    const char *node;  /* that makes it; NULL for an input of the graph */
    const char *op;
    qns_choice choice;
    const char *why;      /* a sentence */
    uint32_t line;        /* of the deciding rule, 0 when the default or the operator decided */
    const char *observer; /* "histogram"; NULL when there is none */
    qns_range range;      /* {+inf, -inf} when unknown */
    double scale;         /* 0 when not quantized; of channel 0 */
    int32_t zero, channels;
} qns_explain_row;

/* Calls row() for every float value in run order: inputs, then for every node its weight and
 * outputs. */
qns_status qns_decisions_explain(const qns_decisions *d,
                                 qns_status (*row)(void *ctx, const qns_explain_row *r,
                                                   qns_err *err),
                                 void *ctx, qns_err *err);

#endif
