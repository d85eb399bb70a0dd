/* SPDX-License-Identifier: MIT */
#include "ns/interval.h"

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "ns/accuracy.h"

#include <math.h>
#include <stdlib.h>

enum { DRAWS = 2000 };

/* Correlation of the two answers; its numerator is drawn towards 0 by half a sample's worth. */
static double correlation(double a, double b, double c, double d)
{
    const double margins = (a + b) * (c + d) * (a + c) * (b + d), det = a * d - b * c;
    const double n = a + b + c + d;
    if (margins == 0)
        return 0;
    return (det > 0 ? fmax(det - n / 2, 0) : det) / sqrt(margins);
}

qns_interval qns_interval_paired(int64_t both, int64_t first, int64_t second, int64_t neither)
{
    const int64_t n = both + first + second + neither;
    qns_interval i = {NAN, -1, 1, "Newcombe's paired score interval"};
    double l1, u1, l2, u2;
    if (n == 0)
        return i;
    const double p1 = (double)(both + first) / (double)n, p2 = (double)(both + second) / (double)n;
    const double phi = correlation((double)both, (double)first, (double)second, (double)neither);
    qns_wilson(&l1, &u1, both + first, n);
    qns_wilson(&l2, &u2, both + second, n);
    const double low1 = p1 - l1, low2 = p2 - l2, up1 = u1 - p1, up2 = u2 - p2;
    /* Below 0 by rounding only. */
    const double down = fmax(low1 * low1 - 2 * phi * low1 * up2 + up2 * up2, 0);
    const double up = fmax(low2 * low2 - 2 * phi * low2 * up1 + up1 * up1, 0);
    i.value = (double)(first - second) / (double)n;
    i.lo = i.value - sqrt(down);
    i.hi = i.value + sqrt(up);
    return i;
}

static double decibels(double signal, double noise)
{
    return noise == 0 ? INFINITY : 10 * log10(signal / noise);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

qns_status qns_interval_sqnr(qns_interval *out, const double *energy, size_t n, uint64_t seed,
                             qns_err *err)
{
    double *draw, signal = 0, noise = 0;
    qns_rng r;
    *out = (qns_interval){NAN, -INFINITY, INFINITY, "bootstrap over samples"};
    if (n == 0)
        return QNS_OK;
    QNS_TRY(qns_new((void **)&draw, DRAWS, sizeof *draw, err));
    qns_rng_seed(&r, seed);
    for (size_t i = 0; i < n; i++) {
        signal += energy[2 * i];
        noise += energy[2 * i + 1];
    }
    for (size_t k = 0; k < DRAWS; k++) {
        double s = 0, e = 0;
        for (size_t i = 0; i < n; i++) {
            const uint64_t at = 2 * qns_rng_below(&r, n);
            s += energy[at];
            e += energy[at + 1];
        }
        draw[k] = decibels(s, e);
    }
    qsort(draw, DRAWS, sizeof *draw, ascending);
    out->value = decibels(signal, noise);
    out->lo = draw[DRAWS * 25 / 1000];
    out->hi = draw[DRAWS - 1 - DRAWS * 25 / 1000];
    qns_free(draw);
    return QNS_OK;
}
