/* SPDX-License-Identifier: MIT */
/* What a search is to reach: a metric of the model's output and a limit, "output-sqnr>=25". */
#ifndef QNS_TARGET_H
#define QNS_TARGET_H

#include "core/base/status.h"

typedef enum qns_target_metric {
    QNS_TARGET_SQNR,      /* "output-sqnr", decibels */
    QNS_TARGET_AGREEMENT, /* "top1-agreement": samples with the float model's answer, a share */
    QNS_TARGET_DROP, /* "top1-drop": top-1 of the float model less that of the mixed, a share */
    QNS_TARGET_EVAL, /* "eval": the number that a user's command prints */
    QNS_TARGET_METRICS
} qns_target_metric;

typedef struct qns_target {
    qns_target_metric metric;
    bool at_most; /* <=, else >= */
    double limit;
} qns_target;

/* "METRIC>=NUMBER" or "METRIC<=NUMBER"; blanks are allowed, and '%' behind a share, 'dB' behind a
 * SQNR. Fails with CONFIG (form, direction, a limit that makes no sense) and NOTFOUND (metric,
 * naming the nearest). */
qns_status qns_target_parse(qns_target *out, const char *text, qns_err *err);
/* "output-sqnr >= 25 dB" */
const char *qns_target_text(char out[64], const qns_target *t);
const char *qns_target_name(qns_target_metric m);
/* "24.31 dB", "98.7 %", "0.713"; "exact" for an infinite SQNR. */
const char *qns_target_value_text(char out[32], qns_target_metric m, double value);

/* How far value is on the right side; 0 is met, NaN never is. */
double qns_target_margin(const qns_target *t, double value);
bool qns_target_met(const qns_target *t, double value);

#endif
