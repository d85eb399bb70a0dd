/* SPDX-License-Identifier: MIT */
/* Judging results without two sides: a sensitivity, a search, a selftest. Their figures are limits
 * like others, in a section that is called as the kind of result. One file of rules may serve
 * several results; the sections that are about other kinds are skipped, and said to be. */
#include "ns/sensitivity.h"
#include "reports/gate_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- sections about other kinds ---- */

typedef struct section {
    const char *name;
    bool there, own; /* in the rules; about results of this kind */
    uint32_t line;
} section;

enum { SECTIONS = 8 };

static section section_of(const qns_gate *g, qns_gate_scope scope)
{
    const qns_gate_rules *r = g->rules;
    section s = {.name = qns_gate_scope_text(scope)};
    s.own = scope < QNS_GATE_SENSITIVITY ? g->r != NULL
                                         : !g->r && strcmp(g->other.kind->name, s.name) == 0;
    for (uint32_t i = 0; i < r->n_limits && !s.there; i++) {
        const qns_gate_limit *l = &r->limit[i];
        s.there = l->scope == scope;
        for (int k = 0; k < QNS_GATE_KINDS && s.there && !s.line; k++)
            s.line = l->line[k];
    }
    return s;
}

static void find_sections(section s[SECTIONS], const qns_gate *g)
{
    const qns_gate_rules *r = g->rules;
    uint32_t n = 0;
    for (int k = QNS_GATE_OUTPUT; k < QNS_GATE_SCOPES; k++)
        s[n++] = section_of(g, (qns_gate_scope)k);
    s[n++] = (section){"layers", r->n_rules > 0, g->r != NULL, r->n_rules ? r->rule[0].line : 0};
    s[n++] = (section){"findings", r->fail_on >= 0, g->r != NULL, r->findings_line};
    s[n++] =
        (section){"regression", r->regression.line > 0, g->changes != NULL, r->regression.line};
}

_Static_assert(SECTIONS == QNS_GATE_SCOPES - QNS_GATE_OUTPUT + 3, "all of them");

static qns_status skip(qns_gate *g, const section *s, const char *what)
{
    const qns_gate_check c = {
        .state = QNS_GATE_SKIPPED,
        .id = s->name,
        .subject = "",
        .text = qns_gate_text(g, "rules about %s: the result is %s", s->name, what),
        .advice = "",
        .line = s->line,
        .value = NAN,
        .limit = NAN,
        .base = NAN};
    return c.text ? qns_gate_add(g, &c) : QNS_E_NOMEM;
}

qns_status qns_gate_skip_sections(qns_gate *g)
{
    section s[SECTIONS];
    char what[32];
    qns_str needs = {0};
    bool any = false;
    qns_status st = QNS_OK;
    find_sections(s, g);
    snprintf(what, sizeof what, "%s%s",
             g->changes ? "of three captures"
             : g->r     ? "of two sides"
                        : "a ",
             g->r ? "" : g->other.kind->name);
    for (int i = 0; i < SECTIONS; i++) {
        any |= s[i].own && s[i].there;
        if (s[i].own)
            qns_str_addf(&needs, "%s%s", needs.len ? ", " : "", s[i].name);
        else if (s[i].there)
            QNS_TRY_DONE(skip(g, &s[i], what));
    }
    if (!any)
        QNS_FAIL_DONE(g->err, CONFIG, "%s: no rule is about the result, which is %s: it needs %s%s",
                      g->rules->file, what, qns_str_get(&needs),
                      g->rules->regression.line
                          ? "; 'regression' is for 'qns compare FLOAT.h5 OLD.h5 NEW.h5'"
                          : "");
done:
    qns_str_fini(&needs);
    return st;
}

/* ---- figures ---- */

/* Of one layer, or of the whole. */
static qns_status judge(qns_gate *g, const qns_gate_limit *l, uint32_t i, const char *unit,
                        const char *advice)
{
    const qns_gate_subject s = {.of = g->other.of, .i = i, .unit = unit, .advice = advice};
    for (int kind = 0; kind < QNS_GATE_KINDS; kind++)
        if (!isnan(l->value[kind]))
            QNS_TRY(qns_gate_judge(g, &s, l, (qns_gate_kind)kind));
    return QNS_OK;
}

/* NaN and infinity in the outputs that the float model does not have, whatever the rules say. */
static qns_status check_finite(qns_gate *g, const qns_sensitivity *s)
{
    for (uint32_t i = 0; i <= s->n_units; i++) {
        const bool all = i == s->n_units;
        const qns_effect *e = all ? &s->int8 : &s->unit[i].in;
        if (e->nonfinite <= s->ref.nonfinite)
            continue;
        g->verdict = QNS_GATE_BAD_DATA;
        QNS_TRY(qns_gate_add_failed(g, "nan", all ? "" : qns_gate_text(g, "%s", s->unit[i].name),
                                    all ? "in int8 the outputs are NaN or infinite"
                                        : "alone in int8 it makes NaN or infinite outputs",
                                    all ? "" : "keep this layer in float", 0));
    }
    return QNS_OK;
}

qns_status qns_gate_figures(qns_gate *g)
{
    static const char *const advice[QNS_GATE_SCOPES] = {
        [QNS_GATE_SENSITIVITY] =
            "the report ranks the layers; 'qns search' finds which to leave in "
            "float",
        [QNS_GATE_SEARCH] = "the report shows what other sets of layers cost and give",
        [QNS_GATE_SELFTEST] = "the report tells which rule would catch what was missed"};
    const bool layers = g->other.kind == &qns_kind_sensitivity;
    const qns_sensitivity *s = g->other.of;
    if (layers)
        QNS_TRY(check_finite(g, s));
    for (uint32_t k = 0; k < g->rules->n_limits; k++) {
        const qns_gate_limit *l = &g->rules->limit[k];
        if (strcmp(qns_gate_scope_text(l->scope), g->other.kind->name) != 0)
            continue;
        if (!qns_gate_metrics[l->metric].each)
            QNS_TRY(judge(g, l, 0, "", advice[l->scope]));
        for (uint32_t i = 0; layers && qns_gate_metrics[l->metric].each && i < s->n_units; i++)
            QNS_TRY(judge(g, l, i, s->unit[i].name, s->unit[i].advice));
    }
    return QNS_OK;
}
