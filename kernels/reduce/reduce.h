/* SPDX-License-Identifier: MIT */
/* Many floats to few. minmax_f32: if any is NaN both results are the one quiet NaN of <math.h>; a
 * zero comes out as +0 whichever zeros went in, so that the order of reading cannot show.
 *
 * bin_f32: the bin of each number among bins equal ones over lo..hi (spec section 3.1, histc): the
 * integer part of ((x - lo) * bins) / (hi - lo), in float and in this order; hi belongs to the last
 * bin; what lies outside, NaN included, gets the number bins. */
#ifndef QK_REDUCE_H
#define QK_REDUCE_H

#include <stddef.h>
#include <stdint.h>

void qk_minmax_f32__c(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__avx2(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__vnni(float *lo, float *hi, const float *x, size_t n);
void qk_minmax_f32__neon(float *lo, float *hi, const float *x, size_t n);

void qk_bin_f32__c(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins);
void qk_bin_f32__avx2(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins);
void qk_bin_f32__vnni(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins);
void qk_bin_f32__neon(int32_t *at, const float *x, size_t n, float lo, float hi, int32_t bins);

#endif
