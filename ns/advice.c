/* SPDX-License-Identifier: MIT */
/* What the numbers mean: a verdict and one advice per layer, and findings with their evidence.
 *
 * Thresholds, and where they come from:
 *
 *   SQNR        below 10 dB bad, below 20 dB watch. At 20 dB the error is a tenth of the signal, at
 *               10 dB a third; networks survive the first often, the second seldom.
 *   weights     RMSE of plain rounding is 1/sqrt(12) = 0.289 steps. Above 0.5 the codes are not the
 *               rounded float weights.
 *   clipped     above 1 % watch: ranges come from other data, or the observer cut them on purpose.
 *   stretch     one channel 8 times as wide as the median one leaves the others 5 of 8 bits.
 *   inherited   a layer that adds less than 3 dB (half of the error energy) to one that is not ok
 *               is not the one to fix.
 *   bias        half a standard deviation: noise averages out in the next sum, a bias does not.
 *   own steps   a layer's own rounding makes 0.29 steps; above 2 nearly all of the error came in.
 *
 * The advice is the first of these that applies: what is not a number, what a shadow run proved to
 * be fine alone, what is inherited, clipping,
 * stretched weights, stretched activations, weights that do not fit, bias, error that came in, and
 * last the noise itself, which only a wider type cures. */
#include "core/base/mem.h"
#include "ns/cmp.h"
#include "ns/compare/channels.h"

#include <math.h>
#include <string.h>

static const double bad_db = QNS_SQNR_BAD_DB, watch_db = QNS_SQNR_WATCH_DB, weight_steps = 0.5,
                    clipped_share = 0.01, stretch_limit = 8, inherited_db = 3, jump_db = 10,
                    bias_limit = 0.5, zero_ref_steps = 2, own_steps = 2,
                    agreement_limit = QNS_AGREEMENT_WATCH, coverage_limit = 0.95;

typedef struct look_at { /* a layer and what was found about it */
    qns_cmp *c;
    qns_layer *l;
    uint32_t k;
    bool stretched;     /* weights, per tensor */
    double act_stretch; /* of the activation's channels; NaN unknown */
    uint32_t act_widest, dead;
} look_at;

static qns_verdict_level by_db(double db)
{
    return db < bad_db ? QNS_V_BAD : db < watch_db ? QNS_V_WATCH : QNS_V_OK;
}

static qns_verdict_level worse(qns_verdict_level a, qns_verdict_level b)
{
    return a > b ? a : b;
}

static qns_verdict_level judge(const qns_diff *d)
{
    if (!d->present)
        return QNS_V_OK;
    if (d->nonfinite_test > d->nonfinite_ref)
        return QNS_V_BAD;
    if (d->flags & QNS_M_ZERO_REF)
        return d->max_abs_steps > zero_ref_steps ? QNS_V_WATCH : QNS_V_OK;
    qns_verdict_level v = isnan(d->sqnr_db) ? QNS_V_OK : by_db(d->sqnr_db);
    if (d->clipped > clipped_share)
        v = worse(v, QNS_V_WATCH);
    return v;
}

/* Widest channel over the median, from the second pass. */
static void look_at_channels(look_at *a)
{
    const qns_channels *ch = &a->l->activation_channels;
    a->act_stretch = NAN;
    if (ch->n < 4)
        return;
    double *width = qns_calloc(ch->n, sizeof *width), widest = 0;
    uint32_t live = 0;
    if (!width) {
        a->c->failed = true;
        return;
    }
    for (uint32_t i = 0; i < ch->n; i++) {
        const double w = fmax(fabs(ch->ref_min[i]), fabs(ch->ref_max[i]));
        if (!(w > 0)) {
            a->dead++;
            continue;
        }
        width[live++] = w;
        if (w > widest) {
            widest = w;
            a->act_widest = i;
        }
    }
    if (live > 3)
        a->act_stretch = widest / qns_median(width, live);
    qns_free(width);
}

/* ---- advice ---- */

static const char *inherited_from(const look_at *a)
{
    const uint32_t from = a->c->worst_input[a->k];
    if (from == QNS_CMP_NONE || isnan(a->l->added_db) || a->l->added_db >= inherited_db ||
        judge(&a->c->r->layer[from].activation) == QNS_V_OK)
        return NULL;
    return a->c->r->layer[from].name;
}

/* A shadow run proved it: on the float side's inputs this layer is fine. */
static const char *alone(const look_at *a, const char *from)
{
    const char *db = a->l->local.flags & QNS_M_EXACT
                         ? "exact"
                         : qns_cmp_text(a->c, "%.1f dB", a->l->local.sqnr_db);
    if (from)
        return qns_cmp_text(a->c, "alone it is fine (%s): its error comes from layer '%s'", db,
                            from);
    return qns_cmp_text(a->c, "alone it is fine (%s): its error comes from its inputs", db);
}

static const char *advise(const look_at *a)
{
    qns_cmp *c = a->c;
    const qns_layer *l = a->l;
    const qns_diff *d = &l->activation, *w = &l->weight;
    const char *from = inherited_from(a);
    if (d->nonfinite_test > d->nonfinite_ref || w->nonfinite_test > w->nonfinite_ref)
        return "values are NaN or infinite: keep this layer in float and check its scale";
    if (l->verdict == QNS_V_OK)
        return "";
    if (l->local.present && judge(&l->local) == QNS_V_OK && judge(w) == QNS_V_OK)
        return alone(a, from);
    if (from)
        return qns_cmp_text(c, "error is inherited from layer '%s': fix that first", from);
    if (d->clipped > clipped_share)
        return qns_cmp_text(
            c, "%.1f %% of values clipped: use another observer or more calibration data",
            100 * d->clipped);
    if (a->stretched)
        return qns_cmp_text(c,
                            "weight range is stretched by channel %u (%.0f times the median): use "
                            "per_channel weights or keep this layer in float",
                            c->weight_widest[a->k], c->weight_stretch[a->k]);
    if (a->act_stretch >= stretch_limit && l->activation_q.n_scale == 1)
        return qns_cmp_text(c,
                            "activation range is stretched by channel %u: equalize the channels, "
                            "use a histogram observer, or keep this layer in float",
                            a->act_widest);
    if (w->present && w->rmse_steps > weight_steps)
        return qns_cmp_text(c,
                            "weights are %.2f steps off where rounding gives 0.29: check that both "
                            "sides hold the same weights",
                            w->rmse_steps);
    if (fabs(d->bias_sigma) > bias_limit)
        return qns_cmp_text(c,
                            "values are shifted by %.2g on average (%.1f sigma): correct the bias "
                            "or calibrate with more data",
                            d->bias, fabs(d->bias_sigma));
    if (strcmp(l->kept, "float") == 0)
        return "runs in float: the error comes from its inputs";
    if (!l->local.present && d->rmse_steps > own_steps)
        return qns_cmp_text(
            c,
            "%.1f steps of error where its own rounding makes 0.3: it comes in with "
            "the inputs; make the layers before it more precise first",
            d->rmse_steps);
    return "the noise of 8 bits is too much here: keep this layer in float";
}

/* ---- findings of one layer ---- */

static void find_numbers(const look_at *a)
{
    qns_cmp *c = a->c;
    const qns_layer *l = a->l;
    const qns_diff *d = &l->activation;
    if (d->nonfinite_test > d->nonfinite_ref)
        qns_cmp_find(c, "NONFINITE_TEST", 2, l->name,
                     qns_cmp_text(c, "%llu of %llu values are NaN or infinite on the test side",
                                  (unsigned long long)d->nonfinite_test,
                                  (unsigned long long)(d->n + d->nonfinite_test)),
                     l->advice);
    if (d->nonfinite_ref)
        qns_cmp_find(c, "NONFINITE_REF", 1, l->name,
                     qns_cmp_text(c,
                                  "%llu values of the reference are NaN or infinite and left out",
                                  (unsigned long long)d->nonfinite_ref),
                     "check the float model and its inputs");
    if (d->n > 1 && d->cosine < -bias_limit)
        qns_cmp_find(
            c, "SIGN_FLIP", 2, l->name,
            qns_cmp_text(c, "cosine is %.2f: the test side points the other way", d->cosine),
            "look for a sign or an operand order that differs");
    if (d->n > 1 && d->test_min == d->test_max && d->ref_min != d->ref_max)
        qns_cmp_find(c, "DEAD_LAYER", 2, l->name,
                     qns_cmp_text(c, "all values of the test side are %.4g", d->test_min),
                     "check scale and zero point of this layer");
    if (d->n > 1 && d->flags & QNS_M_CONSTANT)
        qns_cmp_find(c, "CONSTANT_LAYER", 0, l->name,
                     qns_cmp_text(c, "all values of the reference are %.4g", d->ref_min),
                     "use samples that move this layer, or remove it");
}

static void find_ranges(const look_at *a)
{
    qns_cmp *c = a->c;
    const qns_layer *l = a->l;
    const qns_diff *d = &l->activation;
    if (d->clipped > clipped_share)
        qns_cmp_find(c, "CLIPPING", 1, l->name,
                     qns_cmp_text(c, "%.2f %% of the values lie outside what the codes reach",
                                  100 * d->clipped),
                     "use another observer or more calibration data");
    if (a->stretched)
        qns_cmp_find(c, "OUTLIER_CHANNEL", 1, l->name,
                     qns_cmp_text(c,
                                  "weight channel %u is %.1f times as wide as the median one and "
                                  "sets the scale of all",
                                  c->weight_widest[a->k], c->weight_stretch[a->k]),
                     "use per_channel weights or keep this layer in float");
    if (a->act_stretch >= stretch_limit && l->activation_q.n_scale == 1)
        qns_cmp_find(c, "ACTIVATION_OUTLIER", 1, l->name,
                     qns_cmp_text(c,
                                  "activation channel %u is %.1f times as wide as the "
                                  "median one",
                                  a->act_widest, a->act_stretch),
                     "equalize the channels, or keep this layer in float");
    if (a->dead > 0)
        qns_cmp_find(c, "DEAD_CHANNELS", 0, l->name,
                     qns_cmp_text(c, "%u of %u channels are zero for all samples", a->dead,
                                  l->activation_channels.n),
                     "they can be pruned");
}

static void find_error(const look_at *a)
{
    qns_cmp *c = a->c;
    const qns_layer *l = a->l;
    const qns_diff *d = &l->activation;
    if (l->verdict != QNS_V_OK && fabs(d->bias_sigma) > bias_limit)
        qns_cmp_find(c, "BIAS_SHIFT", 1, l->name,
                     qns_cmp_text(c,
                                  "values are shifted by %.3g on average, %.1f sigma of the error",
                                  d->bias, fabs(d->bias_sigma)),
                     "correct the bias or calibrate with more data");
    if (l->added_db > jump_db)
        qns_cmp_find(c, "ERROR_JUMP", 1, l->name,
                     qns_cmp_text(c, "SQNR falls by %.1f dB from its inputs to %.1f dB",
                                  l->added_db, d->sqnr_db),
                     l->advice);
    if (d->present && isfinite(d->sqnr_db_min) && isfinite(d->sqnr_db_median) &&
        d->sqnr_db_median - d->sqnr_db_min > 2 * jump_db && d->sqnr_db_min < bad_db)
        qns_cmp_find(c, "BAD_SAMPLE", 0, l->name,
                     qns_cmp_text(c, "sample %lld has %.1f dB, the median sample %.1f dB",
                                  (long long)d->worst_sample, d->sqnr_db_min, d->sqnr_db_median),
                     "look at this sample; calibrate with samples like it");
}

static void one_layer(qns_cmp *c, uint32_t k)
{
    qns_layer *l = &c->r->layer[k];
    look_at a = {.c = c, .l = l, .k = k};
    l->verdict = worse(judge(&l->activation), judge(&l->weight));
    a.stretched = l->weight_q.n_scale == 1 && c->weight_stretch[k] >= stretch_limit;
    look_at_channels(&a);
    const char *fault = qns_cmp_diagnose(c, k);
    l->advice = fault && !l->activation.nonfinite_test ? fault : advise(&a);
    find_numbers(&a);
    find_ranges(&a);
    find_error(&a);
}

/* ---- findings of the whole ---- */

static void find_missing_weights(qns_cmp *c)
{
    uint32_t missing = 0, have = 0;
    const char *first = "";
    for (uint32_t i = 0; i < qns_capture_n(c->ref); i++) {
        const qns_cap_data *d = qns_capture_at(c->ref, i);
        bool paired = c->o->n_layers > 0;
        if (d->group != QNS_GROUP_WEIGHT)
            continue;
        for (size_t k = 0; k < c->layer.n && !paired; k++)
            paired = c->layer.at[k].ref_weight == i;
        have += paired;
        if (!paired && missing++ == 0)
            first = d->node[0] ? d->node : d->name;
    }
    if (missing > 0)
        qns_cmp_find(c, "MISSING_WEIGHTS", 1, "",
                     qns_cmp_text(c,
                                  "%u of %u weights have no partner on the test side, the first "
                                  "is of '%s'",
                                  missing, missing + have, first),
                     "capture the test side with --what weights,outputs");
}

static void find_coverage(qns_cmp *c)
{
    const qns_result *r = c->r;
    const uint32_t found = r->coverage.matched + r->coverage.folded;
    const double by_ops = r->coverage.ops ? (double)found / r->coverage.ops : 1;
    if (c->n_rows == 0 ||
        (by_ops >= coverage_limit && !(r->coverage.macs_matched < coverage_limit)))
        return;
    qns_cmp_find(c, "LOW_COVERAGE", 1, "",
                 qns_cmp_text(c, "only %u of %u operators of the reference were compared", found,
                              r->coverage.ops),
                 "look at the list of unmatched layers: names or captures do not fit together");
}

static void find_output(qns_cmp *c)
{
    const double same = c->r->output.top1_agreement;
    if (same < agreement_limit)
        qns_cmp_find(c, "OUTPUT_DISAGREES", 1, "",
                     qns_cmp_text(c,
                                  "the two sides choose the same class for %.1f %% of the samples",
                                  100 * same),
                     "start with the first layers of the ranking");
}

void qns_cmp_advise(qns_cmp *c)
{
    for (uint32_t k = 0; k < c->r->n_layers; k++)
        one_layer(c, k);
    find_missing_weights(c);
    find_coverage(c);
    find_output(c);
}
