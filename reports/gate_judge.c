/* SPDX-License-Identifier: MIT */
/* One limit, one number, one check. Infinities compare as numbers do. What is no number is told
 * apart by its reason: equal in every element (passes), undefined (fails), float where steps are
 * asked for (skipped), not measured (an error of the rules, unless the limit is optional). */
#include "reports/gate_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct judged {
    qns_gate *g;
    const qns_gate_subject *s;
    const qns_gate_limit *l;
    const qns_gate_metric *m;
    qns_gate_kind kind;
    double value, base;
} judged;

static const char *const kind_text[] = {"min", "max", "change"};

/* "8.2 dB" */
static void number(char out[48], double v, const qns_gate_metric *m)
{
    snprintf(out, 48, "%.6g%s%s", v, m->unit[0] ? " " : "", m->unit);
}

/* "SQNR of the activation", "top-1 agreement" */
static void title(char out[96], const judged *j)
{
    if (j->l->scope == QNS_GATE_LOCAL)
        snprintf(out, 96, "local %s", j->m->title);
    else if (j->m->scopes & 1u << QNS_GATE_WEIGHT || j->m->scopes & 1u << QNS_GATE_ACTIVATION)
        snprintf(out, 96, "%s of the %s", j->m->title, qns_gate_scope_text(j->l->scope));
    else
        snprintf(out, 96, "%s", j->m->title);
}

/* Of the network, not of the output tensor. */
static bool is_top1(const qns_gate_metric *m)
{
    return strstr(m->name, "top1") != NULL;
}

static bool has_value(const qns_diff *d, const qns_gate_metric *m)
{
    return !d || d->present || is_top1(m);
}

static const char *advice(const judged *j)
{
    const qns_layer *l = j->s->layer;
    if (j->s->unit)
        return j->s->advice;
    if (j->l->scope == QNS_GATE_COVERAGE)
        return "the report lists the operators without a partner, and why";
    if (l && l->advice && l->advice[0])
        return l->advice;
    if (j->kind == QNS_GATE_CHANGE)
        return l ? "compare this layer's facts in the reports of both results"
                 : "look for the layers that got worse in the reports of both results";
    if (!l)
        return "start with the worst layers of the report";
    return j->l->scope == QNS_GATE_WEIGHT ? "look at the weight's channels in the report"
                                          : "look at the layer's histogram in the report";
}

static qns_status add(const judged *j, qns_gate_state state, const char *text)
{
    qns_gate *g = j->g;
    qns_gate_check c = {.state = state,
                        .text = text,
                        .advice = "",
                        .line = j->l->line[j->kind],
                        .value = j->value,
                        .limit = j->l->value[j->kind],
                        .base = j->base};
    c.subject =
        j->s->unit ? qns_gate_text(g, "%s", j->s->unit) : qns_gate_subject_text(g, j->s->layer);
    c.id = qns_gate_text(g, "%s.%s.%s", qns_gate_scope_text(j->l->scope), j->m->name,
                         kind_text[j->kind]);
    if (state == QNS_GATE_FAILED)
        c.advice = qns_gate_text(g, "%s", advice(j));
    if (!text || !c.subject || !c.id || !c.advice)
        return QNS_E_NOMEM;
    return qns_gate_add(g, &c);
}

/* The value is no number. */
static qns_status judge_absent(const judged *j, const char *what)
{
    const qns_gate_subject *s = j->s;
    qns_gate *g = j->g;
    const unsigned flags = s->diff ? s->diff->flags : 0;
    const bool diff = s->diff && !is_top1(j->m);
    if (diff && flags & QNS_M_EXACT)
        return add(j, QNS_GATE_PASSED, qns_gate_text(g, "%s: both sides are equal", what));
    if (diff && flags & QNS_M_UNDEFINED)
        return add(j, QNS_GATE_FAILED,
                   qns_gate_text(g, "%s is undefined: %s", what,
                                 flags & QNS_M_EMPTY ? "there are no values to compare"
                                                     : "one side is all zero, the other is not"));
    if (j->m->codes && !s->quantized && s->layer)
        return add(j, QNS_GATE_SKIPPED,
                   qns_gate_text(g, "%s: float on the test side, which has no steps", what));
    if (j->l->optional)
        return add(j, QNS_GATE_SKIPPED, qns_gate_text(g, "%s is not in the result", what));
    if (s->layer)
        return qns_gate_wrong(g, j->l->line[j->kind],
                              "layer '%.80s' has no %s; measure it, except the layer, or say "
                              "'optional: true'",
                              s->layer->name, what);
    return qns_gate_wrong(g, j->l->line[j->kind], "the result has no %s%s; or say 'optional: true'",
                          what,
                          !is_top1(j->m) || strstr(j->m->name, "agreement") ? ""
                          : s->unit ? ", which needs labels in the data"
                                    : ", which needs labels in the data of both captures");
}

/* Is not behind the limit. */
static qns_status judge_bound(const judged *j, const char *what)
{
    char v[48], limit[48];
    const double size = j->m->better == 0 ? fabs(j->value) : j->value;
    const double bound = j->l->value[j->kind];
    const bool low = j->kind == QNS_GATE_MIN, ok = low ? size >= bound : size <= bound;
    number(v, j->value, j->m);
    number(limit, bound, j->m);
    if (j->m->yes)
        return add(j, ok ? QNS_GATE_PASSED : QNS_GATE_FAILED,
                   qns_gate_text(j->g, "%s: %s", what, ok ? "yes" : "no"));
    return add(
        j, ok ? QNS_GATE_PASSED : QNS_GATE_FAILED,
        ok ? qns_gate_text(j->g, "%s is %s, %s %s", what, v, low ? "at least" : "at most", limit)
           : qns_gate_text(j->g, "%s is %s, %s the limit of %s", what, v, low ? "below" : "above",
                           limit));
}

static qns_status judge_change(judged *j, const char *what)
{
    qns_gate *g = j->g;
    char v[48], b[48], by[48], limit[48];
    if (g->refused)
        return add(j, QNS_GATE_SKIPPED, qns_gate_text(g, "%s: no comparable baseline", what));
    if (!g->base && j->l->optional)
        return add(j, QNS_GATE_SKIPPED, qns_gate_text(g, "%s: no baseline", what));
    if (!g->base)
        return qns_gate_wrong(g, j->l->line[j->kind],
                              "'change' needs a baseline: give --baseline OLD.json, or say "
                              "'optional: true'");
    if (j->s->in_base && has_value(j->s->base_diff, j->m))
        j->base = j->m->get(g->base, j->s->base_diff);
    if (isnan(j->base))
        return add(j, QNS_GATE_SKIPPED, qns_gate_text(g, "%s: not in the baseline", what));
    const double worse = qns_baseline_worse(j->value, j->base, j->m->better);
    number(v, j->value, j->m);
    number(b, j->base, j->m);
    number(by, fabs(worse), j->m);
    number(limit, j->l->value[j->kind], j->m);
    if (worse == 0)
        return add(j, QNS_GATE_PASSED, qns_gate_text(g, "%s is %s, as before", what, v));
    const bool ok = worse <= j->l->value[j->kind];
    return add(j, ok ? QNS_GATE_PASSED : QNS_GATE_FAILED,
               qns_gate_text(g, "%s was %s and is %s: %s %s%s%s", what, b, v, by,
                             worse > 0 ? "worse" : "better", ok ? "" : ", allowed is ",
                             ok ? "" : limit));
}

qns_status qns_gate_judge(qns_gate *g, const qns_gate_subject *s, const qns_gate_limit *l,
                          qns_gate_kind kind)
{
    judged j = {g, s, l, &qns_gate_metrics[l->metric], kind, NAN, NAN};
    char what[96];
    title(what, &j);
    if (s->diff && !s->diff->present && s->in_base && s->base_diff && s->base_diff->present &&
        kind == QNS_GATE_CHANGE && !g->refused)
        return add(&j, QNS_GATE_FAILED,
                   qns_gate_text(g, "%s is in the baseline, but not in the result", what));
    if (j.m->figure)
        j.value = j.m->figure(s->of, s->i);
    else if (has_value(s->diff, j.m))
        j.value = j.m->get(g->r, s->diff);
    if (isnan(j.value))
        return judge_absent(&j, what);
    return kind == QNS_GATE_CHANGE ? judge_change(&j, what) : judge_bound(&j, what);
}
