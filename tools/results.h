/* SPDX-License-Identifier: MIT */
/* What the commands that make a result have in common: where it goes, and the exit code. */
#ifndef QNS_RESULTS_H
#define QNS_RESULTS_H

#include "reports/kind.h"
#include "tools/cmd.h"

typedef struct qns_result_args {
    const char *layers[32], *scripts, *html;
    size_t n_layers;
    uint32_t n_detail;
    int64_t rows;
    bool force;
    const char *fail_text; /* --fail-on as given; NULL */
    int fail_on;           /* a qns_verdict_level; -1: never */
} qns_result_args;

extern const struct argp qns_result_argp; /* a child parser; its input is a qns_result_args */

/* For ARGP_KEY_END: --fail-on takes what fits two sides. */
void qns_results_check_two(struct argp_state *state, const qns_result_args *a);
/* Writes -o, --html, and what goes to standard output. */
qns_status qns_results_write(const qns_common *c, const qns_result_args *a, const qns_result *r,
                             qns_err *err);
/* The same for a result of any kind; next: printed below the table, "" for nothing. */
qns_status qns_results_write_any(const qns_common *c, const qns_result_args *a,
                                 const qns_any_result *r, const char *next, qns_err *err);
/* By --fail-on. */
int qns_results_exit_code(const qns_result_args *a, const qns_result *r);

#endif
