/* SPDX-License-Identifier: MIT */
/* Runs gnuplot: a script goes in through a pipe, an SVG comes back. No shell, no files, no start-up
 * file of the user. */
#ifndef QNS_PLOT_H
#define QNS_PLOT_H

#include "core/base/str.h"

/* Appends what the program prints. program is looked up in PATH.
 * Fails with NOTFOUND when there is no such program, CANCELLED when it takes longer than the time,
 * IO when it fails; the message has its first line of complaint. */
qns_status qns_plot_run(qns_str *svg, const char *program, const char *script, uint32_t timeout_ms,
                        qns_err *err);

#endif
