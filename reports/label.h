/* SPDX-License-Identifier: MIT */
/* Names from models are foreign text: any bytes, any length. Everything a report shows passes one
 * of these functions first. Width is counted in terminal columns. */
#ifndef QNS_LABEL_H
#define QNS_LABEL_H

#include "core/base/arena.h"
#include "core/base/str.h"

/* Adds s as valid UTF-8 with everything invisible or active (control characters, escape sequences,
 * bidirectional overrides, broken bytes) replaced by U+FFFD. */
void qns_label_add(qns_str *out, const char *s);
/* The same as a copy in the arena; NULL when out of memory. */
const char *qns_label_clean(qns_arena *a, const char *s);
/* Valid UTF-8, nothing else changed: for JSON. */
void qns_label_add_utf8(qns_str *out, const char *s);

/* Columns that clean text takes in a terminal. */
size_t qns_label_width(const char *s);
/* Adds clean text, shortened in the middle to at most width columns (width >= 1). The end, which
 * usually tells names apart, gets the larger part. */
void qns_label_add_short(qns_str *out, const char *s, size_t width);
const char *qns_label_short(qns_arena *a, const char *s, size_t width);
/* Adds clean text, broken at spaces into lines of at most width columns; every line but the first
 * starts with indent spaces. A longer word is cut. first: columns already used in the first line.
 */
void qns_label_add_wrapped(qns_str *out, const char *s, size_t width, size_t indent, size_t first);

/* HTML text and attribute values. */
void qns_label_add_html(qns_str *out, const char *s);
/* A gnuplot string in single quotes: nothing in it is expanded, continued or executed. */
void qns_label_add_gnuplot(qns_str *out, const char *s);
/* A Graphviz string in double quotes: no escape sequence in it means anything. */
void qns_label_add_dot(qns_str *out, const char *s);

#endif
