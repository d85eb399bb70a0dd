/* SPDX-License-Identifier: MIT */
/* The gate tried on known faults: each fault (ns/fault.h) is put into some layers of the quantized
 * model, a shadow run measures the faulty model, and the user's gate judges it. Told is which
 * faults the gate catches, whether the analysis points at the right layer and names the fault,
 * and which rule would catch what was missed.
 *
 * A fault is caught when a check fails that passes for the model as it is. */
#ifndef QNS_SELFTEST_H
#define QNS_SELFTEST_H

#include "ns/fault.h"
#include "ns/shadow.h"
#include "reports/gate.h"
#include "reports/kind.h"

enum { QNS_SELFTEST_LAYERS = 4 };

typedef enum qns_try_state {
    QNS_TRY_IMPOSSIBLE, /* the layer cannot have the fault */
    QNS_TRY_HARMLESS,   /* no value of the layer's output changed by it */
    QNS_TRY_MISSED,
    QNS_TRY_CAUGHT,
    QNS_TRY_SKIPPED /* the budget was used up */
} qns_try_state;

typedef struct qns_fault_try {
    qns_try_state state;
    const char *text;           /* caught: the first new failure; impossible: why; "" else */
    const char *rule;           /* caught: id of that check, "local.sqnr_db.min"; "" else */
    uint32_t checks;            /* new failures */
    double local_db, output_db; /* with the fault */
    double local_lost_db, activation_lost_db, weight_lost_db, output_lost_db; /* by the fault */
    bool first;          /* the layer lost more of its local SQNR than any other */
    bool named;          /* a finding about this layer has a code that names the fault */
    const char *finding; /* that code, or another one about the layer; "" none */
} qns_fault_try;

typedef struct qns_fault_line {
    const char *name, *what;
    uint32_t possible, caught, first, named; /* tries; of the possible ones */
    const char *advice;                      /* a rule that would catch what was missed; "" */
} qns_fault_line;

typedef struct qns_selftest {
    qns_arena *arena;
    const char *qns, *rules, *baseline;
    qns_side ref, test;
    int64_t samples;
    uint32_t clean_failed;  /* checks that fail without any fault */
    const char *clean_text; /* the first of them; "" */
    double clean_output_db;
    const char *const *layer; /* names */
    const double *clean_local_db;
    uint32_t n_layers;
    const qns_fault_line *fault;
    uint32_t n_faults;
    const qns_fault_try *attempt; /* fault * n_layers + layer */
    uint32_t possible, caught, first, named, skipped;
    uint32_t runs; /* shadow runs that were made */
} qns_selftest;

typedef struct qns_selftest_opts {
    const qns_gate_rules *rules;
    const qns_result *baseline; /* for 'change'; NULL: the model as it is */
    const char *baseline_file;  /* NULL: the model as it is */
    const char *const *layers;  /* globs; 0: QNS_SELFTEST_LAYERS ones, spread over the depth */
    size_t n_layers;
    const qns_fault *const *faults; /* 0: all */
    size_t n_faults;
    uint32_t max_runs;                                        /* 0: as many as it takes */
    void (*progress)(void *ctx, int64_t done, int64_t total); /* runs */
    bool (*cancelled)(void *ctx);
    void *ctx;
} qns_selftest_opts;

/* ref and test as for qns_shadow(); test is a lowered graph. The source can be read more than once.
 * Fails with CONFIG where the rules do not fit the clean result, NOTFOUND when a glob matches no
 * layer, UNSUPPORTED when no layer is quantized, MISMATCH when the baseline is of something else;
 * and as qns_shadow() does. */
qns_status qns_selftest_run(qns_selftest **out, const qns_shadow_side *ref,
                            const qns_shadow_side *test, qns_source *s,
                            const qns_selftest_opts *opts, qns_err *err);
void qns_selftest_free(qns_selftest *t); /* NULL and half-built are fine */

const char *qns_try_text(qns_try_state s); /* "impossible", ... */

/* build_selftest.c */
qns_status qns_selftest_report(qns_report **out, const qns_selftest *t, qns_err *err);
/* selftest_json.c. A view; t stays the caller's. */
qns_any_result qns_any_of_selftest(const qns_selftest *t);

#endif
