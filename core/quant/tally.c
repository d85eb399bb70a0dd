/* SPDX-License-Identifier: MIT */
#include "core/quant/tally.h"

#include "core/base/mem.h"

#include <math.h>

qns_status qns_tally_init(qns_tally *t, int32_t bins, qns_err *err)
{
    /* The grid reaches to a power of two, up to twice as far as the data. */
    *t = (qns_tally){.seen = {INFINITY, -INFINITY}, .half = 2 * bins};
    return qns_new((void **)&t->count, 2 * (size_t)t->half, sizeof *t->count, err);
}

void qns_tally_fini(qns_tally *t)
{
    qns_free(t->count);
    t->count = NULL;
}

/* Two bins become one, on either side of zero. */
static void coarsen(qns_tally *t)
{
    const int32_t h = t->half;
    for (int32_t i = 0; i < h; i++) {
        const double up = 2 * i + 1 < h ? t->count[h + 2 * i] + t->count[h + 2 * i + 1] : 0;
        const double down = 2 * i + 1 < h ? t->count[h - 1 - 2 * i] + t->count[h - 2 - 2 * i] : 0;
        t->count[h + i] = up;
        t->count[h - 1 - i] = down;
    }
    t->width *= 2;
}

static void reach(qns_tally *t, double farthest)
{
    int exponent;
    frexp(farthest, &exponent);
    const double width = ldexp(1, exponent) / t->half;
    if (t->width == 0)
        t->width = width;
    while (t->width < width)
        coarsen(t);
}

qns_status qns_tally_add(qns_tally *t, const float *x, size_t n, qns_range seen, qns_err *err)
{
    if (!isfinite(seen.lo) || !isfinite(seen.hi))
        QNS_FAIL(err, DATA, "a number is infinite");
    t->seen.lo = fminf(t->seen.lo, seen.lo);
    t->seen.hi = fmaxf(t->seen.hi, seen.hi);
    t->total += (double)n;
    const double farthest = fmax(-(double)seen.lo, (double)seen.hi);
    if (farthest > 0)
        reach(t, farthest);
    const double per = t->width > 0 ? 1 / t->width : 0;
    double zeros = 0;
    for (size_t i = 0; i < n; i++) {
        if (x[i] == 0)
            zeros++;
        else
            t->count[(int32_t)floor((double)x[i] * per) + t->half]++;
    }
    t->zeros += zeros;
    return QNS_OK;
}

void qns_tally_span(int32_t *first, int32_t *last, const qns_tally *t)
{
    *first = 0;
    *last = -1;
    if (t->width == 0)
        return;
    *first = (int32_t)floor((double)t->seen.lo / t->width) + t->half;
    *last = (int32_t)floor((double)t->seen.hi / t->width) + t->half;
}
