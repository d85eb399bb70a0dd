/* SPDX-License-Identifier: MIT */
/* Why a layer regressed, and findings about the whole. A reason is the first that applies:
 *
 *   NaN         numbers that are none
 *   inherited   one of its inputs lost at least half as many decibels
 *   float       it ran in float before
 *   weights     their SQNR fell by 1 dB or more: another observer, or one scale for all channels
 *   clipped     0.1 % more of the values lie outside of what the codes reach
 *   steps       the steps of its output are a quarter wider: the range was calibrated wider
 *   backend     scales and weights are the same: other arithmetic
 *
 * Numbers of samples: with n pairs the smallest p is 2^(1 - n), so that one layer among L can be
 * told at the rate q only when n >= 1 + log2(L / q). The interval shrinks with the root of n. */
#include "core/base/map.h"
#include "core/base/mem.h"
#include "ns/compare/channels.h"
#include "ns/regress_internal.h"

#include <math.h>
#include <string.h>

static const double inherited_share = 0.5, weight_db = 1, clipped_more = 0.001, wider = 1.25;

static double widest_step(const qns_qinfo *q)
{
    double s = 0;
    for (uint32_t i = 0; i < q->n_scale; i++)
        s = fmax(s, q->scale[i]);
    return s;
}

static bool same_codes(const qns_qinfo *a, const qns_qinfo *b)
{
    if (a->n_scale != b->n_scale || a->axis != b->axis)
        return false;
    return a->n_scale == 0 || (memcmp(a->scale, b->scale, a->n_scale * sizeof *a->scale) == 0 &&
                               memcmp(a->zero, b->zero, a->n_scale * sizeof *a->zero) == 0);
}

/* The layer among the inputs that lost most; NULL when none lost half as much as this one. */
static const qns_changed *inherited_from(const qns_three *g, uint32_t i, const qns_map *by_value)
{
    const qns_changed *l = &g->r->layer[i], *from = NULL;
    const qns_cap_data *d = qns_cmp_data(g->was.ref, g->was.layer.at[g->layer[i].was].ref);
    for (uint32_t k = 0; d && k < d->n_inputs; k++) {
        const uint32_t at = qns_map_get(by_value, d->inputs[k]);
        const qns_changed *in = at == QNS_MAP_NONE ? NULL : &g->r->layer[at];
        if (in && in->change == QNS_REGRESSED && (!from || in->change_db < from->change_db))
            from = in;
    }
    return from && from->change_db <= inherited_share * l->change_db ? from : NULL;
}

static const char *weight_reason(qns_three *g, const qns_layer *was, const qns_layer *now)
{
    const double lost = was->weight.sqnr_db - now->weight.sqnr_db;
    if (!was->weight.present || !now->weight.present || !(lost >= weight_db))
        return NULL;
    if (was->weight_q.n_scale > 1 && now->weight_q.n_scale == 1)
        return qns_cmp_text(&g->text,
                            "its weights have one scale for all channels now, and lost %.1f dB: "
                            "use per_channel weights again",
                            lost);
    return qns_cmp_text(
        &g->text, "its weights lost %.1f dB: other weights, or another observer for them", lost);
}

static const char *own_reason(qns_three *g, const qns_layer *was, const qns_layer *now,
                              const qns_changed *l)
{
    qns_cmp *t = &g->text;
    const char *weights = weight_reason(g, was, now);
    const double step = widest_step(&was->activation_q), step_now = widest_step(&now->activation_q);
    if (strcmp(was->kept, "float") == 0 && strcmp(now->kept, "int8") == 0)
        return "it ran in float before and runs in int8 now: keep this layer in float";
    if (weights)
        return weights;
    if (l->now.clipped > l->was.clipped + clipped_more)
        return qns_cmp_text(t,
                            "%.2f %% of its values are clipped, %.2f %% before: its range was "
                            "calibrated too narrow",
                            100 * l->now.clipped, 100 * l->was.clipped);
    if (step > 0 && step_now > wider * step)
        return qns_cmp_text(t,
                            "its output's steps are %.2f times as wide as before: its range was "
                            "calibrated wider; look for outliers, or use a histogram observer",
                            step_now / step);
    if (same_codes(&was->activation_q, &now->activation_q) &&
        same_codes(&was->weight_q, &now->weight_q) && strcmp(g->r->was.backend, g->r->now.backend))
        return qns_cmp_text(t, "scales and weights are as before, the backend is not: %s, now %s",
                            g->r->was.backend, g->r->now.backend);
    if (step > 0 && step_now > 0 && step_now < step / wider)
        return qns_cmp_text(t,
                            "its output's steps are %.2f times as wide as before: a narrower range "
                            "cuts large values of some samples",
                            step_now / step);
    return "no single cause stands out: compare its facts in the two-file reports";
}

static bool breaks(const qns_changed *l)
{
    return l->now.nonfinite_test > l->was.nonfinite_test ||
           l->now_weight.nonfinite_test > l->was_weight.nonfinite_test;
}

static const char *reason(qns_three *g, uint32_t i, const qns_map *by_value)
{
    const qns_changed *l = &g->r->layer[i], *from;
    if (breaks(l))
        return "values are NaN or infinite now: check its scale";
    if ((from = inherited_from(g, i, by_value)))
        return qns_cmp_text(&g->text,
                            "the loss comes in with layer '%s' (%.1f dB there): fix that "
                            "first",
                            from->name, from->change_db);
    return own_reason(g, &g->was.r->layer[g->layer[i].was], &g->now.r->layer[g->layer[i].now], l);
}

static const char *why_unmatched(qns_three *g, const qns_changed *l, const qns_cmp *c,
                                 const char *where)
{
    for (uint32_t k = 0; k < c->r->coverage.n_unmatched; k++)
        if (strcmp(c->r->coverage.unmatched[k].name, l->name) == 0)
            return qns_cmp_text(&g->text, "%s: %s", where, c->r->coverage.unmatched[k].why);
    return qns_cmp_text(&g->text, "%s: computed inside another operator", where);
}

/* Layers that regressed by themselves: the first one, and how many. */
static void note_cause(const qns_three *g, uint32_t i, const qns_map *by_value, uint32_t *first,
                       uint32_t *own)
{
    if (!breaks(&g->r->layer[i]) && inherited_from(g, i, by_value))
        return;
    ++*own;
    if (*first == QNS_CMP_NONE)
        *first = i;
}

static void find_begin(qns_three *g, uint32_t first, uint32_t own)
{
    if (first == QNS_CMP_NONE)
        return;
    const qns_changed *l = &g->r->layer[first];
    qns_cmp_find(&g->text, "BEGINS_HERE", 2, l->name,
                 qns_cmp_text(&g->text,
                              "the first layer that regressed by itself, %+.2f dB; %u of the %u "
                              "regressed layers did, the others inherit",
                              l->change_db, own, g->r->n[QNS_REGRESSED]),
                 l->advice);
}

static qns_status reasons(qns_three *g, qns_err *err)
{
    qns_map by_value = {0};
    qns_status st = QNS_OK;
    uint32_t first = QNS_CMP_NONE, own = 0;
    for (uint32_t i = 0; i < g->r->n_layers; i++)
        if (g->layer[i].was != QNS_CMP_NONE && g->was.layer.at[g->layer[i].was].ref != QNS_CMP_NONE)
            QNS_TRY_DONE(qns_map_put(
                &by_value,
                qns_capture_at(g->was.ref, g->was.layer.at[g->layer[i].was].ref)->value_origin, i,
                err));
    for (uint32_t i = 0; i < g->r->n_layers; i++) {
        qns_changed *l = &g->r->layer[i];
        if (l->change == QNS_REGRESSED) {
            l->advice = reason(g, i, &by_value);
            note_cause(g, i, &by_value, &first, &own);
        } else if (l->change == QNS_NEWLY_UNMATCHED)
            l->advice = why_unmatched(g, l, &g->now, "in the new capture");
        else if (l->change == QNS_NEWLY_MATCHED)
            l->advice = why_unmatched(g, l, &g->was, "in the old capture");
    }
    find_begin(g, first, own);
done:
    qns_map_fini(&by_value);
    return st;
}

/* ---- findings ---- */

static bool fell(const qns_regression *r, const qns_flips *f)
{
    return f->p <= r->fdr && f->now < f->was;
}

bool qns_regression_is_worse(const qns_regression *r)
{
    return r->n[QNS_REGRESSED] > 0 || fell(r, &r->output.agreement) || fell(r, &r->output.accuracy);
}

static void find_flips(qns_three *g, const qns_flips *f, const char *code, const char *what)
{
    qns_cmp *t = &g->text;
    if (!fell(g->r, f))
        return;
    qns_cmp_find(t, code, 2, "",
                 qns_cmp_text(t,
                              "%s fell from %.1f %% to %.1f %%: %llu samples lost, %llu gained "
                              "(McNemar p = %.2g)",
                              what, 100 * f->was, 100 * f->now, (unsigned long long)f->lost,
                              (unsigned long long)f->gained, f->p),
                 "start with the first layers of the ranking");
}

static void find_power(qns_three *g)
{
    qns_cmp *t = &g->text;
    qns_regression *r = g->r;
    uint32_t tests = 0;
    for (uint32_t i = 0; i < r->n_layers; i++)
        tests += r->layer[i].test.n > 0;
    if (tests == 0)
        return;
    const double enough = ceil(1 + log2(tests / r->fdr));
    if ((double)r->samples < enough)
        qns_cmp_find(t, "FEW_SAMPLES", 1, "",
                     qns_cmp_text(t,
                                  "%lld samples cannot show a change of one of %u layers at a "
                                  "false discovery rate of %.3g",
                                  (long long)r->samples, tests, r->fdr),
                     qns_cmp_text(t, "capture at least %.0f samples", enough));
    else if (r->min_change_db > 0 && r->resolution_db > r->min_change_db)
        qns_cmp_find(
            t, "RESOLUTION", 0, "",
            qns_cmp_text(t,
                         "the interval of the median layer is +/- %.2f dB: smaller "
                         "changes cannot be told from noise",
                         r->resolution_db),
            qns_cmp_text(t, "to see %.2g dB capture about %.0f samples", r->min_change_db,
                         ceil((double)r->samples * pow(r->resolution_db / r->min_change_db, 2))));
}

static void find_lost(qns_three *g)
{
    const qns_regression *r = g->r;
    if (r->n[QNS_NEWLY_UNMATCHED] == 0)
        return;
    const char *first = "";
    for (uint32_t i = r->n_layers; i-- > 0;)
        if (r->layer[i].change == QNS_NEWLY_UNMATCHED)
            first = r->layer[i].name;
    qns_cmp_find(&g->text, "NEWLY_UNMATCHED", 1, first,
                 qns_cmp_text(&g->text,
                              "%u layers were compared before and have no partner now: nobody "
                              "can tell whether they regressed",
                              r->n[QNS_NEWLY_UNMATCHED]),
                 "capture the same layers of both models");
}

static void find_same(qns_three *g)
{
    const qns_regression *r = g->r;
    for (uint32_t i = 0; i < r->n_layers; i++)
        if (r->layer[i].test.n != r->layer[i].test.n_zero || r->layer[i].change != QNS_UNCHANGED)
            return;
    qns_cmp_find(&g->text, "NOTHING_CHANGED", 0, "",
                 "every layer has the same error before and now, for every sample",
                 "if a change was expected, check that the right files were compared");
}

static bool known(const qns_cmp *t, const qns_finding *f)
{
    for (size_t i = 0; i < t->finding.n; i++)
        if (strcmp(t->finding.at[i].code, f->code) == 0 &&
            strcmp(t->finding.at[i].text, f->text) == 0)
            return true;
    return false;
}

/* What the two comparisons said about their files; about the reference both say the same. */
static void take(qns_cmp *t, const qns_cmp *from)
{
    for (size_t i = 0; i < from->finding.n; i++) {
        const qns_finding *f = &from->finding.at[i];
        if (strcmp(f->code, "COMMON_SAMPLES") == 0 || known(t, f))
            continue;
        qns_cmp_find(t, f->code, f->severity, qns_cmp_text(t, "%s", f->subject),
                     qns_cmp_text(t, "%s", f->text), qns_cmp_text(t, "%s", f->advice));
    }
}

/* Half the interval of the median layer. */
static qns_status find_resolution(qns_regression *r, qns_err *err)
{
    double *half = NULL;
    size_t n = 0;
    QNS_TRY(qns_new((void **)&half, r->n_layers, sizeof *half, err));
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_paired *t = &r->layer[i].test;
        if (t->n > 0 && t->hi - t->lo > 0)
            half[n++] = (t->hi - t->lo) / 2;
    }
    r->resolution_db = n ? qns_median(half, n) : NAN;
    qns_free(half);
    return QNS_OK;
}

qns_status qns_regress_advise(qns_three *g, qns_err *err)
{
    qns_regression *r = g->r;
    r->tested = 0;
    for (uint32_t i = 0; i < r->n_layers; i++)
        r->tested =
            (int64_t)r->layer[i].test.n > r->tested ? (int64_t)r->layer[i].test.n : r->tested;
    QNS_TRY(find_resolution(r, err));
    QNS_TRY(reasons(g, err));
    find_flips(g, &r->output.accuracy, "ACCURACY_FELL", "top-1 accuracy");
    find_flips(g, &r->output.agreement, "AGREEMENT_FELL", "top-1 agreement with float");
    find_lost(g);
    find_power(g);
    find_same(g);
    take(&g->text, &g->was);
    take(&g->text, &g->now);
    QNS_TRY(qns_cmp_findings(&r->finding, &r->n_findings, &g->text, err));
    if (g->text.failed || g->was.failed || g->now.failed)
        QNS_FAIL(err, NOMEM, "cannot keep the result");
    return QNS_OK;
}
