/* SPDX-License-Identifier: MIT */
/* Three captures: the float model, the int8 model as it was, and as it is now. What changed, by how
 * much, and can the change be told from noise?
 *
 * Every sample gives one difference for each layer: its SQNR now minus its SQNR before, both
 * against the same float values. ns/compare/paired.h tests whether these differences are shifted,
 * and controls the false discovery rate over the layers. A change is called one when both hold: its
 * q value is at most the rate, and its size at least min_change. docs/regression.md tells why.
 *
 * Plain data, as result.h; written to and read from JSON by reports/regression_json.c. */
#ifndef QNS_REGRESSION_H
#define QNS_REGRESSION_H

#include "ns/compare/paired.h"
#include "ns/result.h"

#define QNS_REGRESS_FDR       0.05
#define QNS_REGRESS_CHANGE_DB 0.1
/* Up to so many samples are tested; beyond, evenly spread ones. All count for the SQNR. */
enum { QNS_REGRESS_PAIRS = 65536 };

typedef enum qns_change {
    QNS_UNCHANGED, /* nothing that these samples can show */
    QNS_IMPROVED,
    QNS_REGRESSED,
    QNS_NEWLY_UNMATCHED, /* compared before, now without a partner */
    QNS_NEWLY_MATCHED,
    QNS_CHANGES
} qns_change;

typedef struct qns_changed {
    const char *name, *op;
    int32_t index; /* execution order on the float side; -1 unknown */
    const char *const *origin;
    uint32_t n_origin;
    uint64_t macs;
    const char *was_kept, *now_kept;           /* "int8" or "float"; "" where unmatched */
    qns_diff was, now, was_weight, now_weight; /* pooled over all samples; absent where unmatched */
    qns_paired test;                           /* of the outputs, in dB; weights have no samples */
    double change_db;     /* test.shift; of weights alone, the difference of their SQNR */
    double q;             /* NaN: not tested */
    int64_t worst_sample; /* id of the sample that lost most; -1 */
    double worst_db;      /* what it lost, as a negative number */
    qns_change change;
    const char *advice; /* why, and what to do; "" when there is nothing to say */
} qns_changed;

/* Of the samples whose answer changed: right before and not now, and the reverse. */
typedef struct qns_flips {
    double was, now; /* shares of all samples; NaN when unknown */
    uint64_t lost, gained;
    double p; /* McNemar, exact; NaN when unknown */
} qns_flips;

typedef struct qns_regress_coverage {
    uint32_t ops, matched, folded;
    double macs_matched; /* NaN when unknown */
} qns_regress_coverage;

typedef struct qns_regression {
    qns_arena *arena; /* owns everything below */
    const char *qns;
    qns_side ref, was, now;
    int64_t samples; /* that all three have */
    int64_t tested;  /* of them, in the tests */
    double fdr, min_change_db;
    qns_fdr_method method;
    qns_changed *layer; /* in execution order */
    uint32_t n_layers;
    const uint32_t *ranking; /* worst regression first */
    uint32_t n[QNS_CHANGES]; /* layers of each kind */
    double resolution_db;    /* half the interval of the median layer; NaN unknown */
    struct {
        const char *name;    /* "" when no output was captured */
        uint32_t layer;      /* index into layer; UINT32_MAX none */
        qns_flips agreement; /* with the float side's top-1 */
        qns_flips accuracy;  /* against labels */
        double ref_top1;
    } output;
    qns_regress_coverage was_coverage, now_coverage;
    const qns_finding *finding;
    uint32_t n_findings; /* most severe first */
} qns_regression;

typedef struct qns_regress_opts {
    const char *const *layers; /* globs over layer names and origins; 0: all */
    size_t n_layers;
    int threads;
    bool allow_incomplete, force;
    double fdr;           /* 0: QNS_REGRESS_FDR */
    double min_change_db; /* NaN: QNS_REGRESS_CHANGE_DB */
    qns_fdr_method method;
    void (*progress)(void *ctx, uint32_t done, uint32_t total);
    void *ctx;
} qns_regress_opts;

/* One pass over the three files, memory bounded, the result independent of threads. Free with
 * qns_regression_free(). Fails as qns_compare() does; each of the two pairs has to be comparable,
 * and all three must have samples in common. */
qns_status qns_regress(qns_regression **out, const char *ref, const char *was, const char *now,
                       const qns_regress_opts *opts, qns_err *err);
void qns_regression_free(qns_regression *r); /* NULL and half-built are fine */

/* A layer regressed, or the network's answers did (McNemar's p at most fdr, more lost than gained).
 */
bool qns_regression_is_worse(const qns_regression *r);
/* "unchanged", "improved", "regressed", "unmatched", "matched" */
const char *qns_change_text(qns_change c);

#endif
