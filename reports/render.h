/* SPDX-License-Identifier: MIT */
/* How a result becomes bytes: "text", "json" or "html". Renderers are values in a table; a new
 * format is a file render_X.c and a line in render.c. */
#ifndef QNS_RENDER_H
#define QNS_RENDER_H

#include "reports/kind.h"

/* Where the bytes go. put fails with what the receiver says; rendering then stops. */
typedef struct qns_sink {
    void *ctx;
    qns_status (*put)(void *ctx, const void *p, size_t n, qns_err *err);
} qns_sink;

qns_sink qns_sink_str(qns_str *to); /* appends */

/* All zero is a good choice. */
typedef struct qns_report_opts {
    uint32_t width;            /* text: columns; 0: 80; at least 60 are used */
    bool colour;               /* text: ANSI colours */
    uint32_t max_rows;         /* text: layers shown; 0: 20 */
    const char *script_dir;    /* html: a folder that gets the scripts of the charts; NULL: none */
    const char *gnuplot, *dot; /* html: programs; NULL: those of PATH, "": draw nothing */
    uint32_t plot_timeout_ms;  /* of one chart; 0: 20,000 */
} qns_report_opts;

typedef struct qns_renderer {
    const char *name, *suffix; /* "html", ".html" */
    qns_status (*render)(const qns_report *r, const qns_report_opts *o, const qns_sink *to,
                         qns_err *err);
} qns_renderer;

/* NULL when there is none of that name. */
const qns_renderer *qns_render_find(const char *name);
/* Number i of the table; NULL behind the last. */
const qns_renderer *qns_render_at(size_t i);

/* Builds, renders and writes; a file is written whole or not at all. path "-" is standard output.
 * opts may be NULL. Fails with CONFIG for an unknown format. */
qns_status qns_report_write_any(const char *path, const char *format, const qns_any_result *r,
                                const qns_report_opts *opts, qns_err *err);
qns_status qns_report_write(const char *path, const char *format, const qns_result *r,
                            const qns_report_opts *opts, qns_err *err);

extern const qns_renderer qns_render_text, qns_render_json, qns_render_html;

#endif
