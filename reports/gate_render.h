/* SPDX-License-Identifier: MIT */
/* How a gate's outcome becomes bytes. The outcome is a report of its own kind, with its own table
 * of renderers in the manner of reports/render.h: "text", "json", "junit", "sarif", "markdown" and
 * "github" (annotation lines for the log of GitHub Actions). A new format is a file render_X.c and
 * a line in gate_render.c. */
#ifndef QNS_GATE_RENDER_H
#define QNS_GATE_RENDER_H

#include "reports/gate.h"
#include "reports/render.h"

/* All zero is a good choice. */
typedef struct qns_gate_opts {
    uint32_t width;    /* text: columns; 0: 80; at least 60 are used */
    bool colour;       /* text: ANSI colours */
    bool all;          /* text, markdown: list the checks that passed, too */
    uint32_t max_rows; /* text, markdown, github: failed checks told; 0: 20 (github: 10) */
} qns_gate_opts;

typedef struct qns_gate_renderer {
    const char *name, *suffix; /* "junit", ".xml" */
    qns_status (*render)(const qns_gate_outcome *g, const qns_gate_opts *o, const qns_sink *to,
                         qns_err *err);
} qns_gate_renderer;

/* NULL when there is none of that name. */
const qns_gate_renderer *qns_gate_render_find(const char *name);
/* Number i of the table; NULL behind the last. */
const qns_gate_renderer *qns_gate_render_at(size_t i);

/* Renders and writes; a file is written whole or not at all. path "-" is standard output. opts may
 * be NULL. Fails with CONFIG for an unknown format. */
qns_status qns_gate_write(const char *path, const char *format, const qns_gate_outcome *g,
                          const qns_gate_opts *opts, qns_err *err);

extern const qns_gate_renderer qns_render_gate_text, qns_render_gate_json, qns_render_junit,
    qns_render_sarif, qns_render_markdown, qns_render_github;

#endif
