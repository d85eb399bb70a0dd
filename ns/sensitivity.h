/* SPDX-License-Identifier: MIT */
/* Sensitivity: what every layer alone does to the network's output. Leave-one-in: only this layer
 * is in int8. Leave-one-out: only this layer is in float. Against the float model's outputs, and
 * against labels where there are any.
 *
 * The reference is always the float model. Absent numbers are NaN; counts that do not apply -1. */
#ifndef QNS_SENSITIVITY_H
#define QNS_SENSITIVITY_H

#include "ns/result.h"
#include "ns/trial.h"

typedef struct qns_effect {        /* of one set of layers on the output */
    double output_sqnr_db;         /* pooled over samples and outputs; +inf exact */
    double top1_agreement;         /* share of samples with the float model's answer */
    double top1, top1_lo, top1_hi; /* share of right answers, 95 % interval (Wilson) */
    int64_t nonfinite;             /* output values that are NaN or infinite */
} qns_effect;

typedef struct qns_sens_unit {
    const char *name; /* that stands in a skip list */
    const char *const *names;
    uint32_t n_names;
    const char *const *origin; /* of the first: what it stands for in the model file */
    uint32_t n_origin;
    const char *op;
    uint32_t index; /* execution order */
    double macs;    /* of one sample */
    qns_effect in, out;
    bool alone; /* an operator that is in int8 only next to another one; in then is exact */
    double gain_db, gain_agreement, gain_top1; /* out minus all int8 */
    qns_verdict_level verdict;
    const char *advice; /* "" when there is nothing to do */
} qns_sens_unit;

typedef enum qns_sens_order {                     /* worst first */
                              QNS_SENS_IN,        /* output SQNR with only this layer in int8 */
                              QNS_SENS_OUT,       /* what leaving it in float gains */
                              QNS_SENS_AGREEMENT, /* top-1 agreement with only this layer in int8 */
                              QNS_SENS_TOP1,      /* top-1 with only this layer in int8 */
                              QNS_SENS_EXECUTION  /* as they run */
} qns_sens_order;

typedef struct qns_sensitivity {
    qns_arena *arena; /* owns everything below */
    const char *qns;  /* version */
    const char *model, *backend, *engine, *preset;
    const char *graph_id, *weights_id, *qconfig_id; /* hex */
    const char *calib, *eval;                       /* what the data is */
    const char *calib_id, *eval_id;                 /* hex */
    int64_t calib_samples, samples;
    bool classifier, labels;
    qns_effect ref, int8; /* ref: top-1 only; int8: nothing is skipped */
    qns_sens_unit *unit;  /* in execution order */
    uint32_t n_units;
    uint32_t n_all; /* units of the model: those that were not asked for, too */
    const char *order;
    const uint32_t *ranking; /* indices into unit, worst first */
    struct {
        double macs; /* of the float model, one sample */
        /* Of each scan with its baseline, in runs: MACs over those of the model, at most. */
        double in_runs, out_runs;
    } cost;
    /* What this process did: float model and all int8, then each scan without them. Not in files.
     */
    struct {
        int64_t samples, cached; /* that the float model ran; that some set had run before */
        double seconds[4], worked[4];
    } spent;
} qns_sensitivity;

typedef struct qns_sens_opts {
    const char *const *layers; /* globs over names; 0: all */
    size_t n_layers;
    qns_sens_order order;
    const char *model, *calib, *eval;                         /* for the result; NULL: "" */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* of the scan; may be NULL */
    void *ctx;
} qns_sens_opts;

/* Both scans in one pass over all samples of t. Fails with NOTFOUND when a glob matches nothing,
 * and as qns_trials_scan() does. */
qns_status qns_sensitivity_run(qns_sensitivity **out, qns_trials *t, const qns_sens_opts *o,
                               qns_err *err);
void qns_sensitivity_free(qns_sensitivity *s);

/* Verdicts and advice, and the ranking. */
qns_status qns_sensitivity_judge(qns_sensitivity *s, qns_sens_order order, qns_err *err);
const char *qns_sens_order_text(qns_sens_order o); /* "leave-one-in", ... */
bool qns_sens_order_parse(qns_sens_order *out, const char *text);

/* The units as layers of a result, ranked, for those who choose among layers (ns/skiplist.h). s
 * must outlive it. */
qns_status qns_sensitivity_layers(qns_result **out, const qns_sensitivity *s, qns_err *err);

#endif
