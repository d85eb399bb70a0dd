/* SPDX-License-Identifier: MIT */
/* The order of layers in a result: by class, then by decibels, then as they are executed. */
#ifndef QNS_RANK_H
#define QNS_RANK_H

#include <stdint.h>

typedef struct qns_rank_key {
    int class;
    double db; /* not NaN */
    uint32_t layer;
} qns_rank_key;

/* For qsort(). */
static inline int qns_by_rank(const void *x, const void *y)
{
    const qns_rank_key *a = x, *b = y;
    if (a->class != b->class)
        return a->class - b->class;
    if (a->db != b->db)
        return a->db < b->db ? -1 : 1;
    return (a->layer > b->layer) - (a->layer < b->layer);
}

#endif
