/* SPDX-License-Identifier: MIT */
/* The gate: rules about a result -> a verdict with its evidence.
 *
 * Rules come from a file (reports/gate_yaml.h) or are filled in by the caller. Every limit of a
 * rule becomes one check for every layer it decides about, passed or not, and names the line it
 * comes from. docs/gate.md tells what each rule means, and how values without a number are judged.
 * What the outcome looks like is reports/gate_render.h. */
#ifndef QNS_GATE_H
#define QNS_GATE_H

#include "ns/regression.h"
#include "reports/kind.h"

/* The numbers are exit codes. */
typedef enum qns_gate_verdict {
    QNS_GATE_PASS,
    QNS_GATE_REGRESSED,
    QNS_GATE_NOT_COMPARABLE,
    QNS_GATE_BAD_DATA
} qns_gate_verdict;

/* What a metric is taken from. */
typedef enum qns_gate_scope {
    QNS_GATE_WEIGHT,
    QNS_GATE_ACTIVATION,
    QNS_GATE_LOCAL, /* the last one of layers */
    QNS_GATE_OUTPUT,
    QNS_GATE_COVERAGE,
    QNS_GATE_SENSITIVITY, /* figures of results without two sides; called as their kind */
    QNS_GATE_SEARCH,
    QNS_GATE_SELFTEST,
    QNS_GATE_SCOPES
} qns_gate_scope;

typedef enum qns_gate_kind {
    QNS_GATE_MIN,
    QNS_GATE_MAX,
    QNS_GATE_CHANGE,
    QNS_GATE_KINDS
} qns_gate_kind;

typedef struct qns_gate_metric {
    const char *name;  /* in rules: "sqnr_db" */
    const char *title; /* in sentences: "SQNR" */
    const char *unit;  /* "dB", "steps", or "" */
    unsigned scopes;   /* bit 1 << scope */
    int better;        /* +1: higher, -1: lower, 0: nearer to 0, judged by its size */
    double lo, hi;     /* what a limit may be */
    bool codes;        /* exists only where the test side is quantized */
    double (*get)(const qns_result *r, const qns_diff *d); /* d: NULL for coverage */
    double (*figure)(const void *of, uint32_t i);          /* instead of get; i: the layer, or 0 */
    bool each;                                             /* a figure of every layer */
    bool yes;                                              /* 1 or 0; in rules: true */
} qns_gate_metric;

extern const qns_gate_metric qns_gate_metrics[]; /* ends with a name of NULL */
enum { QNS_GATE_METRICS = 40 };                  /* room for the table */

/* Limits of one metric; NaN where there is none. */
typedef struct qns_gate_limit {
    qns_gate_scope scope;
    uint32_t metric;               /* index into qns_gate_metrics */
    double value[QNS_GATE_KINDS];  /* change: how much worse than in the baseline, >= 0 */
    uint32_t line[QNS_GATE_KINDS]; /* in the rules file */
    bool optional;                 /* no number is no error */
} qns_gate_limit;

typedef struct qns_gate_glob {
    const char *text;
    uint32_t line;
} qns_gate_glob;

/* Of several rules that match a layer, the last one decides for each limit of each metric. */
typedef struct qns_gate_rule {
    const qns_gate_glob *name, *except; /* over names and origins of layers */
    uint32_t n_name, n_except;
    const char *op; /* NULL: any */
    bool optional;  /* may match nothing, and all its limits are optional */
    uint32_t line;
    const qns_gate_limit *limit;
    uint32_t n_limits;
} qns_gate_rule;

/* About results of three captures; NaN: no limit. */
typedef struct qns_gate_regression {
    uint32_t line;                       /* 0: the rules say nothing about regressions */
    double max_regressed, max_unmatched; /* layers */
    double q, min_change_db;             /* what counts; NaN: as the result was made */
    bool answers;                        /* fail when the network's answers got worse */
    uint32_t regressed_line, unmatched_line, answers_line;
    const qns_gate_glob *except; /* layers that may regress */
    uint32_t n_except;
} qns_gate_regression;

typedef struct qns_gate_rules {
    const char *file;
    const qns_gate_rule *rule; /* about layers */
    uint32_t n_rules;
    const qns_gate_limit *limit; /* about output, coverage and figures */
    uint32_t n_limits;
    qns_gate_regression regression;
    int fail_on; /* severity of findings that fail, or worse; -1: none */
    uint32_t findings_line;
    const char *const *allow; /* codes of findings that never fail */
    uint32_t n_allow;
} qns_gate_rules;

typedef enum qns_gate_state {
    QNS_GATE_FAILED,
    QNS_GATE_SKIPPED, /* optional, and there is no number */
    QNS_GATE_PASSED
} qns_gate_state;

/* One thing that was looked at. All text is clean (reports/label.h). */
typedef struct qns_gate_check {
    qns_gate_state state;
    const char *id;      /* kind of check: "activation.sqnr_db.min", "finding.CLIPPING", "nan" */
    const char *subject; /* layer; "" for the network */
    const char *text;    /* one sentence with the values */
    const char *advice;  /* "" for none */
    uint32_t line;       /* of the rule; 0: holds always */
    double value, limit, base; /* NaN where there is none */
} qns_gate_check;

typedef struct qns_gate_outcome {
    qns_arena *arena;
    qns_gate_verdict verdict;
    const char *headline;                  /* one line */
    const char *rules, *result, *baseline; /* files; "" for none */
    const char *model;
    int64_t samples;
    const qns_gate_check *check; /* failed first; otherwise the network, then layers in order */
    uint32_t n_checks, n_failed, n_skipped;
} qns_gate_outcome;

/* Judges. baseline may be NULL; result_file and baseline_file are for messages.
 *
 * A regression, NaN and a baseline of something else are outcomes, not failures. Fails with CONFIG
 * where the rules do not fit the result: a rule that matches nothing, a number nobody measured,
 * 'change' without a baseline, a baseline without 'change'. Free with qns_gate_free(). */
qns_status qns_gate_run(qns_gate_outcome **out, const qns_result *r, const char *result_file,
                        const qns_gate_rules *rules, const qns_result *baseline,
                        const char *baseline_file, qns_err *err);

/* The same for a result of any kind. A baseline is for those of two sides only. Rules that are
 * about other kinds of results are skipped; fails with CONFIG when no rule is about this one. */
qns_status qns_gate_run_any(qns_gate_outcome **out, const qns_any_result *r,
                            const char *result_file, const qns_gate_rules *rules,
                            const qns_result *baseline, const char *baseline_file, qns_err *err);

bool qns_gate_uses_change(const qns_gate_rules *rules); /* so that a baseline is needed */
/* The same for a result of three captures: rules about layers, output and coverage are judged on
 * the new one, 'change' against the old one, and 'regression' on what changed. */
qns_status qns_gate_run_regression(qns_gate_outcome **out, const qns_regression *r,
                                   const char *result_file, const qns_gate_rules *rules,
                                   qns_err *err);

/* The outcome for a file that cannot be judged at all, so that reports tell it, too: BAD_DATA, or
 * NOT_COMPARABLE when why has the code MISMATCH. */
qns_status qns_gate_refuse(qns_gate_outcome **out, const qns_err *why, const char *result_file,
                           const char *rules_file, qns_err *err);
void qns_gate_free(qns_gate_outcome *o);

const char *qns_gate_verdict_text(qns_gate_verdict v); /* "passed", "regressed", ... */
const char *qns_gate_scope_text(qns_gate_scope s);     /* "weight", ... */

#endif
