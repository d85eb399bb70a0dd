/* SPDX-License-Identifier: MIT */
/* Shared by the gate*.c files: an outcome in the making. */
#ifndef QNS_GATE_INTERNAL_H
#define QNS_GATE_INTERNAL_H

#include "core/base/map.h"
#include "reports/baseline.h"
#include "reports/gate.h"

typedef struct qns_gate {
    qns_arena *arena;
    const qns_result *r;
    const qns_gate_rules *rules;
    const qns_regression *changes; /* NULL: r is of two sides */
    qns_any_result other;          /* .kind NULL: r says it all; else r is NULL */
    const qns_result *base;        /* NULL: none, or not comparable */
    bool refused;                  /* there is a baseline, but of something else */
    qns_baseline index;            /* of base */
    qns_map twice;                 /* names of layers: 1 when there are several of that name */
    qns_gate_check *check;         /* heap, in the order of checking */
    size_t n, cap;
    qns_gate_verdict verdict;
    qns_err *err;
} qns_gate;

/* A tensor, or the network, that limits are about. */
typedef struct qns_gate_subject {
    const qns_layer *layer;    /* NULL: the network */
    const qns_diff *diff;      /* NULL: coverage */
    const qns_diff *base_diff; /* NULL: none */
    bool in_base;
    bool quantized, named; /* named: by a pattern without wildcards */
    const void *of;        /* what figures are of */
    uint32_t i;
    const char *unit, *advice; /* of a figure: its layer, or ""; NULL: not of a figure */
} qns_gate_subject;

/* Formatted and clean, in the arena; NULL with the error set. */
const char *qns_gate_text(qns_gate *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Appends; text is clean already. */
qns_status qns_gate_add(qns_gate *g, const qns_gate_check *c);
/* Name of a layer as reports show it; "" for NULL. */
const char *qns_gate_subject_text(qns_gate *g, const qns_layer *l);
/* One kind of one limit. */
qns_status qns_gate_judge(qns_gate *g, const qns_gate_subject *s, const qns_gate_limit *l,
                          qns_gate_kind kind);
/* All rules about layers. */
qns_status qns_gate_layers(qns_gate *g);
/* gate_regression.c: the rules 'regression', where there are changes. */
qns_status qns_gate_changes(qns_gate *g);
bool qns_gate_match(const qns_gate_glob *v, uint32_t n, const char *name, const char *const *origin,
                    uint32_t n_origin);
/* A pattern of 'except' that matches no layer is an error. */
qns_status qns_gate_check_globs(qns_gate *g, const qns_gate_glob *v, uint32_t n);
/* A check that failed, without numbers. Fails when one of the texts is NULL. */
qns_status qns_gate_add_failed(qns_gate *g, const char *id, const char *subject, const char *text,
                               const char *advice, uint32_t line);
/* gate_figure.c: all limits of figures. */
qns_status qns_gate_figures(qns_gate *g);
/* Rules about other kinds of results: a skipped check for each section, an error when there are no
 * other rules. */
qns_status qns_gate_skip_sections(qns_gate *g);
/* The outcome of all checks of g, of which r or other, changes and rules are set. */
qns_status qns_gate_judge_all(qns_gate_outcome **out, qns_gate *g, const char *result_file,
                              const qns_result *baseline, const char *baseline_file, qns_err *err);
/* Fails with CONFIG: "gate.yaml:5: ..." */
qns_status qns_gate_wrong(qns_gate *g, uint32_t line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
