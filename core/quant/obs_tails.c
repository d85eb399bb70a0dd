/* SPDX-License-Identifier: MIT */
/* Observers that PyTorch lacks: percentile, entropy and mse. All of them collect a histogram (the
 * rule of PyTorch 2.5) and differ in how much of its tails they cut off. Of two ranges that are
 * equally good the wider one is taken. */
#include "core/base/mem.h"
#include "core/quant/observer.h"

#include <math.h>
#include <string.h>

enum { STEPS = 128 }; /* ranges tried: STEPS / STEPS of the whole, down to 1 / STEPS */

typedef struct tails {
    qns_obs_args args;
    void *histogram;
} tails;

static void tails_free(void *state)
{
    tails *t = state;
    if (t)
        qns_obs_histogram.free(t->histogram);
    qns_free(t);
}

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    tails *t;
    QNS_TRY(qns_new((void **)&t, 1, sizeof *t, err));
    t->args = *args;
    t->args.hist = QNS_HIST_C;
    if (t->args.rule.qmin == t->args.rule.qmax)
        t->args.rule = (qns_qrule_range){QNS_U8, 0, 255, false, 0x1p-23F};
    const qns_status st = qns_obs_histogram.create(&t->histogram, &t->args, err);
    if (st == QNS_OK)
        *state = t;
    else
        tails_free(t);
    return st;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    tails *t = state;
    return qns_obs_histogram.observe(t->histogram, channel, x, n, seen, err);
}

static double total_of(const qns_histogram *h)
{
    double sum = 0;
    for (int32_t i = 0; i < h->bins; i++)
        sum += (double)h->count[i];
    return sum;
}

static double width_of(const qns_histogram *h)
{
    return ((double)h->range.hi - (double)h->range.lo) / h->bins;
}

static double middle_of(const qns_histogram *h, int32_t bin)
{
    return (double)h->range.lo + width_of(h) * (bin + 0.5);
}

/* Nothing to cut: no data, one number only, or wider than a float can tell. */
static bool is_plain(const qns_histogram *h)
{
    return !(h->range.lo < h->range.hi) || !isfinite(h->range.hi - h->range.lo);
}

/* ---- percentile ---- */

/* Where `below` of the mass lies below, linear within a bin. */
static float quantile(const qns_histogram *h, double below)
{
    double sum = 0;
    for (int32_t i = 0; i < h->bins; i++) {
        const double next = sum + (double)h->count[i];
        if (next >= below && next > sum)
            return (float)((double)h->range.lo + width_of(h) * (i + (below - sum) / (next - sum)));
        sum = next;
    }
    return h->range.hi;
}

static qns_status percentile_range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)channel, (void)err;
    const tails *t = state;
    const qns_histogram h = qns_obs_histogram_view(t->histogram);
    const double part = (double)t->args.percentile / 100, total = total_of(&h);
    *out = h.range;
    if (is_plain(&h) || part >= 1)
        return QNS_OK;
    out->lo = quantile(&h, (1 - part) * total);
    out->hi = quantile(&h, part * total);
    return QNS_OK;
}

/* ---- entropy and mse: the best of many ranges ---- */

typedef qns_status cost_fn(double *cost, const tails *t, const qns_histogram *h, float scale,
                           int32_t zero, qns_err *err);

static int32_t code_of(const tails *t, double x, float scale, int32_t zero)
{
    const double q = rint(x / (double)scale) + zero;
    const double lo = t->args.rule.qmin, hi = t->args.rule.qmax;
    return (int32_t)(q < lo ? lo : q > hi ? hi : q);
}

/* Expected squared error of the middles of the bins. */
static qns_status squared_error(double *cost, const tails *t, const qns_histogram *h, float scale,
                                int32_t zero, qns_err *err)
{
    (void)err;
    *cost = 0;
    for (int32_t i = 0; i < h->bins; i++) {
        if (h->count[i] == 0)
            continue;
        const double x = middle_of(h, i);
        const double e = x - (double)scale * (code_of(t, x, scale, zero) - zero);
        *cost += (double)h->count[i] * e * e;
    }
    return QNS_OK;
}

/* Kullback-Leibler divergence of what is left after quantizing. p: what is outside counts in the
 * first or last bin inside. q: the mass inside of each code and one number more (Laplace's rule: no
 * code that p uses is impossible), spread over its bins that p uses. */
static qns_status divergence(double *cost, const tails *t, const qns_histogram *h, float scale,
                             int32_t zero, qns_err *err)
{
    const int32_t levels = t->args.rule.qmax - t->args.rule.qmin + 1;
    const double lo = (double)scale * (t->args.rule.qmin - zero - 0.5);
    const double hi = (double)scale * (t->args.rule.qmax - zero + 0.5);
    double *p, *mass, *used;
    int32_t first = h->bins, last = -1;
    QNS_TRY(qns_new((void **)&p, (size_t)h->bins + 2 * (size_t)levels, sizeof *p, err));
    mass = p + h->bins;
    used = mass + levels;
    for (int32_t i = 0; i < h->bins; i++)
        if (middle_of(h, i) >= lo && middle_of(h, i) <= hi) {
            first = i < first ? i : first;
            last = i;
        }
    *cost = last < 0 ? INFINITY : 0;
    for (int32_t i = 0; i < h->bins && last >= 0; i++)
        p[i < first ? first : i > last ? last : i] += (double)h->count[i];
    for (int32_t i = first; i <= last; i++) {
        const int32_t k = code_of(t, middle_of(h, i), scale, zero) - t->args.rule.qmin;
        mass[k] += (double)h->count[i];
        used[k] += p[i] > 0;
    }
    double inside = 0;
    for (int32_t k = 0; k < levels; k++)
        inside += used[k] > 0 ? mass[k] += 1 : 0;
    const double total = total_of(h);
    for (int32_t i = first; i <= last; i++) {
        const int32_t k = code_of(t, middle_of(h, i), scale, zero) - t->args.rule.qmin;
        if (p[i] > 0)
            *cost += p[i] / total * log(p[i] / total / (mass[k] / used[k] / inside));
    }
    qns_free(p);
    return QNS_OK;
}

static qns_status best_range(qns_range *out, const tails *t, cost_fn *cost_of, qns_err *err)
{
    const qns_histogram h = qns_obs_histogram_view(t->histogram);
    double best = INFINITY;
    *out = h.range;
    for (int32_t i = STEPS; i > 0 && !is_plain(&h); i--) {
        const float part = (float)i / STEPS;
        const float limit = fmaxf(-h.range.lo, h.range.hi) * part;
        const qns_range r = {fmaxf(h.range.lo, -limit), fminf(h.range.hi, limit)};
        float scale;
        int32_t zero;
        double cost;
        if (!(r.lo <= r.hi))
            break; /* one-sided: cut down to its near end */
        QNS_TRY(qns_qparams_choose(&scale, &zero, &t->args.rule, r, err));
        QNS_TRY(cost_of(&cost, t, &h, scale, zero, err));
        if (cost < best) {
            best = cost;
            *out = r;
        }
    }
    return QNS_OK;
}

static qns_status entropy_range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)channel;
    return best_range(out, state, divergence, err);
}

static qns_status mse_range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)channel;
    return best_range(out, state, squared_error, err);
}

const qns_observer qns_obs_percentile = {.name = "percentile",
                                         .create = create,
                                         .observe = observe,
                                         .range = percentile_range,
                                         .free = tails_free};
const qns_observer qns_obs_entropy = {.name = "entropy",
                                      .create = create,
                                      .observe = observe,
                                      .range = entropy_range,
                                      .free = tails_free};
const qns_observer qns_obs_mse = {
    .name = "mse", .create = create, .observe = observe, .range = mse_range, .free = tails_free};
