/* SPDX-License-Identifier: MIT */
/* Counts on a grid around zero that is as fine as it can be and only ever becomes coarser by
 * joining two neighbouring bins. No count is ever spread over bins that its numbers did not fall
 * into, so data with few distinct values (codes of an earlier quantization) keep their gaps. Zeros
 * are counted apart: every range has a code for zero. */
#ifndef QNS_TALLY_H
#define QNS_TALLY_H

#include "core/graph/qparams.h"

typedef struct qns_tally {
    qns_range seen; /* {+inf, -inf}: nothing */
    double width;   /* of a bin; 0 as long as only zeros were seen */
    double zeros, total;
    double *count; /* 2 * half: bin i holds [(i - half) * width, (i - half + 1) * width) */
    int32_t half;
} qns_tally;

/* At least `bins` bins between zero and the number that is farthest from it. */
qns_status qns_tally_init(qns_tally *t, int32_t bins, qns_err *err);
void qns_tally_fini(qns_tally *t);
/* seen: smallest and largest of x, n > 0. Fails with DATA when one is infinite. */
qns_status qns_tally_add(qns_tally *t, const float *x, size_t n, qns_range seen, qns_err *err);

/* The bins that can hold something: *first to *last, none when *last < *first. */
void qns_tally_span(int32_t *first, int32_t *last, const qns_tally *t);

static inline double qns_tally_middle(const qns_tally *t, int32_t bin)
{
    return t->width * (bin - t->half + 0.5);
}

#endif
