/* SPDX-License-Identifier: MIT */
/* A reference and its test side, one pass (qk_pair in types.h says what is summed).
 *
 * The order of additions is part of the result: element i belongs to lane i % 8; each lane adds its
 * elements in their order, starting from 0; the lanes are joined as
 * ((0+1)+(2+3))+((4+5)+(6+7)). Every square is added with one rounding; those of floats are exact
 * in double anyway, e * e is not. There is no sum of products: r q = (r r + q q - e e) / 2, so that
 * of the joined sums is rq. It is exact where test equals reference or minus it, or one of them is
 * 0; else it is off by roundings of rr + qq, which is what its users divide by.
 *
 * When a number is NaN or infinite, rr or qq is not finite either, and nothing else means anything.
 * Zeros come out of the ranges as +0.
 *
 * Codes (qk_coded) give the bits of the floats they stand for. Those grow with the code, so the
 * range of the test side is that of its codes. */
#ifndef QK_PAIRS_H
#define QK_PAIRS_H

#include "kernels/types.h"

enum {
    QK_PAIR_LANES = 8,
    QK_PAIR_AHEAD = 2048 /* elements: so far ahead, callers walk on, numbers are fetched */
};

static inline double qk_join_lanes(const double *v)
{
    return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7]));
}

/* rq of the other sums. */
static inline double qk_pair_rq(double rr, double qq, double ee)
{
    return 0.5 * ((rr + qq) - ee);
}

/* What a code stands for; differences beyond int32 are excluded by qk_coded. */
static inline float qk_coded_value(const qk_coded *t, int32_t code)
{
    return t->scale * (float)(code - t->zero);
}

static inline int32_t qk_coded_at(const qk_coded *t, size_t i)
{
    return t->is_signed ? ((const int8_t *)t->code)[i] : ((const uint8_t *)t->code)[i];
}

void qk_pair_f32__c(qk_pair *out, const float *ref, const float *test, size_t n);
void qk_pair_f32__avx2(qk_pair *out, const float *ref, const float *test, size_t n);
void qk_pair_f32__vnni(qk_pair *out, const float *ref, const float *test, size_t n);
void qk_pair_f32__neon(qk_pair *out, const float *ref, const float *test, size_t n);

void qk_pair_codes__c(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                      size_t n);
void qk_pair_codes__avx2(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n);
void qk_pair_codes__vnni(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n);
void qk_pair_codes__neon(qk_pair *out, const float *ref, const qk_coded *test, size_t n_test,
                         size_t n);

size_t qk_outside_f32__c(const float *x, size_t n, float lo, float hi);
size_t qk_outside_f32__avx2(const float *x, size_t n, float lo, float hi);
size_t qk_outside_f32__vnni(const float *x, size_t n, float lo, float hi);
size_t qk_outside_f32__neon(const float *x, size_t n, float lo, float hi);

#endif
