/* SPDX-License-Identifier: MIT */
/* Which nodes are quantized and how their ranges are found: a default and an ordered list of rules,
 * of which the last one that matches a node decides alone; it says only where it differs from the
 * default. Every rule knows its line, so that every decision can be traced to it. */
#ifndef QNS_QCONFIG_H
#define QNS_QCONFIG_H

#include "core/base/str.h"
#include "core/graph/backend.h"
#include "core/graph/graph.h"
#include "core/quant/observer.h"

enum { QNS_MAX_BINS = 65536 };

/* How one kind of tensor (activations or weights) is observed and turned into codes. */
typedef struct qns_obs_spec {
    const qns_observer *observer;
    qns_qrule_range range; /* the range rule, with reduce_range already in qmin and qmax */
    int32_t bins;
    float momentum;
    float percentile; /* of the percentile observer */
    double scale;     /* of the fixed observer: above 0, and a zero point within the dtype */
    int32_t zero;
    bool per_channel; /* weights only */
    qns_dtype dtype;  /* placeholder and noop only: what the tensor will be */
    bool dynamic;     /* placeholder only: scale and zero point are found in every run */
} qns_obs_spec;

qns_obs_args qns_obs_args_of(const qns_obs_spec *s, int32_t channels, qns_hist_version hist);

/* What a qconfig makes of the nodes it is for. */
typedef enum qns_scheme {
    QNS_SCHEME_STATIC,      /* codes with scales from calibration */
    QNS_SCHEME_DYNAMIC,     /* weights in codes; activations become codes in the run */
    QNS_SCHEME_DYNAMIC_F16, /* weights in float16, activations in float32 */
    QNS_SCHEME_F16,         /* weights and activations are rounded to float16 */
    QNS_SCHEME_WEIGHT_ONLY, /* weights in codes, activations in float32 */
    QNS_SCHEME_RECORD,      /* float; what it reads and makes is recorded */
    QNS_SCHEME_FLOAT        /* placeholders for float32 on both sides */
} qns_scheme;

typedef struct qns_qconfig {
    bool quantize;
    qns_obs_spec act, weight;
} qns_qconfig;

/* Fails with CONFIG when the two observers do not go together. */
qns_status qns_qconfig_scheme(qns_scheme *out, const qns_qconfig *c, qns_err *err);

typedef enum qns_qrule_by {
    QNS_BY_OP,   /* name of the operator */
    QNS_BY_NAME, /* node, folded node, or output value: exact or with * ? [] */
    QNS_BY_SKIP, /* the same names; these nodes stay float */
    /* PyTorch's ways (spec section 7.4). Only the node that gives a fused node its name counts. */
    QNS_BY_REGEX,  /* extended regular expression, from the start of the module's or node's name */
    QNS_BY_MODULE, /* module of that name, or anything inside of it */
    QNS_BY_ORDER   /* the index-th node of an operator directly in a module */
} qns_qrule_by;

typedef struct qns_qrule {
    qns_qrule_by by;
    const char *pattern;
    const char *op; /* by order only */
    uint32_t index;
    qns_qconfig cfg;
    uint32_t line; /* of the file; 0 for a rule that was added by a program */
} qns_qrule;

/* An explicit border (borders.h), at the activations that are called so (or made by a node that
 * is).
 */
typedef struct qns_qborder {
    const char *pattern;
    bool quantize; /* else dequantize */
    uint32_t line; /* of the file; 0 for a border that was added by a program */
} qns_qborder;

typedef struct qns_qconfig_set qns_qconfig_set;

/* Ready-made settings by PyTorch's names: fbgemm, qnnpack, default_qconfig, ... */
bool qns_qconfig_preset(qns_qconfig *out, const char *name);
/* NULL-terminated. */
const char *const *qns_qconfig_presets(void);
/* Why a preset that PyTorch has cannot be used here; NULL when there is nothing known against it.
 */
const char *qns_qconfig_preset_refusal(const char *name);

/* No rules. preset NULL: the one that the backend names. Fails with NOTFOUND naming the nearest. */
qns_status qns_qconfig_create(qns_qconfig_set **out, const qns_backend *be, const char *preset,
                              qns_err *err);
/* Reads a qconfig.yaml (docs/qconfig.md). be: what the command line said, or NULL; it wins over the
 * file's own. Fails with CONFIG or NOTFOUND, naming file and line. */
qns_status qns_qconfig_read(qns_qconfig_set **out, const char *path, const qns_backend *be,
                            qns_err *err);
/* The same from memory; name stands for the file in messages. */
qns_status qns_qconfig_parse(qns_qconfig_set **out, const char *text, size_t n, const char *name,
                             const qns_backend *be, qns_err *err);
qns_status qns_qconfig_copy(qns_qconfig_set **out, const qns_qconfig_set *from, qns_err *err);
void qns_qconfig_free(qns_qconfig_set *set);

const qns_backend *qns_qconfig_backend(const qns_qconfig_set *set);
/* The default's name in messages and files. */
const char *qns_qconfig_preset_name(const qns_qconfig_set *set);
const qns_qconfig *qns_qconfig_default(const qns_qconfig_set *set);
qns_hist_version qns_qconfig_hist_version(const qns_qconfig_set *set);

/* Appends a rule; the pattern is copied. */
qns_status qns_qconfig_add(qns_qconfig_set *set, const qns_qrule *rule, qns_err *err);
/* Appends a skip rule: node, folded node or value of that name stays float. */
qns_status qns_qconfig_skip(qns_qconfig_set *set, const char *name, qns_err *err);
/* Appends a border; the pattern is copied. Wrong names are found by qns_prepare(). */
qns_status qns_qconfig_border(qns_qconfig_set *set, const qns_qborder *border, qns_err *err);
size_t qns_qconfig_n_rules(const qns_qconfig_set *set);
const qns_qrule *qns_qconfig_rule(const qns_qconfig_set *set, size_t i);

bool qns_qrule_matches(const qns_qrule *r, const qns_graph *g, const qns_node *n);
/* The deciding rule, or NULL for the default. Valid as long as the set. */
const qns_qrule *qns_qconfig_match(const qns_qconfig_set *set, const qns_graph *g,
                                   const qns_node *n);
/* Fails with NOTFOUND when a name or skip rule matches no node of the graph, naming the nearest;
 * with CONFIG when rules by operator differ for operators that were fused into one node. */
qns_status qns_qconfig_check(const qns_qconfig_set *set, const qns_graph *g, qns_err *err);

/* The whole set as text that qns_qconfig_parse() reads back to the same. */
void qns_qconfig_text(qns_str *out, const qns_qconfig_set *set);

#endif
