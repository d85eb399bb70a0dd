/* SPDX-License-Identifier: MIT */
/* Shared by the build_*.c files: making a report's parts in its arena. A failed allocation sets
 * failed and gives "" or NULL; qns_report_build() asks once at the end. */
#ifndef QNS_BUILD_H
#define QNS_BUILD_H

#include "core/base/str.h"
#include "reports/report.h"
#include "reports/template.h"

typedef struct qns_build {
    qns_report *report;
    qns_arena *arena;
    const qns_result *r;
    bool failed;
} qns_build;

/* Zeroed; never fails visibly: NULL with failed set. */
void *qns_build_get(qns_build *b, size_t n, size_t size);
/* Formatted and made clean. */
const char *qns_build_text(qns_build *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* "conv1 + bn1", the first 32. */
const char *qns_build_joined(qns_build *b, const char *const *name, uint32_t n);
/* "35.8", "exact", "undefined", or "-" when it was not measured. */
const char *qns_build_db(qns_build *b, const qns_diff *d, double db);
/* Four significant digits; "-" for NaN. */
const char *qns_build_number(qns_build *b, double v);
/* A share 0..1 in percent, without the sign. */
const char *qns_build_percent(qns_build *b, double share);
/* 1,234,567 */
const char *qns_build_count(qns_build *b, uint64_t v);

qns_cell qns_build_cell(const char *text, double sort); /* no bar, no colour */
/* All numbers of one tensor under a title. */
qns_facts qns_build_diff_facts(qns_build *b, const char *title, const qns_diff *d);
/* Appends unless the value is "-" or empty. */
void qns_build_fact(qns_build *b, qns_fact *f, uint32_t *n, const char *label, const char *value);
void qns_build_findings(qns_build *b, const qns_finding *f, uint32_t n);

/* Charts. Fills the template into a script and appends the plot; its script and drawer are set
 * here.
 */
qns_status qns_build_plot(qns_build *b, const char *template, const qns_tval *v, qns_plot plot,
                          qns_err *err);
/* '?' for what is not finite. */
void qns_build_set_number(qns_tval *v, const char *name, double x);
/* "tick" with label and i, "bottom" and "height", for n names along the x axis. */
void qns_build_ticks(qns_build *b, qns_tval *v, const char *(*name)(const void *of, uint32_t i),
                     const void *of, uint32_t n);
double qns_build_chart_width(uint32_t n); /* pixels, for n layers */

/* The parts of a comparison, each in a file of its own. */
void qns_build_summary(qns_build *b);
void qns_build_layers(qns_build *b);
void qns_build_origin(qns_build *b); /* coverage, identity, guide */
void qns_build_graph(qns_build *b);
qns_status qns_build_plots(qns_build *b, qns_err *err);

#endif
