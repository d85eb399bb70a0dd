/* SPDX-License-Identifier: MIT */
/* A histogram whose range grows with the data, and the part of that range which quantizes best
 * (PyTorch's HistogramObserver). How old counts are spread over a grown range differs between
 * PyTorch versions; both rules are spec section 3.1, step by step, in float where the original is
 * float.
 *
 * The state is a few KB whatever the number of samples. */
#include "core/base/mem.h"
#include "core/quant/observer.h"
#include "kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

enum {
    SPREAD_A = 128, /* parts of one old bin when the range grows ("upsample rate") */
    SPREAD_C = 16
};

typedef struct histogram {
    qns_hist_version version;
    int32_t bins;
    qns_range range;
    float *count, *fresh; /* bins each: so far, and of the newest batch */
    uint32_t *tally;      /* bins, and one for what lies outside: integers are exact and fast */
    qk_table k;
    float *kept; /* finite numbers of a batch that has infinities, version C */
    size_t kept_cap;
} histogram;

static void histogram_free(void *state)
{
    histogram *h = state;
    if (!h)
        return;
    qns_free(h->count);
    qns_free(h->fresh);
    qns_free(h->tally);
    qns_free(h->kept);
    qns_free(h);
}

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    qns_status st = QNS_OK;
    histogram *h;
    QNS_TRY(qns_new((void **)&h, 1, sizeof *h, err));
    h->version = args->hist;
    h->bins = args->bins;
    h->range = (qns_range){INFINITY, -INFINITY};
    const size_t n = (size_t)args->bins;
    QNS_TRY_DONE(qns_new((void **)&h->count, n, sizeof *h->count, err));
    QNS_TRY_DONE(qns_new((void **)&h->fresh, n, sizeof *h->fresh, err));
    QNS_TRY_DONE(qns_new((void **)&h->tally, n + 1, sizeof *h->tally, err));
    qk_table_init(&h->k, ~0u);
    *state = h;
    h = NULL;
done:
    histogram_free(h);
    return st;
}

typedef struct binning {
    const qk_table *k;
    float lo, hi;
    int32_t bins;
} binning;

enum {
    TALLIES = 4,      /* neighbours are often equal: they are counted apart, or each would wait */
    MOST_BINS = 4096, /* with tallies on the stack */
    BLOCK = 1024,
    WORTH = 1 << 16 /* elements that pay for a thread */
};

/* The numbers of one block. t: TALLIES of bins + 1, `stride` apart; stride 0: one. */
static void tally_block(uint32_t *t, size_t stride, const binning *b, const float *x, size_t n)
{
    int32_t at[BLOCK];
    size_t i = 0;
    b->k->bin_f32(at, x, n, b->lo, b->hi, b->bins);
    for (; i + TALLIES <= n; i += TALLIES) {
        t[at[i]]++;
        t[stride + (size_t)at[i + 1]]++;
        t[2 * stride + (size_t)at[i + 2]]++;
        t[3 * stride + (size_t)at[i + 3]]++;
    }
    for (; i < n; i++)
        t[at[i]]++;
}

static void tally_all(uint32_t *tally, const binning *b, const float *x, size_t n)
{
    const size_t bins = (size_t)b->bins;
    memset(tally, 0, (bins + 1) * sizeof *tally);
    if (bins > MOST_BINS) {
        for (size_t i = 0; i < n; i += BLOCK)
            tally_block(tally, 0, b, x + i, n - i < BLOCK ? n - i : BLOCK);
        return;
    }
#pragma omp parallel if (n >= WORTH)
    {
        uint32_t own[TALLIES * (MOST_BINS + 1)];
        memset(own, 0, TALLIES * (bins + 1) * sizeof *own);
#pragma omp for schedule(static) nowait
        for (size_t i = 0; i < n; i += BLOCK)
            tally_block(own, bins + 1, b, x + i, n - i < BLOCK ? n - i : BLOCK);
#pragma omp critical(qns_tally)
        for (size_t t = 0; t < TALLIES; t++)
            for (size_t i = 0; i < bins; i++)
                tally[i] += own[t * (bins + 1) + i];
    }
}

/* Counts of x in equal bins over [lo, hi]; what is outside is left out. An empty interval means the
 * range of the data. */
static void count_into(float *out, histogram *h, const float *x, size_t n, qns_range seen, float lo,
                       float hi)
{
    if (lo == hi) {
        lo = seen.lo;
        hi = seen.hi;
    }
    if (lo == hi) {
        lo -= 1;
        hi += 1;
    }
    const binning b = {&h->k, lo, hi, h->bins};
    tally_all(h->tally, &b, x, n);
    for (int32_t i = 0; i < h->bins; i++)
        out[i] = (float)h->tally[i];
}

/* ---- version A ---- */

/* The running sum of the old histogram, every bin repeated SPREAD_A times and moved by start, is
 * read at every down-th place; differences of readings are the new bins. The long array exists in
 * the original only: here its parts outside the old histogram are skipped. */
static void spread_a(histogram *h, int64_t start, int64_t down)
{
    double sum = 0;
    float before = 0;
    int32_t bin = 0;
    int64_t next = down; /* the place behind the last one that belongs to the bin */
    const int64_t end = down * h->bins;
    for (int32_t i = 0; i < h->bins; i++) {
        const int64_t from = start + (int64_t)i * SPREAD_A;
        const int64_t to = from + SPREAD_A < end ? from + SPREAD_A : end;
        for (int64_t k = from; k < to && h->count[i] != 0; k++) {
            while (k >= next) {
                h->fresh[bin++] += (float)((sum - (double)before) / SPREAD_A);
                before = (float)sum;
                next += down;
            }
            sum += (double)h->count[i]; /* one by one: the order of rounding is the original's */
        }
    }
    for (; bin < h->bins; bin++) {
        h->fresh[bin] += (float)((sum - (double)before) / SPREAD_A);
        before = (float)sum;
    }
}

static void take_fresh(histogram *h, float lo, float hi)
{
    float *const old = h->count;
    h->count = h->fresh;
    h->fresh = old;
    h->range = (qns_range){lo, hi};
}

static qns_status observe_a(histogram *h, const float *x, size_t n, qns_range seen, qns_err *err)
{
    const float lo = h->range.lo, hi = h->range.hi;
    if (isinf(seen.lo) || isinf(seen.hi))
        QNS_FAIL(err, DATA, "a number is infinite: hist_version C leaves such numbers out");
    /* Cutting the bounds to integers is a quirk of the original. */
    if (lo > hi || lo == hi) {
        count_into(h->fresh, h, x, n, seen, truncf(seen.lo), truncf(seen.hi));
        take_fresh(h, seen.lo, seen.hi);
        return QNS_OK;
    }
    const float c0 = seen.lo < lo ? seen.lo : lo;
    float c1 = seen.hi > hi ? seen.hi : hi;
    const float w = (hi - lo) / (float)(h->bins * SPREAD_A);
    const float bw = (float)h->bins * w;
    const float f_down = ceilf((c1 - c0) / bw);
    /* An old range so small that the grid cannot be built in float (the original runs out of memory
     * there): its counts would share one bin anyway, and start again instead. 2^40 also keeps all
     * products below 2^63. */
    if (!(f_down >= 1 && f_down <= 0x1p40F)) {
        count_into(h->fresh, h, x, n, seen, truncf(seen.lo), truncf(seen.hi));
        take_fresh(h, seen.lo, seen.hi);
        return QNS_OK;
    }
    const int64_t down = (int64_t)f_down;
    const float excess = f_down * bw - (c1 - c0);
    const float f_start = rintf((lo - c0) / w);
    c1 = c1 + excess;
    count_into(h->fresh, h, x, n, seen, truncf(c0), truncf(c1));
    if (c0 == lo && c1 == hi)
        for (int32_t i = 0; i < h->bins; i++)
            h->fresh[i] += h->count[i];
    else
        spread_a(h, f_start < 0x1p60F ? (int64_t)f_start : INT64_C(1) << 60, down);
    take_fresh(h, c0, c1);
    return QNS_OK;
}

/* ---- version C ---- */

/* Entry i of n evenly spaced numbers, from whichever end is nearer. */
static float spaced(float lo, float hi, float step, int32_t i, int32_t n)
{
    return i < n / 2 ? lo + step * (float)i : hi - step * (float)(n - 1 - i);
}

/* Old counts, every bin in SPREAD_C parts, go where the middle of each part lies. */
static qns_status spread_c(histogram *h, float lo, float hi, qns_err *err)
{
    double *sum;
    QNS_TRY(qns_new((void **)&sum, (size_t)h->bins, sizeof *sum, err));
    const int32_t parts = h->bins * SPREAD_C;
    const float old_lo = h->range.lo, old_hi = h->range.hi;
    const float part = (old_hi - old_lo) / (float)parts;
    const float edge_step = (hi - lo) / (float)h->bins;
    int32_t k = 0;
    for (int32_t i = 0; i < parts; i++) {
        const float middle = spaced(old_lo, old_hi, part, i, parts + 1) + 0.5F * part;
        while (k + 1 < h->bins && spaced(lo, hi, edge_step, k + 1, h->bins + 1) <= middle)
            k++;
        while (k > 0 && spaced(lo, hi, edge_step, k, h->bins + 1) > middle)
            k--;
        sum[k] += (double)(h->count[i / SPREAD_C] / (float)SPREAD_C);
    }
    for (int32_t i = 0; i < h->bins; i++)
        h->fresh[i] = (float)((double)h->fresh[i] + sum[i]);
    qns_free(sum);
    return QNS_OK;
}

/* Copies the finite numbers and finds their range. */
static qns_status keep_finite(const float **x, size_t *n, qns_range *seen, histogram *h,
                              qns_err *err)
{
    if (*n > h->kept_cap) {
        float *p = qns_realloc(h->kept, *n, sizeof *p);
        if (!p)
            QNS_FAIL(err, NOMEM, "cannot get %zu floats", *n);
        h->kept = p;
        h->kept_cap = *n;
    }
    size_t m = 0;
    for (size_t i = 0; i < *n; i++)
        if (isfinite((*x)[i]))
            h->kept[m++] = (*x)[i];
    *x = h->kept;
    *n = m;
    *seen = qns_range_of(h->kept, m);
    return QNS_OK;
}

/* All old mass at one number. */
static void add_point(histogram *h, float lo, float hi)
{
    double total = 0;
    for (int32_t i = 0; i < h->bins; i++)
        total += (double)h->count[i];
    const float at = h->range.lo;
    count_into(h->count, h, &at, 1, h->range, lo, hi);
    for (int32_t i = 0; i < h->bins; i++)
        h->fresh[i] = h->count[i] * (float)total + h->fresh[i];
}

static qns_status observe_c(histogram *h, const float *x, size_t n, qns_range seen, qns_err *err)
{
    if (isinf(seen.lo) || isinf(seen.hi)) {
        QNS_TRY(keep_finite(&x, &n, &seen, h, err));
        if (n == 0)
            return QNS_OK;
    }
    const float old_lo = h->range.lo, old_hi = h->range.hi;
    if (old_lo == INFINITY || old_hi == -INFINITY) {
        count_into(h->fresh, h, x, n, seen, seen.lo, seen.hi);
        take_fresh(h, seen.lo, seen.hi);
        return QNS_OK;
    }
    const float lo = seen.lo < old_lo ? seen.lo : old_lo;
    const float hi = seen.hi > old_hi ? seen.hi : old_hi;
    count_into(h->fresh, h, x, n, seen, lo, hi);
    if (lo == old_lo && hi == old_hi)
        for (int32_t i = 0; i < h->bins; i++)
            h->fresh[i] += h->count[i];
    else if (old_lo == old_hi)
        add_point(h, lo, hi);
    else
        QNS_TRY(spread_c(h, lo, hi, err));
    take_fresh(h, lo, hi);
    return QNS_OK;
}

/* ---- both ---- */

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)channel;
    histogram *h = state;
    return h->version == QNS_HIST_A ? observe_a(h, x, n, seen, err) : observe_c(h, x, n, seen, err);
}

qns_histogram qns_obs_histogram_view(const void *state)
{
    const histogram *h = state;
    return (qns_histogram){h->count, h->bins, h->range};
}

static qns_range all_seen(const void *state, int32_t channel)
{
    (void)channel;
    return ((const histogram *)state)->range;
}

static qns_status range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)channel;
    const qns_histogram view = qns_obs_histogram_view(state);
    if (view.range.lo <= view.range.hi)
        return qns_histogram_search(out, &view, err);
    *out = view.range;
    return QNS_OK;
}

const qns_observer qns_obs_histogram = {
    .name = "histogram",
    .per_channel = false,
    .create = create,
    .observe = observe,
    .seen = all_seen,
    .range = range,
    .free = histogram_free,
};
