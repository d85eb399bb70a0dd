/* SPDX-License-Identifier: MIT */
/* The result of a comparison: plain data, made by ns/compare.c or ns/shadow.c, written to and read
 * from JSON by reports/result_json.c, drawn by the renderers. Text, JSON and HTML can so never
 * disagree.
 *
 * The reference is always the float side. Sums are pooled over all samples in double; no epsilons:
 * what has no number has a flag (docs/metrics.md). Absent numbers are NaN with no flag set. */
#ifndef QNS_RESULT_H
#define QNS_RESULT_H

#include "core/base/arena.h"
#include "ns/compare/diff.h" /* qns_diff and the QNS_M_ flags */

/* Quantization of the test tensor; n_scale 0 when it is float. */
typedef struct qns_qinfo {
    const char *dtype; /* "uint8" */
    int32_t axis;      /* -1: per tensor */
    uint32_t n_scale;  /* 1 or channels */
    const double *scale;
    const int32_t *zero;
} qns_qinfo;

/* Float and int8 values counted in the same bins. */
typedef struct qns_hist {
    uint32_t n_bins; /* 0: not made */
    double lo, hi;
    const uint64_t *ref, *test;
    /* Error of the elements whose float value lies in the bin: root of the mean square, and mean
     * (test - reference); NaN for a bin without any. NULL in results that do not have them. */
    const double *error_rms, *error_mean;
    double reach_lo, reach_hi; /* what the codes can stand for; NaN when float */
} qns_hist;

/* Per channel of the weight, or of the activation. */
typedef struct qns_channels {
    uint32_t n;                        /* 0: not made */
    const double *ref_min, *ref_max;   /* range of the float side */
    const double *reach_lo, *reach_hi; /* what the codes can stand for */
    const double *sqnr_db;
} qns_channels;

/* SQNR of a layer below which its verdict is at least "watch" or "bad": an error of a tenth and of
 * a third of the signal. */
#define QNS_SQNR_WATCH_DB 20.0
#define QNS_SQNR_BAD_DB   10.0

/* Share of samples with the same answer below which a classifier is to watch or bad. */
#define QNS_AGREEMENT_WATCH 0.95
#define QNS_AGREEMENT_BAD   0.90

typedef enum qns_verdict_level { QNS_V_OK, QNS_V_WATCH, QNS_V_BAD } qns_verdict_level;

typedef struct qns_layer {
    const char *name; /* the layer's name on the float side */
    const char *op;
    const char *kept; /* how it runs on the test side: "int8" or "float" */
    int32_t index;    /* execution order on the float side */
    const char *const *origin;
    uint32_t n_origin;
    const uint32_t *from; /* layers whose values it reads, through operators that are no layer */
    uint32_t n_from;
    uint64_t macs;                          /* of one sample */
    const char *ref_dataset, *test_dataset; /* in the captures */
    const char *paired_by;                  /* "lineage" or "name" */
    qns_diff weight, activation;
    qns_diff local; /* of a shadow run: this layer alone, on the float side's inputs */
    qns_qinfo weight_q, activation_q;
    qns_hist hist; /* of the activation; worst five layers */
    qns_channels weight_channels, activation_channels;
    double added_db; /* how much the SQNR fell from the worst of its inputs' layers to here; NaN:
                        unknown */
    qns_verdict_level verdict;
    const char *advice; /* "" when there is nothing to do */
} qns_layer;

typedef struct qns_unmatched {
    const char *side; /* "reference" or "test" */
    const char *name, *op, *why;
    uint64_t macs;
} qns_unmatched;

typedef struct qns_finding {
    const char *code;    /* "CLIPPING", "OUTLIER_CHANNEL", ... docs/metrics.md lists them */
    int severity;        /* 0 note, 1 warning, 2 error */
    const char *subject; /* layer name or "" */
    const char *text;    /* one sentence with the evidence */
    const char *advice;  /* one sentence: what to do */
} qns_finding;

typedef struct qns_side {
    const char *file, *model, *backend, *engine, *build;
    const char *graph_id, *weights_id, *inputs_id, *qparams_id; /* hex, "" when unknown */
    bool complete;
    int64_t samples;
} qns_side;

typedef struct qns_result {
    qns_arena *arena; /* owns everything below */
    const char *kind; /* "comparison" or "shadow" */
    const char *qns;  /* version */
    qns_side ref, test;
    int64_t samples; /* compared */
    struct {
        uint32_t ops, matched, folded, test_only;
        double macs_matched; /* share, 0..1; NaN when unknown */
        const qns_unmatched *unmatched;
        uint32_t n_unmatched;
    } coverage;
    qns_layer *layer; /* in execution order */
    uint32_t n_layers;
    const uint32_t *ranking; /* indices into layer, worst first */
    uint32_t n_ranking;
    struct {
        const char *name;
        qns_diff diff;
        double
            top1_agreement; /* share of samples with the same arg-max; NaN when not a classifier */
        double ref_top1, test_top1; /* against labels; NaN without */
    } output;
    const qns_finding *finding;
    uint32_t n_findings; /* most severe first */
} qns_result;

/* Frees the arena, then r itself, which came from qns_new(); NULL and half-built are fine. */
void qns_result_free(qns_result *r);
const char *qns_verdict_text(qns_verdict_level v); /* "ok", "watch", "bad" */
/* Names of the flags that are set, joined by '|'; "" for none. out holds at least 128 bytes. */
void qns_flags_text(char *out, size_t size, unsigned flags);
unsigned qns_flag_parse(const char *name); /* 0 when unknown */

#endif
