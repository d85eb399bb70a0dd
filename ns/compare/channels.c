/* SPDX-License-Identifier: MIT */
#include "ns/compare/channels.h"

#include <stdlib.h>

/* Runs of one element (channels last) are gathered first, so that a sum is not paid per element. */
static void add_strided(qns_sums *s, const qk_table *k, const float *ref, const float *test,
                        size_t outer, size_t channels, const qns_grid *grid)
{
    float r[QNS_SUMS_BLOCK], q[QNS_SUMS_BLOCK];
    for (size_t first = 0; first < outer; first += QNS_SUMS_BLOCK) {
        const size_t n = outer - first < QNS_SUMS_BLOCK ? outer - first : QNS_SUMS_BLOCK;
        for (size_t i = 0; i < n; i++) {
            r[i] = ref[(first + i) * channels];
            q[i] = test[(first + i) * channels];
        }
        qns_sums_add(s, k, r, q, n, grid);
    }
}

void qns_channel_sums_add(qns_sums *s, const qk_table *k, const float *ref, const float *test,
                          size_t outer, size_t channels, size_t inner, const qns_grid *grid,
                          size_t grid_step)
{
    for (size_t c = 0; c < channels; c++) {
        const qns_grid *g = grid ? &grid[c * grid_step] : NULL;
        if (inner == 1) {
            add_strided(&s[c], k, ref + c, test + c, outer, channels, g);
            continue;
        }
        for (size_t o = 0; o < outer; o++) {
            const size_t at = (o * channels + c) * inner;
            qns_sums_add(&s[c], k, ref + at, test + at, inner, g);
        }
    }
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

double qns_median(double *x, size_t n)
{
    qsort(x, n, sizeof *x, by_value);
    return x[(n - 1) / 2];
}
