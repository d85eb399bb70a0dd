/* SPDX-License-Identifier: MIT */
/* Trials: the network with some of its layers in int8 and the others in float, against the float
 * network. For 'qns sensitivity' and 'qns search'.
 *
 * A trial gives the bits of the model that 'qns quantize' makes with the same skip list, run as
 * 'qns run' does. What is switched is a unit: an operator that is in int8 when nothing is skipped
 * and computes something of its own. Operators that only pass codes on (max pool, reshape) follow
 * their neighbours, as they do when a model is quantized, and belong to no unit.
 *
 * The float model is calibrated once, for as many sets as are tried (core/quant/ranges.h). */
#ifndef QNS_TRIAL_H
#define QNS_TRIAL_H

#include "core/quant/calibrate.h"

typedef struct qns_trials qns_trials;

typedef struct qns_trial_unit { /* what is switched between int8 and float as one */
    const char *name;           /* that stands in skip lists for its first node */
    const char *const *names;   /* of all its nodes: groups share precision */
    size_t n_names;
    const char *op;                        /* of the first */
    double macs;                           /* of one sample */
    double weight_bytes, activation_bytes; /* of weights and of outputs, as int8 */
    uint32_t index;                        /* of the first node in execution order */
    bool company; /* in int8 only next to another unit: alone it stays in float */
} qns_trial_unit;

enum { QNS_TRIAL_BLOCKS = 1024 };

typedef struct qns_trial_score { /* of one set on a range of samples; against the float outputs */
    int64_t n;                   /* samples */
    double output_sqnr_db;       /* pooled over samples and float outputs; +inf exact, NaN none */
    int64_t agree;               /* samples with the float model's top-1; -1: not a classifier */
    int64_t ref_hit, hit;        /* with labels: right answers of float and trial; else -1 */
    int64_t nonfinite_ref, nonfinite; /* output values that are NaN or infinite */
    double macs; /* multiply-adds of a sample that the set adds to those of the float model and of
                    the sets before it, at most; what is equal is computed once */
    /* In this process: seconds, and the multiply-adds of all samples together. */
    double seconds, worked;
    int64_t cached; /* samples that were run before (qns_trials_spec.cache) */
    /* NULL unless asked for; the caller's to qns_free(). */
    uint8_t *sample;   /* n bytes, bit 0 agree, bit 1 ref_hit, bit 2 hit */
    double *energy;    /* n_energy pairs: signal and noise of sample i in pair i % n_energy */
    uint32_t n_energy; /* n, at most QNS_TRIAL_BLOCKS */
} qns_trial_score;

typedef struct qns_trials_spec {
    const qns_graph *fused;     /* the float model; must outlive the trials, as must set */
    const qns_qconfig_set *set; /* what is quantized when nothing is skipped */
    qns_samples calib, eval;
    const int64_t *labels; /* eval.n class numbers, or NULL */
    qns_exec_opts exec;    /* the backend is that of set */
    /* Groups of units that share precision; each is n_globs names or globs. */
    const struct qns_trials_group {
        const char *const *globs;
        size_t n_globs;
    } * group;
    size_t n_groups;
    /* A file that keeps scores and is read when it is there; NULL: none. It belongs to one model,
     * settings and data. */
    const char *cache;
    /* All may be NULL. progress: of the calibration. cancelled: asked before every sample
     * of a set. */
    void (*progress)(void *ctx, int64_t done, int64_t total);
    bool (*cancelled)(void *ctx);
    void *ctx;
} qns_trials_spec;

/* Decides what the units are and calibrates. Fails with NOTFOUND when a glob of a group matches no
 * unit, UNSUPPORTED when no output is float or the settings quantize
 * layers in ways that are not int8 only, and as qns_prepare() and qns_calibrate() do. */
qns_status qns_trials_create(qns_trials **out, const qns_trials_spec *spec, qns_err *err);
void qns_trials_free(qns_trials *t);

/* In execution order. None: the settings leave everything in float. */
uint32_t qns_trials_n(const qns_trials *t);
const qns_trial_unit *qns_trials_unit(const qns_trials *t, uint32_t i);
/* Is the first output one score for each class? */
bool qns_trials_classifier(const qns_trials *t);
const qns_trials_spec *qns_trials_spec_of(const qns_trials *t); /* as given */

/* What the numbers belong to, in hex digits. */
typedef struct qns_trials_id {
    char graph[33], weights[33]; /* of the float model */
    char qconfig[33], calib[33];
    char eval[33]; /* samples and labels */
} qns_trials_id;
/* Reads all samples. Fails with CANCELLED, and as the sources do. */
qns_status qns_trials_identify(qns_trials_id *out, const qns_trials *t, qns_err *err);

typedef struct qns_scan_opts {
    int64_t first, n; /* samples */
    bool want_samples;
    void (*progress)(void *ctx, int64_t done, int64_t total); /* samples of sets; may be NULL */
    void *ctx;
} qns_scan_opts;

/* Many trials in one pass over the samples; in_float[k][i] says that unit i is in float in set k.
 * Layers on which sets agree with the float model or with each other are computed once. Pays when
 * sets differ in few units; the one that most others are near to comes first. Memory is that of all
 * activations of the float model, of the first set, and of what several sets share.
 *
 * Fails with CANCELLED, and as the source and the stages of quantizing do. */
qns_status qns_trials_scan(qns_trial_score *out, qns_trials *t, const bool *const *in_float,
                           uint32_t n_sets, const qns_scan_opts *o, qns_err *err);
/* A scan of one set. */
qns_status qns_trials_run(qns_trial_score *out, qns_trials *t, const bool *in_float, int64_t first,
                          int64_t n, bool want_samples, qns_err *err);
/* Multiply-adds of a sample of the float model. */
double qns_trials_macs(const qns_trials *t);
/* What running it has cost so far. */
typedef struct qns_trials_float_cost {
    int64_t samples;
    double seconds, worked;
} qns_trials_float_cost;
qns_trials_float_cost qns_trials_float(const qns_trials *t);

/* The Q/DQ model of a set, as 'qns quantize' writes it. */
qns_status qns_trials_write_model(qns_trials *t, const char *path, const bool *in_float,
                                  qns_err *err);

#endif
