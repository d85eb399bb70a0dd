/* SPDX-License-Identifier: MIT */
/* Many floats to few. minmax_f32: if any is NaN both results are the one quiet NaN of <math.h>; a
 * zero comes out as +0 whichever zeros went in, so that the order of reading cannot show. */
#ifndef QK_REDUCE_H
#define QK_REDUCE_H

#include <stddef.h>

void qk_minmax_f32__c(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__avx2(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__vnni(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__neon(float *lo, float *hi, const float *x, size_t n);

#endif
