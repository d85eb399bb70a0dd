/* SPDX-License-Identifier: MIT */
/* The first screen: the verdict, the four answers, the cards, the findings. */
#include "reports/build.h"

#include <math.h>
#include <string.h>

static const qns_layer *worst(const qns_result *r)
{
    return r->n_ranking ? &r->layer[r->ranking[0]] : NULL;
}

/* Of a layer: its output where there is one, else its weight. */
static const qns_diff *main_diff(const qns_layer *l)
{
    return l->activation.present ? &l->activation : &l->weight;
}

/* "12.3 dB", "exact", ... */
static const char *decibels(qns_build *b, const qns_diff *d)
{
    if (!d->present)
        return "not measured";
    const char *s = qns_build_db(b, d, d->sqnr_db);
    const char *unit = isfinite(d->sqnr_db) ? " dB" : "";
    if (d->nonfinite_test)
        return qns_build_text(b, "%s%s with %s non-finite values", s, unit,
                              qns_build_count(b, d->nonfinite_test));
    return qns_build_text(b, "%s%s", s, unit);
}

static int output_level(const qns_result *r)
{
    const qns_diff *d = &r->output.diff;
    if (!d->present)
        return QNS_LEVEL_NONE;
    if (d->nonfinite_test > d->nonfinite_ref || d->sqnr_db < QNS_SQNR_BAD_DB)
        return QNS_V_BAD;
    return d->sqnr_db < QNS_SQNR_WATCH_DB ? QNS_V_WATCH : QNS_V_OK;
}

static int agreement_level(double share)
{
    return isnan(share)                  ? QNS_LEVEL_NONE
           : share < QNS_AGREEMENT_BAD   ? QNS_V_BAD
           : share < QNS_AGREEMENT_WATCH ? QNS_V_WATCH
                                         : QNS_V_OK;
}

static int worst_level(const qns_result *r)
{
    int level = r->n_layers ? QNS_V_OK : QNS_LEVEL_NONE;
    for (uint32_t i = 0; i < r->n_layers; i++)
        level = (int)r->layer[i].verdict > level ? (int)r->layer[i].verdict : level;
    for (uint32_t i = 0; i < r->n_findings; i++)
        level = r->finding[i].severity > level ? QNS_V_WATCH : level;
    return level;
}

static void build_head(qns_build *b)
{
    const qns_result *r = b->r;
    const qns_layer *w = worst(r);
    const char *model = r->ref.model[0] ? r->ref.model : r->ref.file;
    const char *output = qns_build_text(b, "output SQNR %s", decibels(b, &r->output.diff));
    b->report->title = qns_build_text(b, "%s", model[0] ? model : "comparison");
    b->report->subtitle =
        qns_build_text(b, "%s (float) against %s (int8%s%s), %s samples", r->ref.file, r->test.file,
                       r->test.backend[0] ? " on " : "", r->test.backend,
                       qns_build_count(b, (uint64_t)r->samples));
    if (!isnan(r->output.top1_agreement))
        output = qns_build_text(b, "%s, top-1 agreement %s %%", output,
                                qns_build_percent(b, r->output.top1_agreement));
    if (w)
        b->report->verdict =
            qns_build_text(b, "worst layer: %s, %s (%s); %s", w->name, decibels(b, main_diff(w)),
                           qns_verdict_text(w->verdict), output);
    else
        b->report->verdict = qns_build_text(b, "no layer could be compared; %s", output);
    b->report->level = worst_level(r);
}

/* A sentence of its own: starts with a capital. */
static const char *sentence(qns_build *b, const char *s)
{
    const bool lower = s[0] >= 'a' && s[0] <= 'z';
    return lower ? qns_build_text(b, "%c%s", s[0] - 'a' + 'A', s + 1) : qns_build_text(b, "%s", s);
}

static void build_answers(qns_build *b)
{
    const qns_result *r = b->r;
    const qns_layer *w = worst(r);
    qns_fact *a = qns_build_get(b, 4, sizeof *a);
    if (!a)
        return;
    uint32_t bad = 0, watch = 0;
    for (uint32_t i = 0; i < r->n_layers; i++) {
        bad += r->layer[i].verdict == QNS_V_BAD;
        watch += r->layer[i].verdict == QNS_V_WATCH;
    }
    a[0].label = "Where";
    a[0].value =
        !w ? "Nothing could be compared."
        : bad + watch == 0
            ? qns_build_text(b,
                             "Nowhere in particular: all %u layers are fine. The "
                             "lowest is %s.",
                             r->n_layers, w->name)
            : qns_build_text(b, "%s (%s, layer %d). Of %u layers %u %s bad, %u to watch.", w->name,
                             w->op, w->index, r->n_layers, bad, bad == 1 ? "is" : "are", watch);
    a[1].label = "How much";
    a[1].value = w ? qns_build_text(b, "%s there; %s at the model's output.",
                                    decibels(b, main_diff(w)), decibels(b, &r->output.diff))
                   : "-";
    const qns_finding *f = r->n_findings ? &r->finding[0] : NULL;
    a[2].label = "Why";
    a[2].value = f ? qns_build_text(b, "%s%s%s", f->subject, f->subject[0] ? ": " : "", f->text)
                   : "No known cause stands out; what is left is ordinary rounding.";
    a[3].label = "What to do";
    a[3].value = f && f->advice[0]   ? sentence(b, f->advice)
                 : w && w->advice[0] ? sentence(b, w->advice)
                 : bad + watch == 0  ? "Nothing: this model can be used as it is."
                                     : "Look at the worst layers below.";
    b->report->answer = a;
    b->report->n_answers = 4;
}

static void add_card(qns_build *b, qns_card *c, const char *label, const char *value,
                     const char *note, int level)
{
    c[b->report->n_cards++] = (qns_card){label, value, note, level};
}

static void build_cards(qns_build *b)
{
    const qns_result *r = b->r;
    const qns_layer *w = worst(r);
    qns_card *c = qns_build_get(b, 8, sizeof *c);
    if (!c)
        return;
    b->report->card = c;
    const qns_diff *d = &r->output.diff;
    add_card(b, c, "Output SQNR",
             d->present ? qns_build_text(b, "%s%s", qns_build_db(b, d, d->sqnr_db),
                                         isfinite(d->sqnr_db) ? " dB" : "")
                        : "-",
             !d->present ? "the output was not captured"
             : isfinite(d->sqnr_db_min)
                 ? qns_build_text(b, "worst sample %s dB", qns_build_db(b, d, d->sqnr_db_min))
                 : "over all samples",
             output_level(r));
    if (!isnan(r->output.top1_agreement)) {
        const bool labels = !isnan(r->output.ref_top1) && !isnan(r->output.test_top1);
        add_card(b, c, "Top-1 agreement",
                 qns_build_text(b, "%s %%", qns_build_percent(b, r->output.top1_agreement)),
                 labels ? qns_build_text(b, "top-1 float %s %%, int8 %s %%",
                                         qns_build_percent(b, r->output.ref_top1),
                                         qns_build_percent(b, r->output.test_top1))
                        : "samples with the same answer",
                 agreement_level(r->output.top1_agreement));
    }
    add_card(b, c, "Worst layer", w ? qns_build_text(b, "%s", w->name) : "-",
             w ? decibels(b, main_diff(w)) : "nothing to compare",
             w ? (int)w->verdict : QNS_LEVEL_NONE);
    add_card(
        b, c, "Coverage",
        qns_build_text(b, "%u of %u", r->coverage.matched + r->coverage.folded, r->coverage.ops),
        isnan(r->coverage.macs_matched)
            ? "operators accounted for"
            : qns_build_text(b, "operators, %s %% of the MACs",
                             qns_build_percent(b, r->coverage.macs_matched)),
        r->coverage.n_unmatched ? QNS_V_WATCH : QNS_LEVEL_NONE);
    const bool whole = r->ref.complete && r->test.complete;
    add_card(b, c, "Samples", qns_build_count(b, (uint64_t)r->samples),
             strcmp(r->kind, "shadow") == 0 ? "both graphs side by side"
             : whole                        ? "both captures complete"
                                            : "a capture is incomplete",
             whole ? QNS_LEVEL_NONE : QNS_V_WATCH);
}

void qns_build_findings(qns_build *b, const qns_finding *list, uint32_t n)
{
    static const char *const severity[] = {"note", "warning", "error"};
    qns_advice *a = qns_build_get(b, n, sizeof *a);
    if (!a)
        return;
    for (uint32_t i = 0; i < n; i++) {
        const qns_finding *f = &list[i];
        const int s = f->severity < 0 ? 0 : f->severity > 2 ? 2 : f->severity;
        a[i] = (qns_advice){qns_build_text(b, "%s", f->code),    severity[s],
                            qns_build_text(b, "%s", f->subject), qns_build_text(b, "%s", f->text),
                            qns_build_text(b, "%s", f->advice),  s == 0 ? QNS_LEVEL_NONE : s};
    }
    b->report->advice = a;
    b->report->n_advice = n;
}

void qns_build_summary(qns_build *b)
{
    build_head(b);
    build_answers(b);
    build_cards(b);
    qns_build_findings(b, b->r->finding, b->r->n_findings);
}
