/* SPDX-License-Identifier: MIT */
/* Names of layers as text of other languages. Names are UTF-8 and may hold anything. */
#ifndef QNS_SKIP_QUOTE_H
#define QNS_SKIP_QUOTE_H

#include "core/base/str.h"

bool qns_is_utf8(const char *s);

/* In double quotes: a string of JSON, of Python and of YAML alike, on one line. Controls and what
 * changes the direction of text are escaped. */
void qns_quote_json(qns_str *out, const char *s);
/* In single quotes, for a POSIX shell. */
void qns_quote_shell(qns_str *out, const char *s);

/* Patterns that match exactly s: for Python's re and RE2, for Python's fnmatch, for QNS. */
void qns_escape_regex(qns_str *out, const char *s);
void qns_escape_fnmatch(qns_str *out, const char *s);
void qns_escape_glob(qns_str *out, const char *s);

#endif
