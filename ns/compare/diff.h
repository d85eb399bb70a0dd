/* SPDX-License-Identifier: MIT */
/* How one tensor differs from its reference: the numbers, and the flags that stand where a number
 * would need an epsilon. The reference is always the float side. */
#ifndef QNS_DIFF_H
#define QNS_DIFF_H

#include "core/base/status.h"

/* Special cases of a metric or a pair of tensors. */
enum {
    QNS_M_EXACT = 1,          /* test equals reference in every element: SQNR is +inf */
    QNS_M_ZERO_REF = 2,       /* the reference is all zero */
    QNS_M_NONFINITE_REF = 4,  /* NaN or infinity in the reference: left out of the sums, counted */
    QNS_M_NONFINITE_TEST = 8, /* the same in the test side: fails whatever the decibels say */
    QNS_M_EMPTY = 16,
    QNS_M_UNDEFINED = 32,
    QNS_M_SATURATED = 64, /* more than 0.1 % of the elements lie outside what the codes reach */
    QNS_M_CONSTANT = 128  /* the reference is constant */
};

typedef struct qns_diff {
    bool present;
    double sqnr_db; /* 10 log10(sum r^2 / sum (r - q)^2); +inf exact */
    double rmse;    /* in real units */
    double
        rmse_steps; /* in quantization steps of the test side; ideal rounding: 1/sqrt(12) = 0.289 */
    double max_abs, max_abs_steps;
    double cosine;
    double gain;       /* slope of q over r: sum r q / sum r^2; NaN for a zero reference */
    double bias;       /* mean of q - r */
    double bias_sigma; /* bias over the standard deviation of the error */
    double clipped;    /* share of elements whose reference lies outside the reach of the codes */
    double ref_min, ref_max, ref_rms, test_min, test_max;
    uint64_t n, nonfinite_ref, nonfinite_test;
    double sqnr_db_min, sqnr_db_p5, sqnr_db_median; /* over samples (activations) */
    int64_t worst_sample;                           /* id of the sample with the lowest SQNR; -1 */
    unsigned flags;
} qns_diff;

#endif
