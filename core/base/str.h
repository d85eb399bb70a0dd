/* SPDX-License-Identifier: MIT */
/* Text: a growing string, glob matching, and the nearest name to a misspelt one. */
#ifndef QNS_STR_H
#define QNS_STR_H

#include "core/base/status.h"

/* Initialize with {0}; s is NULL until something was added, then always terminated. An addition
 * that runs out of memory sets failed and is dropped; check failed once at the end. */
typedef struct qns_str {
    char *s;
    size_t len, cap;
    bool failed;
} qns_str;

void qns_str_fini(qns_str *t);
void qns_str_add(qns_str *t, const char *s);
void qns_str_add_n(qns_str *t, const char *s, size_t n);
void qns_str_addf(qns_str *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The text, never NULL. */
const char *qns_str_get(const qns_str *t);

/* Shell-like: * any run, ? one character, [abc] [a-z] [!a] a set, \x the character x. The whole
 * text must match. Slashes and dots are ordinary characters. */
bool qns_glob(const char *pattern, const char *text);
bool qns_has_glob_chars(const char *pattern);

/* Index of the name with the smallest edit distance to want, or -1 if none is near (more than half
 * of the letters differ). */
int64_t qns_nearest(const char *want, const char *const *names, size_t n);

#endif
