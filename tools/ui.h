/* SPDX-License-Identifier: MIT */
/* What a person at a terminal sees: progress bars, width, colour. Silent when standard error is not
 * a terminal. */
#ifndef QNS_UI_H
#define QNS_UI_H

#include <stdbool.h>
#include <stdint.h>

typedef struct qns_progress {
    const char *label;
    bool on;
    double started, drawn; /* seconds */
} qns_progress;

void qns_progress_start(qns_progress *p, const char *label, bool quiet);
/* Draws at most ten times a second. Its type fits the progress callbacks of the library. */
void qns_progress_at(void *progress, int64_t done, int64_t total);
void qns_progress_end(qns_progress *p);

int qns_ui_width(void);   /* of standard output; 80 when it is no terminal */
bool qns_ui_colour(void); /* standard output is a terminal, and NO_COLOR is not set */
double qns_ui_now(void);  /* seconds, monotonic */
/* Largest resident set of this process so far, bytes. */
int64_t qns_ui_peak_memory(void);
/* "3.4 MiB", "812 KiB" */
const char *qns_ui_bytes(char out[24], uint64_t n);

/* Ctrl-C and SIGTERM set a flag, which long work asks for; the second one kills. */
void qns_ui_catch_signals(void);
bool qns_ui_cancelled(void *unused);

#endif
