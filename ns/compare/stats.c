/* SPDX-License-Identifier: MIT */
#include "ns/compare/stats.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 2048 };

void qns_stats_init(qns_stats *s)
{
    *s = (qns_stats){.min = INFINITY, .max = -INFINITY, .n_bins = QNS_STATS_BINS};
}

/* Two bins become one. The first of them must be an even one of the new width. */
static void widen(qns_stats *s)
{
    const double lo = floor(s->lo / (2 * s->width)) * 2 * s->width;
    const size_t shift = lo < s->lo; /* the first bin is the second half of its new one */
    int64_t old[QNS_STATS_BINS];
    memcpy(old, s->bin, sizeof old);
    memset(s->bin, 0, sizeof s->bin);
    for (size_t i = 0; i < QNS_STATS_BINS; i++)
        s->bin[(i + shift) / 2] += old[i];
    s->lo = lo;
    s->width *= 2;
}

/* Bins that hold lo..hi for the first time. Finer than 2^-22 of a number no float can tell. */
static void start(qns_stats *s, double lo, double hi)
{
    const double span = fmax((hi - lo) / (QNS_STATS_BINS - 2), fmax(fabs(lo), fabs(hi)) * 0x1p-22);
    s->width = exp2(ceil(log2(fmax(span, 0x1p-120))));
    s->lo = floor(lo / s->width) * s->width;
}

/* The last bin that is in use. */
static size_t last_bin(const qns_stats *s)
{
    size_t last = QNS_STATS_BINS;
    while (last > 1 && s->bin[last - 1] == 0)
        last--;
    return last - 1;
}

/* Bins reach from lo to hi: moved where there is room, else twice as wide. */
static void reach(qns_stats *s, double lo, double hi)
{
    if (s->width == 0)
        start(s, lo, hi);
    const double bins = QNS_STATS_BINS;
    for (;;) {
        const double from = fmin(s->lo, floor(lo / s->width) * s->width);
        const double used = s->lo + (double)(last_bin(s) + 1) * s->width;
        const double to = fmax(used, (floor(hi / s->width) + 1) * s->width);
        if (to - from > bins * s->width) {
            widen(s);
            continue;
        }
        const size_t by = (size_t)((s->lo - from) / s->width);
        memmove(s->bin + by, s->bin, (QNS_STATS_BINS - by) * sizeof *s->bin);
        memset(s->bin, 0, by * sizeof *s->bin);
        s->lo = from;
        return;
    }
}

static void count(qns_stats *s, const qk_table *k, const float *x, size_t n)
{
    enum { TALLIES = 4 }; /* neighbours are often equal: counted apart, or each would wait */
    int32_t at[BLOCK];
    uint32_t bin[TALLIES][QNS_STATS_BINS + 1] = {{0}};
    const float lo = (float)s->lo, hi = (float)(s->lo + QNS_STATS_BINS * s->width);
    k->bin_f32(at, x, n, lo, hi, QNS_STATS_BINS);
    for (size_t i = 0; i < n; i++)
        bin[i % TALLIES][at[i]]++;
    for (size_t t = 0; t < TALLIES; t++) {
        for (size_t i = 0; i < QNS_STATS_BINS; i++)
            s->bin[i] += bin[t][i];
        /* Bins that end beyond the largest float. */
        s->bin[QNS_STATS_BINS - 1] += bin[t][QNS_STATS_BINS];
    }
}

static void add_finite(qns_stats *s, const qk_table *k, const qk_pair *p, const float *x, size_t n)
{
    const double all = (double)s->n + (double)n, mean = p->e / (double)n;
    const double m2 = fmax(0, p->qq - p->e * mean), off = mean - s->mean;
    reach(s, fmin(s->min, (double)p->test_min), fmax(s->max, (double)p->test_max));
    count(s, k, x, n);
    s->m2 += m2 + off * off * (double)s->n * (double)n / all;
    s->mean += off * (double)n / all;
    s->n += n;
    s->min = fmin(s->min, (double)p->test_min);
    s->max = fmax(s->max, (double)p->test_max);
}

static void add_block(qns_stats *s, const qk_table *k, const float *x, size_t n)
{
    static const float zeros[BLOCK];
    float kept[BLOCK];
    qk_pair p;
    k->pair_f32(&p, zeros, x, n);
    if (isfinite(p.qq)) {
        add_finite(s, k, &p, x, n);
        return;
    }
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        s->nan += isnan(x[i]) != 0;
        s->inf += isinf(x[i]) != 0;
        if (isfinite(x[i]))
            kept[m++] = x[i];
    }
    if (m == 0)
        return;
    k->pair_f32(&p, zeros, kept, m);
    add_finite(s, k, &p, kept, m);
}

void qns_stats_add(qns_stats *s, const qk_table *k, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += BLOCK)
        add_block(s, k, x + i, n - i < BLOCK ? n - i : BLOCK);
}

double qns_stats_std(const qns_stats *s)
{
    return s->n ? sqrt(s->m2 / (double)s->n) : NAN;
}

double qns_stats_quantile(const qns_stats *s, double p)
{
    double below = 0;
    const double want = p * (double)s->n;
    if (s->n == 0)
        return NAN;
    for (uint32_t i = 0; i < s->n_bins; i++) {
        const double here = (double)s->bin[i];
        if (here > 0 && below + here >= want) {
            const double at = s->lo + s->width * (i + fmax(0, want - below) / here);
            return fmin(fmax(at, s->min), s->max);
        }
        below += here;
    }
    return s->max;
}

void qns_stats_trim(qns_stats *s)
{
    uint32_t first = 0, end = s->n_bins;
    while (end > 1 && s->bin[end - 1] == 0)
        end--;
    while (first + 1 < end && s->bin[first] == 0)
        first++;
    memmove(s->bin, s->bin + first, (end - first) * sizeof *s->bin);
    s->n_bins = end - first;
    s->lo += first * s->width;
}
