/* SPDX-License-Identifier: MIT */
/* Kinds of results. A result file says in "kind" what it is; a row of the table in kind.c says how
 * it is read, written and made into a report. Commands that take any result (`qns report`) go
 * through here. A new kind is a row. */
#ifndef QNS_KIND_H
#define QNS_KIND_H

#include "core/base/str.h"
#include "reports/report.h"

#include <jansson.h>

typedef struct qns_gist { /* what a result is of, for one line; texts of the result */
    const char *qns;
    const char *ref, *test, *was; /* files; was: the one before, of three; "" where there is none */
    int64_t samples;
    uint32_t layers;
    char outcome[96]; /* "3 regressed, 1 improved"; "" where there is none */
} qns_gist;

typedef struct qns_kind {
    const char *name; /* "comparison" */
    qns_status (*from_json)(void **out, const json_t *doc, qns_err *err);
    /* Appends the document and a line feed. compact: no spaces, one line. */
    qns_status (*to_json)(qns_str *out, const void *of, bool compact, qns_err *err);
    void (*free)(void *of);
    /* The result must outlive the report. */
    qns_status (*build)(qns_report **out, const void *of, qns_err *err);
    void (*gist)(qns_gist *out, const void *of);
    /* Its layers, ranked, as a qns_result that lives no longer than it. NULL: it ranks none, or
     * `of` is a qns_result itself. */
    qns_status (*layers)(qns_result **out, const void *of, qns_err *err);
    bool is_result; /* `of` is a qns_result */
} qns_kind;

/* NULL when there is none of that name. */
const qns_kind *qns_kind_find(const char *name);

/* A result of any kind. */
typedef struct qns_any_result {
    const qns_kind *kind;
    void *of;           /* qns_result, ... */
    qns_result *layers; /* what qns_any_layers() made; owned */
} qns_any_result;

/* A view; r stays the caller's. */
qns_any_result qns_any_of(const qns_result *r);

/* Fails with FORMAT when the document is no result or of an unknown kind. */
qns_status qns_any_load(qns_any_result *out, const char *path, qns_err *err);
qns_status qns_any_save(const char *path, const qns_any_result *r, qns_err *err);
/* For those who choose among layers. *out lives as long as r. Fails with CONFIG when results of the
 * kind do not rank layers. */
qns_status qns_any_layers(const qns_result **out, qns_any_result *r, qns_err *err);
void qns_any_free(qns_any_result *r); /* also of {0} */

extern const qns_kind qns_kind_comparison, qns_kind_shadow, qns_kind_sensitivity, qns_kind_search,
    qns_kind_regression, qns_kind_selftest;

#endif
