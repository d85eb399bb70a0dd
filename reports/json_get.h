/* SPDX-License-Identifier: MIT */
/* Checked access to a JSON document that comes from anywhere. Every helper takes the place it looks
 * at; the first thing wrong is reported with its path in the document, and nothing after it
 * matters. What is kept goes into the arena. A NULL object has no keys. */
#ifndef QNS_JSON_GET_H
#define QNS_JSON_GET_H

#include "core/base/arena.h"

#include <jansson.h>

enum { QNS_JSON_MAX_NUMBERS = 1 << 20 };

/* Where we are: the steps from the document down, kept on the stack of the callers. */
typedef struct qns_json_place {
    const struct qns_json_place *up;
    const char *key; /* NULL: an element of an array */
    size_t index;
} qns_json_place;

typedef struct qns_json_reader {
    qns_arena *arena;
    qns_err *err;
} qns_json_reader;

/* Text to a document, which is freed with json_decref(). Fails with FORMAT: not JSON, a key twice.
 */
qns_status qns_json_parse(json_t **out, const char *text, size_t n, qns_err *err);
/* Also IO, and FORMAT for a file that is too large to be a result. */
qns_status qns_json_load(json_t **out, const char *path, qns_err *err);

/* Fails with FORMAT, always: "'layers[3].name' must be " want. */
qns_status qns_json_wrong(qns_json_reader *rd, const qns_json_place *p, const char *want);
/* Zeroed memory; out is the address of any pointer. */
qns_status qns_json_get_memory(qns_json_reader *rd, void *out, size_t n, size_t size);

/* "" when missing. */
qns_status qns_json_get_text(qns_json_reader *rd, const char **out, const json_t *o,
                             const char *key, const qns_json_place *up);
qns_status qns_json_to_text(qns_json_reader *rd, const char **out, const json_t *j,
                            const qns_json_place *at);
/* Numbers and the strings "inf", "-inf", "nan"; NaN when missing. */
qns_status qns_json_get_number(qns_json_reader *rd, double *out, const json_t *o, const char *key,
                               const qns_json_place *up);
qns_status qns_json_to_int(qns_json_reader *rd, int64_t *out, const json_t *j, int64_t lo,
                           int64_t hi, const qns_json_place *at);
qns_status qns_json_get_int(qns_json_reader *rd, int64_t *out, const json_t *o, const char *key,
                            int64_t lo, int64_t hi, int64_t missing, const qns_json_place *up);
qns_status qns_json_get_bool(qns_json_reader *rd, bool *out, const json_t *o, const char *key,
                             const qns_json_place *up);
/* An integer, or a string of digits when it is larger than INT64_MAX; 0 when missing. */
qns_status qns_json_get_count(qns_json_reader *rd, uint64_t *out, const json_t *o, const char *key,
                              const qns_json_place *up);
/* An array of at most max elements; n is 0 when missing. */
qns_status qns_json_get_array(qns_json_reader *rd, const json_t **out, uint32_t *n, const json_t *o,
                              const char *key, uint32_t max, const qns_json_place *up);
/* NULL when missing. */
qns_status qns_json_get_object(qns_json_reader *rd, const json_t **out, const json_t *o,
                               const char *key, const qns_json_place *up);
/* Exactly n numbers. */
qns_status qns_json_get_numbers(qns_json_reader *rd, const double **out, uint32_t n,
                                const json_t *o, const char *key, const qns_json_place *up);
qns_status qns_json_get_counts(qns_json_reader *rd, const uint64_t **out, uint32_t n,
                               const json_t *o, const char *key, const qns_json_place *up);
/* An array of texts; n is 0 when missing. */
qns_status qns_json_get_texts(qns_json_reader *rd, const char *const **out, uint32_t *n,
                              const json_t *o, const char *key, const qns_json_place *up);

#endif
