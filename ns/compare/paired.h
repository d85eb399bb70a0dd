/* SPDX-License-Identifier: MIT */
/* Statistics of paired differences: is there a shift, how large is it, and which of many such
 * findings may be believed?
 *
 * Shift: Wilcoxon's signed-rank test. It asks for no distribution but symmetry about the shift, and
 * one wild sample moves it little. Zeros keep their ranks and count for neither side (Pratt 1959);
 * ties get mid-ranks. Up to QNS_PAIRED_EXACT pairs the p value is exact, given the ties: all sign
 * patterns are counted. Beyond, the normal distribution with the variance of the ranks as they are
 * and a continuity correction.
 * Size: the Hodges-Lehmann estimate (the median of all means of two differences), with the interval
 * that belongs to the same test.
 * Many layers: Benjamini and Hochberg 1995, or Benjamini and Yekutieli 2001 for any dependence. */
#ifndef QNS_PAIRED_H
#define QNS_PAIRED_H

#include "core/base/status.h"

enum { QNS_PAIRED_EXACT = 50 };

typedef struct qns_paired {
    size_t n, n_zero; /* pairs with a number; of them equal */
    double shift;     /* NaN without pairs; infinite when most differences are */
    double lo, hi;    /* 95 % interval of the shift; infinite below 6 pairs */
    double p;         /* two-sided; NaN without pairs, 1 when all are equal */
    bool exact;
} qns_paired;

/* d is sorted; NaN is left out, infinities are the largest of all. */
void qns_paired_test(qns_paired *out, double *d, size_t n);

/* McNemar's test, exact: of the samples that changed, `lost` went one way and `gained` the other.
 * Two-sided; 1 when there is none. */
double qns_mcnemar(uint64_t lost, uint64_t gained);

typedef enum qns_fdr_method { QNS_FDR_BH, QNS_FDR_BY } qns_fdr_method;

/* q[i]: the lowest false discovery rate at which test i is a discovery. A p of NaN is no test and
 * gets NaN. q may not be p. */
qns_status qns_fdr(double *q, const double *p, size_t n, qns_fdr_method method, qns_err *err);

#endif
