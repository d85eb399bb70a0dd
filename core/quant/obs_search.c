/* SPDX-License-Identifier: MIT */
/* Which part of a histogram's range to quantize: bins are cut off from both ends as long as the
 * expected squared error falls (spec section 3.1, "range search"). */
#include "core/base/mem.h"
#include "core/quant/observer.h"

enum { CODES = 256 }; /* reduced ranges search with 256, too: a quirk of the original */

static float limit(float v)
{
    v = v > 0 ? v : 0;
    v = v < CODES - 1 ? v : CODES - 1;
    return (float)(int32_t)v; /* floor, v >= 0 */
}

/* Integral of density * x^2 over [p, q]. */
static float moment(float density, float p, float q)
{
    return density * ((q * q * q - p * p * p) / 3.0F);
}

/* The error when codes are spread over the bins first..last; the other bins go to the nearest code.
 */
static double error_of(const qns_histogram *h, double bin_width, int32_t first, int32_t last)
{
    const double step = bin_width * (double)(last - first + 1) / CODES;
    if (step == 0)
        return 0;
    const float bw = (float)bin_width, dw = (float)step, half = (float)(step / 2);
    double total = 0;
    for (int32_t i = 0; i < h->bins; i++) {
        const float lo = (float)(i - first) * bw, hi = lo + bw;
        const float c_lo = limit(lo / dw), c_hi = limit(hi / dw);
        const float density = h->count[i] / bw;
        float e = moment(density, lo - (c_lo + 0.5F) * dw, half);
        e += (c_hi - c_lo - 1.0F) * moment(density, -half, half);
        e += moment(density, -half, hi - (c_hi * dw + half));
        total += (double)e;
    }
    return total;
}

qns_status qns_histogram_search(qns_range *out, const qns_histogram *h, qns_err *err)
{
    const float width = (h->range.hi - h->range.lo) / (float)h->bins;
    const double bin_width = ((double)h->range.hi - (double)h->range.lo) / h->bins;
    if (isinf(bin_width) || isinf(width)) { /* wider than a float can tell: nothing to search */
        *out = h->range;
        return QNS_OK;
    }
    float *up_to; /* counts up to and including the bin */
    QNS_TRY(qns_new((void **)&up_to, (size_t)h->bins, sizeof *up_to, err));
    double sum = 0;
    for (int32_t i = 0; i < h->bins; i++)
        up_to[i] = (float)(sum += (double)h->count[i]);
    const double total = (double)(float)sum;
    const double step = 1e-5;
    double alpha = 0, beta = 1, best = INFINITY;
    int32_t first = 0, last = h->bins - 1;
    while (alpha < beta) {
        const double next_alpha = alpha + step, next_beta = beta - step;
        int32_t l = first, r = last;
        while (l < last && up_to[l] < (float)(next_alpha * total))
            l++;
        while (r > first && up_to[r] > (float)(next_beta * total))
            r--;
        int32_t new_first = first, new_last = last;
        if (l - first > last - r) {
            new_first = l;
            alpha = next_alpha;
        } else {
            new_last = r;
            beta = next_beta;
        }
        if (new_first == first && new_last == last)
            continue;
        const double e = error_of(h, bin_width, new_first, new_last);
        if (e > best)
            break;
        best = e;
        first = new_first;
        last = new_last;
    }
    qns_free(up_to);
    *out = (qns_range){h->range.lo + width * (float)first, h->range.lo + width * (float)(last + 1)};
    return QNS_OK;
}
