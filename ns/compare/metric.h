/* SPDX-License-Identifier: MIT */
/* Sums become numbers. With r the reference, q the test side, e = q - r, all sums over all finite
 * pairs of all samples:
 *
 *   SQNR         10 log10(sum r^2 / sum e^2)      pooled, so it does not depend on the batch size
 *   RMSE         sqrt(sum e^2 / n)                also in steps of the test side
 *   cosine       sum r q / sqrt(sum r^2 sum q^2)  blind to gain; never a verdict alone
 *   bias         sum e / n                        also over sigma, the standard deviation of e
 *
 * Special cases: equal tensors are EXACT with SQNR +inf; a zero reference is ZERO_REF with -inf and
 * judged by its largest error in steps; a quotient 0 / 0 is UNDEFINED and NaN. */
#ifndef QNS_METRIC_H
#define QNS_METRIC_H

#include "ns/compare/diff.h"
#include "ns/compare/sums.h"

/* The table says of every number what is good, for sorting, gating and drawing. */
typedef struct qns_metric {
    const char *name, *unit; /* "sqnr_db", "dB": names as in the result file */
    int better;              /* +1: higher is better, -1: lower, 0: nearer to ideal */
    double ideal;            /* for identical tensors */
    double (*get)(const qns_diff *d);
} qns_metric;

const qns_metric *qns_metrics(size_t *n);
const qns_metric *qns_metric_find(const char *name); /* NULL when there is none */

/* No numbers at all: present is false, the rest is NaN. */
void qns_diff_init(qns_diff *out);
/* Everything of *out but the numbers over samples, which become NaN and -1. */
void qns_diff_from_sums(qns_diff *out, const qns_sums *s);
/* SQNR of one sample; *flags gets QNS_M_ flags. +inf exact, -inf zero reference, NaN no elements.
 */
double qns_sqnr_db(unsigned *flags, const qns_sums *s);

/* Sets minimum, 5th percentile and median (nearest rank from below: always the value of a sample),
 * and the worst sample: the first with the lowest SQNR, NaN counting as lowest. db is sorted;
 * ids[i] belongs to db[i] as it came. */
void qns_diff_samples(qns_diff *out, double *db, const int64_t *ids, size_t n);

#endif
