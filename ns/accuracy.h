/* SPDX-License-Identifier: MIT */
/* Task accuracy of a classifier: top-1 and top-5 with a 95 % interval. */
#ifndef QNS_ACCURACY_H
#define QNS_ACCURACY_H

#include "core/graph/shape.h"

typedef struct qns_accuracy {
    int64_t n, top1, top5;
    int64_t ties; /* samples whose highest score is shared */
} qns_accuracy;

/* One axis that is not 1, and not too long: a score for each class. */
bool qns_is_class_scores(const qns_shape *s);

/* score: n_classes numbers of one sample. Ties: the first class wins, as arg-max does in numpy. A
 * label outside the classes counts as wrong. */
void qns_accuracy_add(qns_accuracy *a, const float *score, size_t n_classes, int64_t label);
size_t qns_argmax(const float *score, size_t n);

/* Wilson's score interval of hits out of n, for 95 % (Wilson 1927); [0, 1] when n is 0. */
void qns_wilson(double *lo, double *hi, int64_t hits, int64_t n);

#endif
