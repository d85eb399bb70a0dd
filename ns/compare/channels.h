/* SPDX-License-Identifier: MIT */
/* The same sums, one for each channel: outer x channels x inner elements in row-major order. */
#ifndef QNS_CHANNELS_H
#define QNS_CHANNELS_H

#include "ns/compare/sums.h"

/* s[c] gets the elements of channel c, from outer runs of inner elements; grid[c * grid_step]:
 * grid_step 0 is one grid for all channels. grid NULL: float. */
void qns_channel_sums_add(qns_sums *s, const qk_table *k, const float *ref, const float *test,
                          size_t outer, size_t channels, size_t inner, const qns_grid *grid,
                          size_t grid_step);

/* The median of n numbers, which are sorted on return; the lower one of two. n > 0. */
double qns_median(double *x, size_t n);

#endif
