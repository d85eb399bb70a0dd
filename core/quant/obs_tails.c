/* SPDX-License-Identifier: MIT */
/* Observers that PyTorch lacks: percentile, entropy and mse. All of them count on a grid (tally.h)
 * and differ in how much of the tails they cut off. Of two ranges that are equally good the wider
 * one is taken. */
#include "core/base/mem.h"
#include "core/quant/observer.h"
#include "core/quant/tally.h"

#include <math.h>

enum { STEPS = 128 }; /* ranges tried: STEPS / STEPS of the whole, down to 1 / STEPS */

typedef struct tails {
    qns_obs_args args;
    qns_tally tally;
} tails;

static void tails_free(void *state)
{
    tails *t = state;
    if (t)
        qns_tally_fini(&t->tally);
    qns_free(t);
}

static qns_status create(void **state, const qns_obs_args *args, qns_err *err)
{
    tails *t;
    QNS_TRY(qns_new((void **)&t, 1, sizeof *t, err));
    t->args = *args;
    if (t->args.rule.qmin == t->args.rule.qmax)
        t->args.rule = (qns_qrule_range){QNS_U8, 0, 255, false, 0x1p-23F};
    const qns_status st = qns_tally_init(&t->tally, args->bins, err);
    if (st == QNS_OK)
        *state = t;
    else
        tails_free(t);
    return st;
}

static qns_status observe(void *state, int32_t channel, const float *x, size_t n, qns_range seen,
                          qns_err *err)
{
    (void)channel;
    return qns_tally_add(&((tails *)state)->tally, x, n, seen, err);
}

static qns_range seen(const void *state, int32_t channel)
{
    (void)channel;
    return ((const tails *)state)->tally.seen;
}

/* Nothing to cut: no data, one number only, or wider than a float can tell. */
static bool is_plain(const qns_tally *t)
{
    return !(t->seen.lo < t->seen.hi) || !isfinite(t->seen.hi - t->seen.lo);
}

/* ---- percentile ---- */

/* Where `below` of the mass lies below, linear within a bin; zeros are all at one place. */
static float quantile(const qns_tally *t, double below)
{
    int32_t first, last;
    double sum = 0;
    qns_tally_span(&first, &last, t);
    for (int32_t i = first; i <= last; i++) {
        if (i == t->half && (sum += t->zeros) >= below)
            return 0;
        const double next = sum + t->count[i];
        if (next >= below && next > sum) {
            const double in = (below - sum) / (next - sum);
            return fminf(fmaxf((float)(t->width * (i - t->half + in)), t->seen.lo), t->seen.hi);
        }
        sum = next;
    }
    return t->seen.hi;
}

static qns_status percentile_range(qns_range *out, const void *state, int32_t channel, qns_err *err)
{
    (void)channel, (void)err;
    const tails *t = state;
    const double part = (double)t->args.percentile / 100;
    *out = t->tally.seen;
    if (is_plain(&t->tally) || part >= 1)
        return QNS_OK;
    out->lo = quantile(&t->tally, (1 - part) * t->tally.total);
    out->hi = quantile(&t->tally, part * t->tally.total);
    return QNS_OK;
}

/* ---- entropy and mse: the best of many ranges ---- */

typedef qns_status cost_fn(double *cost, const tails *t, float scale, int32_t zero, qns_err *err);

static int32_t code_of(const tails *t, double x, float scale, int32_t zero)
{
    const double q = rint(x / (double)scale) + zero;
    const double lo = t->args.rule.qmin, hi = t->args.rule.qmax;
    return (int32_t)(q < lo ? lo : q > hi ? hi : q);
}

/* Expected squared error of the middles of the bins; zeros have a code of their own. */
static qns_status squared_error(double *cost, const tails *t, float scale, int32_t zero,
                                qns_err *err)
{
    (void)err;
    int32_t first, last;
    qns_tally_span(&first, &last, &t->tally);
    *cost = 0;
    for (int32_t i = first; i <= last; i++) {
        if (t->tally.count[i] == 0)
            continue;
        const double x = qns_tally_middle(&t->tally, i);
        const double e = x - (double)scale * (code_of(t, x, scale, zero) - zero);
        *cost += t->tally.count[i] * e * e;
    }
    return QNS_OK;
}

typedef struct spread {
    double *p;           /* of each bin; what is outside of the range counts in the outermost */
    double *mass, *used; /* of each code: what is inside, and how many bins */
    int32_t first, last; /* bins inside */
    double total;
} spread;

static void fill(spread *s, const tails *t, float scale, int32_t zero, int32_t levels)
{
    const qns_qrule_range *rule = &t->args.rule;
    const double lo = (double)scale * (rule->qmin - zero - 0.5);
    const double hi = (double)scale * (rule->qmax - zero + 0.5);
    int32_t first, last;
    qns_tally_span(&first, &last, &t->tally);
    s->first = last + 1;
    s->last = -1;
    for (int32_t i = first; i <= last; i++)
        if (qns_tally_middle(&t->tally, i) >= lo && qns_tally_middle(&t->tally, i) <= hi) {
            s->first = i < s->first ? i : s->first;
            s->last = i;
        }
    for (int32_t k = 0; k < levels; k++)
        s->mass[k] = s->used[k] = 0;
    s->total = t->tally.total - t->tally.zeros;
    for (int32_t i = first; i <= last; i++)
        s->p[i] = 0;
    for (int32_t i = first; i <= last && s->last >= 0; i++)
        s->p[i < s->first ? s->first : i > s->last ? s->last : i] += t->tally.count[i];
    for (int32_t i = s->first; i <= s->last; i++) {
        const int32_t k = code_of(t, qns_tally_middle(&t->tally, i), scale, zero) - rule->qmin;
        s->mass[k] += t->tally.count[i];
        s->used[k] += s->p[i] > 0;
    }
}

/* Kullback-Leibler divergence of what is left after quantizing, from counts p and q. q: the mass
 * inside of each code and one number more (Laplace's rule: no code that p uses is impossible),
 * spread over its bins that p uses. Of numbers that were drawn by chance even the best q has a
 * divergence of half a number for each bin that could be filled freely (Miller and Madow); without
 * taking it off, narrow ranges would win because they have few bins in a code. Zeros do not count:
 * every range has a code for them. */
static qns_status divergence(double *cost, const tails *t, float scale, int32_t zero, qns_err *err)
{
    const int32_t levels = t->args.rule.qmax - t->args.rule.qmin + 1;
    spread s;
    QNS_TRY(
        qns_new((void **)&s.p, 2 * (size_t)t->tally.half + 2 * (size_t)levels, sizeof *s.p, err));
    s.mass = s.p + 2 * t->tally.half;
    s.used = s.mass + levels;
    fill(&s, t, scale, zero, levels);
    double inside = 0, free_bins = 0;
    for (int32_t k = 0; k < levels; k++)
        if (s.used[k] > 0) {
            inside += s.mass[k] += 1;
            free_bins += s.used[k] - 1;
        }
    *cost = s.last < 0 ? INFINITY : -free_bins / (2 * s.total);
    for (int32_t i = s.first; i <= s.last; i++) {
        const int32_t k =
            code_of(t, qns_tally_middle(&t->tally, i), scale, zero) - t->args.rule.qmin;
        const double p = s.p[i] / s.total;
        if (p > 0)
            *cost += p * log(p / (s.mass[k] / s.used[k] / inside));
    }
    qns_free(s.p);
    return QNS_OK;
}

static qns_status best_range(qns_range *out, const tails *t, cost_fn *cost_of, qns_err *err)
{
    const qns_range all = t->tally.seen;
    double best = INFINITY;
    *out = all;
    for (int32_t i = STEPS; i > 0 && !is_plain(&t->tally); i--) {
        const float part = (float)i / STEPS;
        const float limit = fmaxf(-all.lo, all.hi) * part;
        const qns_range r = {fmaxf(all.lo, -limit), fminf(all.hi, limit)};
        float scale;
        int32_t zero;
        double cost;
        if (!(r.lo <= r.hi))
            break; /* one-sided: cut down to its near end */
        QNS_TRY(qns_qparams_choose(&scale, &zero, &t->args.rule, r, err));
        QNS_TRY(cost_of(&cost, t, scale, zero, err));
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
                                         .seen = seen,
                                         .range = percentile_range,
                                         .free = tails_free};
const qns_observer qns_obs_entropy = {.name = "entropy",
                                      .create = create,
                                      .observe = observe,
                                      .seen = seen,
                                      .range = entropy_range,
                                      .free = tails_free};
const qns_observer qns_obs_mse = {.name = "mse",
                                  .create = create,
                                  .observe = observe,
                                  .seen = seen,
                                  .range = mse_range,
                                  .free = tails_free};
