/* SPDX-License-Identifier: MIT */
/* A search while it runs, for search.c and search_rank.c. */
#ifndef QNS_SEARCH_INTERNAL_H
#define QNS_SEARCH_INTERNAL_H

#include "ns/search_log.h"

typedef struct qns_search_row { /* a trial, and its set */
    qns_search_trial t;
    bool *set;
} qns_search_row;

typedef struct qns_search_rows {
    qns_search_row *at;
    size_t n, cap;
} qns_search_rows;

typedef struct qns_search_state {
    const qns_search_spec *spec;
    qns_search_result *r;
    qns_search_unit *unit; /* of r */
    qns_search_log *log;   /* NULL: none */
    /* What the log knew, or what was run ahead (with its seconds), is a trial when it is asked for:
     * an interrupted search that goes on ends with the result of one that was not. */
    qns_search_rows known, trial;
    const char *phase;
    uint32_t *order;
    bool *set;
    int64_t total; /* trials at most, for the progress */
    double began;
    bool out_of_budget;
} qns_search_state;

double qns_search_now(void); /* seconds */
qns_search_row *qns_search_find(const qns_search_rows *e, const qns_search_state *j,
                                const bool *set);
/* Adds what the log says, or what was run ahead, to the known ones. */
qns_status qns_search_know(void *state, const qns_search_entry *in, qns_err *err);
/* The score of a set: known, or run. judge: the target's number is wanted. */
qns_status qns_search_score_of(qns_search_score *out, qns_search_state *j, const bool *set,
                               bool judge, qns_err *err);
/* Fills order, and ranks and scores of the units (search_rank.c). */
qns_status qns_search_rank(qns_search_state *j, qns_err *err);

#endif
