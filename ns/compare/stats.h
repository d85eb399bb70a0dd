/* SPDX-License-Identifier: MIT */
/* What a value looks like over all samples, in constant memory: counts, range, mean, deviation and
 * a histogram.
 *
 * Bins are a power of two wide and begin at a multiple of their width. A range that grows beyond
 * them doubles the width and joins neighbours, so no count is ever split. */
#ifndef QNS_STATS_H
#define QNS_STATS_H

#include "core/base/status.h"
#include "kernels/kernels.h"

enum { QNS_STATS_BINS = 512 };

typedef struct qns_stats {
    uint64_t n, nan, inf; /* finite numbers, which all below is about; the others */
    double min, max;      /* +inf, -inf while n is 0 */
    double mean, m2;      /* m2: sum of the squares of what is off the mean */
    double lo, width;     /* of the first bin; width 0: none yet */
    uint32_t n_bins;      /* QNS_STATS_BINS, or as many as a file has */
    int64_t bin[QNS_STATS_BINS];
} qns_stats;

void qns_stats_init(qns_stats *s);
/* x in any order: blocks of it are joined in theirs. */
void qns_stats_add(qns_stats *s, const qk_table *k, const float *x, size_t n);
double qns_stats_std(const qns_stats *s); /* NaN when n is 0 */
/* Where the part p of all numbers lies below, linear within a bin, within min..max. NaN when n is
 * 0. */
double qns_stats_quantile(const qns_stats *s, double p);
/* Cuts empty bins off both ends. */
void qns_stats_trim(qns_stats *s);

#endif
