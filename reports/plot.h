/* SPDX-License-Identifier: MIT */
/* Runs a drawing program: a script goes in through a pipe, an SVG comes back. No shell, no files,
 * no start-up file of the user. */
#ifndef QNS_PLOT_H
#define QNS_PLOT_H

#include "core/base/str.h"

typedef struct qns_drawer {
    const char *program; /* looked up in PATH */
    const char *option;  /* its only argument */
    const char *suffix;  /* of its scripts: ".gp" */
} qns_drawer;

extern const qns_drawer qns_gnuplot, qns_dot;

/* Appends what the drawer prints. program is called instead of the drawer's own; NULL: that.
 * Fails with NOTFOUND when there is no such program, CANCELLED when it takes longer than the time,
 * IO when it fails; the message has its first line of complaint. */
qns_status qns_plot_run(qns_str *svg, const qns_drawer *d, const char *program, const char *script,
                        uint32_t timeout_ms, qns_err *err);

#endif
