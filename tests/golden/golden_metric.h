/* SPDX-License-Identifier: MIT */
/* The metrics of PyTorch's numeric suite, from the library's sums. */
#ifndef QNS_GOLDEN_METRIC_H
#define QNS_GOLDEN_METRIC_H

#include "golden_case.h"
#include "ns/compare/metric.h"

typedef struct gd_metrics {
    double sqnr, l2, cosine;
} gd_metrics;

gd_metrics gd_metrics_of(const float *x, const float *y, size_t n);
/* x: reference, y: test. */
void gd_check_metrics(gd *c, const char *what, const gd_metrics *want, const float *x,
                      const float *y, size_t n, double relative);

#endif
