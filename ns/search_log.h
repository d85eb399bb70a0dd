/* SPDX-License-Identifier: MIT */
/* The log of a search: one JSON object a line, appended when a trial ends, so that killing the
 * program loses no trial that was run. The first line says what the numbers belong to. */
#ifndef QNS_SEARCH_LOG_H
#define QNS_SEARCH_LOG_H

#include "ns/search.h"

typedef struct qns_search_log qns_search_log;

typedef struct qns_search_entry {
    const char *phase;
    const bool *in_float; /* of each unit */
    qns_search_score score;
    double seconds;
} qns_search_entry;

/* Opens or makes it and calls each() for the trials that it holds; a last line without an end is
 * cut off. unit names the units. Fails with MISMATCH when it belongs to something else, FORMAT when
 * it is no log or damaged, IO. */
qns_status qns_search_log_open(qns_search_log **out, const char *path, const qns_digest *identity,
                               const qns_search_unit *unit, uint32_t n_units,
                               qns_status (*each)(void *ctx, const qns_search_entry *e,
                                                  qns_err *err),
                               void *ctx, qns_err *err);
qns_status qns_search_log_add(qns_search_log *l, const qns_search_entry *e, qns_err *err);
void qns_search_log_close(qns_search_log *l);

#endif
