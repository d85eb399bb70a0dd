/* SPDX-License-Identifier: MIT */
/* Reference and test counted in the same bins.
 *
 * Codes lie on a grid; bins of another width would hold a changing number of codes each and draw a
 * comb that is not in the data. So on a grid a bin is a whole number of steps wide and codes lie in
 * its inside, never on a border. */
#ifndef QNS_HIST_H
#define QNS_HIST_H

#include "ns/compare/sums.h"

enum { QNS_HIST_BINS = 256 };

typedef struct qns_bins {
    uint32_t n;
    double lo, hi;
    uint64_t ref[QNS_HIST_BINS], test[QNS_HIST_BINS];
    /* Of the pairs whose reference lies in the bin, both finite: how many, sum of test - ref, sum
     * of its square. */
    uint64_t pairs[QNS_HIST_BINS];
    double error[QNS_HIST_BINS], error2[QNS_HIST_BINS];
} qns_bins;

/* Covers both ranges. n stays 0 when there is no range: no finite element. */
void qns_bins_init(qns_bins *b, const qns_sums *s, const qns_grid *grid);
/* NaN and infinities are left out. */
void qns_bins_add(qns_bins *b, const float *ref, const float *test, size_t n);

#endif
