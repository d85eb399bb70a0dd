/* SPDX-License-Identifier: MIT */
/* Writing JSON documents. A jansson tree is built and printed; a failed allocation shows as NULL
 * somewhere in the tree, which the writer notices, so that only qns_json_print() has to ask. */
#ifndef QNS_JSON_PUT_H
#define QNS_JSON_PUT_H

#include "core/base/str.h"

#include <jansson.h>

typedef struct qns_json_writer {
    bool failed;
} qns_json_writer;

/* Both take the value over. */
void qns_json_put(qns_json_writer *w, json_t *object, const char *key, json_t *value);
void qns_json_append(qns_json_writer *w, json_t *array, json_t *value);

/* Infinite and undefined values are the strings "inf", "-inf" and "nan". */
json_t *qns_json_number(double v);
/* JSON integers end at INT64_MAX here; a larger count is a string of digits. */
json_t *qns_json_count(uint64_t v);
/* Text that is not UTF-8 gets replacement characters: a document must stay readable. */
json_t *qns_json_text(const char *s);
json_t *qns_json_texts(qns_json_writer *w, const char *const *v, uint32_t n);
/* NaN is left out. */
void qns_json_put_number(qns_json_writer *w, json_t *o, const char *key, double v);
json_t *qns_json_numbers(qns_json_writer *w, const double *v, uint32_t n);
json_t *qns_json_counts(qns_json_writer *w, const uint64_t *v, uint32_t n);

/* Appends the document and a line feed. compact: no spaces, one line. */
qns_status qns_json_print(qns_str *out, const qns_json_writer *w, const json_t *doc, bool compact,
                          qns_err *err);

#endif
