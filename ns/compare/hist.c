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

static uint32_t bin_of(const qns_bins *b, double scale, float x)
{
    const double at = ((double)x - b->lo) * scale;
    return at <= 0 ? 0 : at >= b->n ? b->n - 1 : (uint32_t)at;
}

void qns_bins_add(qns_bins *b, const float *ref, const float *test, size_t n)
{
    if (b->n == 0)
        return;
    const double scale = b->n / (b->hi - b->lo);
    for (size_t i = 0; i < n; i++) {
        const bool has_ref = isfinite(ref[i]), has_test = isfinite(test[i]);
        if (has_test)
            b->test[bin_of(b, scale, test[i])]++;
        if (!has_ref)
            continue;
        const uint32_t k = bin_of(b, scale, ref[i]);
        b->ref[k]++;
        if (has_test) {
            const double e = (double)test[i] - (double)ref[i];
            b->pairs[k]++;
            b->error[k] += e;
            b->error2[k] += e * e;
        }
    }
}
