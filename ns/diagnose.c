/* SPDX-License-Identifier: MIT */
/* Known faults by the traces they leave. The local error of a shadow run is best: it is this
 * layer's alone. Without one the cumulative error serves where the layer added most of it itself.
 *
 *   weights      off by more than rounding: the sign, the order of channels, the window, or a
 *                factor for each channel explains it (diagnose_weight.c); else they are others.
 *   ZERO_POINT   the mean error is a whole number of steps, within a quarter, and larger than the
 *                spread: plain rounding has a mean near 0 and a spread of 0.29 steps.
 *   ROUNDS_DOWN  the mean error lies between -0.6 and -0.2 steps, and is a third of the spread or
 *                more: what is cut off is half a step on average, and nothing where a clamp holds.
 *   WRONG_SCALE  the slope of int8 over float is off by 3 % or more, and that factor explains 70 %
 * of the error's energy. SATURATION   int8 ends a tenth of the range, and 4 steps, before float,
 * although its codes reach further, and that gap is about the largest error. CHANNEL_SHIFT  a
 * constant for each channel explains half of the error's energy, below 20 dB, and one constant for
 * all does not: the bias is missing or another one. */
#include "ns/cmp.h"

#include <math.h>
#include <string.h>

static const double weight_steps = 0.5, whole_off = 0.25, least_whole = 0.75, cut_lo = -0.6,
                    cut_hi = -0.2, cut_sigma = -0.3, gain_off = 0.03, gain_share = 0.7,
                    gap_share = 0.1, gap_steps = 4, gap_of_max = 0.8, shift_share = 0.5, own_db = 3,
                    clipped_share = 0.01;

/* The error to look at; NULL: it is mostly not this layer's own. */
static const qns_diff *own_error(const qns_cmp *c, uint32_t k)
{
    const qns_layer *l = &c->r->layer[k];
    if (l->local.present)
        return &l->local;
    const bool first = c->worst_input[k] == QNS_CMP_NONE;
    return l->activation.present && (first || l->added_db >= own_db) ? &l->activation : NULL;
}

static const char *add(qns_cmp *c, const char *code, int severity, uint32_t k, const char *text,
                       const char *advice)
{
    qns_cmp_find(c, code, severity, c->r->layer[k].name, text, advice);
    return advice;
}

static const char *about_weight(qns_cmp *c, uint32_t k)
{
    const qns_diff *w = &c->r->layer[k].weight;
    size_t first = 0, now = 0;
    if (!w->present || !(w->rmse_steps > weight_steps))
        return NULL;
    switch (qns_cmp_weight_fault(&first, &now, c, k)) {
    case QNS_WEIGHT_SIGN:
        return add(
            c, "SIGN_FLIP", 2, k,
            qns_cmp_text(c, "cosine of the weights is %.2f: they have the wrong sign", w->cosine),
            "look for a sign that differs in how the weights were made");
    case QNS_WEIGHT_ROWS:
        return add(
            c, "CHANNELS_SWAPPED", 2, k,
            qns_cmp_text(c, "output channel %zu holds the weights of channel %zu", first, now),
            "bring the output channels into the order of the float model");
    case QNS_WEIGHT_INPUTS:
        return add(
            c, "CHANNELS_SWAPPED", 2, k,
            qns_cmp_text(c, "the weights read input channel %zu where float reads %zu", now, first),
            "bring the input channels into the order of the float model: RGB or BGR, "
            "channels first or last");
    case QNS_WEIGHT_TRANSPOSED:
        return add(c, "TRANSPOSED", 2, k, "the windows of the weights are transposed",
                   "swap height and width of the weights");
    case QNS_WEIGHT_SCALES:
        return add(c, "CHANNEL_SCALES", 2, k,
                   qns_cmp_text(c,
                                "the weights of %zu channels are right up to a factor, the first "
                                "is channel %zu",
                                now, first),
                   "use the scale of each channel, not one of them for all");
    case QNS_WEIGHT_OTHER:
        break;
    }
    return add(c, "WEIGHTS_NOT_ROUNDED", 1, k,
               qns_cmp_text(c, "weights are %.2f steps off; rounding gives 0.29", w->rmse_steps),
               "check that both sides hold the same weights");
}

static const char *about_mean(qns_cmp *c, uint32_t k, const qns_diff *d)
{
    const qns_qinfo *q = &c->r->layer[k].activation_q;
    if (q->n_scale != 1 || isnan(d->bias))
        return NULL;
    const double steps = d->bias / q->scale[0], whole = rint(steps);
    if (fabs(steps) >= least_whole && fabs(steps - whole) <= whole_off && fabs(d->bias_sigma) >= 1)
        return add(c, "ZERO_POINT", 1, k,
                   qns_cmp_text(c,
                                "all values are off by %+.2f steps, %.1f times their spread: the "
                                "zero point is off by %.0f",
                                steps, fabs(d->bias_sigma), fabs(whole)),
                   "compare the zero point with which the codes are written and read");
    if (steps >= cut_lo && steps <= cut_hi && d->bias_sigma <= cut_sigma)
        return add(c, "ROUNDS_DOWN", 1, k,
                   qns_cmp_text(c,
                                "values are %.2f steps too low on average where rounding to the "
                                "nearest has 0: sums are rounded down",
                                -steps),
                   "round to the nearest code when the accumulator becomes a code");
    return NULL;
}

static const char *about_gain(qns_cmp *c, uint32_t k, const qns_diff *d)
{
    const double off = d->gain - 1, share = off * off * pow(10, d->sqnr_db / 10);
    if (!(fabs(off) >= gain_off) || !(share >= gain_share) || !isfinite(share))
        return NULL;
    return add(c, "WRONG_SCALE", 1, k,
               qns_cmp_text(c,
                            "int8 is %.3f times float; this factor explains %.0f %% of the error",
                            d->gain, 100 * fmin(1, share)),
               "compare the scale with which the codes are written and read");
}

/* How far int8 ends before float on one side, although its codes reach further; 0: it does not. */
static double gap_of(double ref, double test, double reach)
{
    const double gap = ref - test;
    return reach >= ref - gap / 2 && gap > 0 ? gap : 0;
}

static const char *about_end(qns_cmp *c, uint32_t k, const qns_diff *d)
{
    const qns_qinfo *q = &c->r->layer[k].activation_q;
    const qns_cap_data *t = qns_cmp_data(c->test, c->layer.at[k].test);
    if (q->n_scale != 1 || !t)
        return NULL;
    const double step = q->scale[0], hi = step * ((double)t->code_max - q->zero[0]),
                 lo = step * ((double)t->code_min - q->zero[0]);
    const double gap =
        fmax(gap_of(d->ref_max, d->test_max, hi), gap_of(-d->ref_min, -d->test_min, -lo));
    if (!(gap >= gap_share * (d->ref_max - d->ref_min)) || !(gap >= gap_steps * step) ||
        !(gap >= gap_of_max * d->max_abs))
        return NULL;
    return add(c, "SATURATION", 1, k,
               qns_cmp_text(c,
                            "int8 goes from %.4g to %.4g where float goes from %.4g to %.4g, "
                            "though its codes reach %.4g to %.4g",
                            d->test_min, d->test_max, d->ref_min, d->ref_max, lo, hi),
               "look for a clamp or a range that is narrower than the scale");
}

static const char *about_channels(qns_cmp *c, uint32_t k, const qns_diff *d)
{
    double energy = 0, explained = 0, sum = 0, n = 0;
    if (!c->live || !c->live->local || !c->live->local[k] || !(d->sqnr_db < QNS_SQNR_WATCH_DB))
        return NULL;
    for (size_t i = 0; i < c->live->n_local[k]; i++) {
        const qns_sums *s = &c->live->local[k][i];
        if (s->n == 0)
            continue;
        energy += s->ee;
        explained += s->e * s->e / (double)s->n;
        sum += s->e;
        n += (double)s->n;
    }
    if (c->live->n_local[k] < 2 || energy == 0 || explained / energy < shift_share ||
        sum * sum / n > explained / 2)
        return NULL;
    return add(c, "CHANNEL_SHIFT", 1, k,
               qns_cmp_text(c, "each channel is off by a constant of its own: %.0f %% of the error",
                            100 * explained / energy),
               "check the bias: it is missing, or of other weights");
}

const char *qns_cmp_diagnose(qns_cmp *c, uint32_t k)
{
    const char *weight = about_weight(c, k), *value = NULL;
    const qns_diff *d = own_error(c, k);
    if (weight || !d || d->n < 2 || d->flags & (QNS_M_ZERO_REF | QNS_M_CONSTANT | QNS_M_EXACT))
        return weight;
    value = about_mean(c, k, d);
    if (!value && d->clipped > clipped_share)
        return NULL; /* what is cut off explains a gain and an end */
    value = value ? value : about_gain(c, k, d);
    value = value ? value : about_end(c, k, d);
    return value ? value : about_channels(c, k, d);
}
