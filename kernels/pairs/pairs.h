/* SPDX-License-Identifier: MIT */
/* A reference and its test side, one pass (qk_pair in types.h says what is summed).
 *
 * The order of additions is part of the result: element i belongs to lane i % 8; each lane adds its
 * elements in their order, starting from 0; the lanes are joined as
 * ((0+1)+(2+3))+((4+5)+(6+7)). The square of a float is exact in double, so a fused multiply-add
 * may stand for rr, qq and rq; e * e is rounded before it is added.
 *
 * When a number is NaN or infinite, rr or qq is not finite either, and nothing else means anything.
 * Zeros come out of the ranges as +0. */
#ifndef QK_PAIRS_H
#define QK_PAIRS_H

#include "kernels/types.h"

enum {
    QK_PAIR_LANES = 8,
    QK_PAIR_AHEAD =
        2048 /* callers walk on in blocks of so many: the next one is fetched meanwhile */
};

static inline double qk_join_lanes(const double *v)
{
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

void qk_pair_f32__c(qk_pair *out, const float *ref, const float *test, size_t n);
void qk_pair_f32__avx2(qk_pair *out, const float *ref, const float *test, size_t n);
void qk_pair_f32__vnni(qk_pair *out, const float *ref, const float *test, size_t n);

size_t qk_outside_f32__c(const float *x, size_t n, float lo, float hi);
size_t qk_outside_f32__avx2(const float *x, size_t n, float lo, float hi);
size_t qk_outside_f32__vnni(const float *x, size_t n, float lo, float hi);

#endif
