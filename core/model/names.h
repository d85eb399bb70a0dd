/* SPDX-License-Identifier: MIT */
/* A list of names that owns its texts: the arrays of a container file. */
#ifndef QNS_NAMES_H
#define QNS_NAMES_H

#include "core/base/status.h"

/* Initialize with {0}. */
typedef struct qns_names {
    char **at;
    size_t n, cap;
} qns_names;

qns_status qns_names_add(qns_names *l, const char *s, size_t n, qns_err *err);
void qns_names_fini(qns_names *l);
/* Index, or -1. */
int64_t qns_names_find(const qns_names *l, const char *s);
/* "'a', 'b', 'c' and 5 more", shortened to size. */
void qns_names_text(char *out, size_t size, const qns_names *l);

#endif
