/* SPDX-License-Identifier: MIT */
/* 95 % intervals of paired numbers: float and mixed model saw the same samples. */
#ifndef QNS_INTERVAL_H
#define QNS_INTERVAL_H

#include "core/base/status.h"

typedef struct qns_interval {
    double value, lo, hi;
    const char *method; /* a string literal; NULL: there is no interval */
} qns_interval;

/* Difference of two paired proportions, (first - second) / n: samples that both get right, only the
 * first, only the second, neither. Newcombe's hybrid score interval (Statistics in Medicine 17,
 * 1998, 2635-2650, method 10). */
qns_interval qns_interval_paired(int64_t both, int64_t first, int64_t second, int64_t neither);

/* Pooled SQNR, 10 log10 of the sum of the signals over the sum of the noises, by the percentile
 * bootstrap over n samples: energy holds n pairs {signal, noise}. The same seed gives the same
 * interval. An end without noise is +inf. */
qns_status qns_interval_sqnr(qns_interval *out, const double *energy, size_t n, uint64_t seed,
                             qns_err *err);

#endif
