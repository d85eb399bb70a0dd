/* SPDX-License-Identifier: MIT */
/* Which part of a histogram's range to quantize: bins are cut off from both ends as long as the
 * expected squared error falls (spec section 3.1, "range search"). */
#include "core/base/mem.h"
#include "core/quant/observer.h"

#include <string.h>

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

/* The original's float sum, which decides between neighbouring bins: 8 lanes, 4 rows of them at a
 * time, in sums of 16 of those, sums of 16 of these, and so on. */
enum { LANES = 8, ROWS = 4, LEVELS = 4, STEP = 16, GROUP = LANES * ROWS };

static void add_group(float sum[GROUP], const float *x)
{
    for (int i = 0; i < GROUP; i++)
        sum[i] += x[i];
}

static float lanes_sum(const float *x, int32_t n)
{
    float level[LEVELS][GROUP] = {{0}}, *sum = level[0], total = 0;
    const int32_t groups = n / GROUP, lanes_end = n / LANES * LANES;
    int32_t i = 0;
    while (i + STEP <= groups) {
        for (int j = 0; j < STEP; j++, i++)
            add_group(sum, x + (size_t)i * GROUP);
        for (int j = 1; j < LEVELS; j++) {
            add_group(level[j], level[j - 1]);
            memset(level[j - 1], 0, sizeof level[0]);
            if (i >> (4 * j) & (STEP - 1))
                break;
        }
    }
    for (; i < groups; i++)
        add_group(sum, x + (size_t)i * GROUP);
    for (int j = 1; j < LEVELS; j++)
        add_group(sum, level[j]);
    for (int32_t k = groups * GROUP; k < lanes_end; k++)
        sum[k % LANES] += x[k];
    for (int k = LANES; k < GROUP; k++)
        sum[k % LANES] += sum[k];
    for (int32_t k = lanes_end; k < n; k++)
        total += x[k];
    for (int k = 0; k < LANES; k++)
        total += sum[k];
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
    const double total = (double)lanes_sum(h->count, h->bins);
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
