/* SPDX-License-Identifier: MIT */
#include "ns/compare/hist.h"

#include <math.h>

void qns_bins_init(qns_bins *b, const qns_sums *s, const qns_grid *grid)
{
    *b = (qns_bins){0};
    if (s->n == 0)
        return;
    double lo = fmin(s->ref_min, s->test_min), hi = fmax(s->ref_max, s->test_max);
    const double step = grid ? grid->step : 0;
    if (step > 0 && (hi - lo) / step < 1e9) {
        /* Borders half a step beside the codes; one bin more than needed at either end. */
        const double first = floor((lo - grid->lo) / step + 0.5) - 0.5;
        const double codes = floor((hi - grid->lo) / step + 0.5) + 0.5 - first;
        const double width = fmax(1, ceil(codes / QNS_HIST_BINS));
        b->n = (uint32_t)ceil(codes / width);
        b->lo = grid->lo + first * step;
        b->hi = b->lo + b->n * width * step;
    } else {
        if (lo == hi) { /* a constant: one bin in the middle */
            const double half = lo != 0 ? fabs(lo) / 2 : 0.5;
            lo -= half;
            hi += half;
        }
        b->n = 128;
        b->lo = lo;
        b->hi = hi;
    }
}

static void count(uint64_t *bin, const qns_bins *b, const float *x, size_t n)
{
    const double scale = b->n / (b->hi - b->lo);
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            continue;
        const double at = ((double)x[i] - b->lo) * scale;
        bin[at <= 0 ? 0 : at >= b->n ? b->n - 1 : (uint32_t)at]++;
    }
}

void qns_bins_add(qns_bins *b, const float *ref, const float *test, size_t n)
{
    if (b->n == 0)
        return;
    count(b->ref, b, ref, n);
    count(b->test, b, test, n);
}
