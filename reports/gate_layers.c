/* SPDX-License-Identifier: MIT */
/* Which rule decides about which layer: the last that matches, for each limit of each metric. A
 * pattern or a limit that is about nothing is an error: it protects nothing. */
#include "core/base/mem.h"
#include "core/base/str.h"
#include "reports/gate_internal.h"

#include <math.h>
#include <string.h>

/* What decides about one layer. */
enum { SCOPES = QNS_GATE_LOCAL + 1 };
typedef struct decided {
    const qns_gate_limit *by[SCOPES][QNS_GATE_METRICS][QNS_GATE_KINDS];
    bool named[SCOPES];
} decided;

static bool matches_one(const char *pattern, const char *name, const char *const *origin,
                        uint32_t n_origin)
{
    if (qns_glob(pattern, name))
        return true;
    for (uint32_t i = 0; i < n_origin; i++)
        if (qns_glob(pattern, origin[i]))
            return true;
    return false;
}

bool qns_gate_match(const qns_gate_glob *v, uint32_t n, const char *name, const char *const *origin,
                    uint32_t n_origin)
{
    for (uint32_t i = 0; i < n; i++)
        if (matches_one(v[i].text, name, origin, n_origin))
            return true;
    return false;
}

static bool matches_any(const qns_gate_glob *v, uint32_t n, const qns_layer *l, bool *named)
{
    bool any = false;
    for (uint32_t i = 0; i < n; i++)
        if (matches_one(v[i].text, l->name, l->origin, l->n_origin)) {
            any = true;
            *named |= !qns_has_glob_chars(v[i].text);
        }
    return any;
}

static bool matches(const qns_gate_rule *rule, const qns_layer *l, bool *named)
{
    bool unused = false;
    *named = false;
    return (!rule->op || strcmp(rule->op, l->op) == 0) &&
           matches_any(rule->name, rule->n_name, l, named) &&
           !matches_any(rule->except, rule->n_except, l, &unused);
}

/* ---- rules about nothing ---- */

static qns_status matches_nothing(qns_gate *g, const qns_gate_glob *p)
{
    qns_status st = QNS_OK;
    void *v = NULL;
    QNS_TRY(qns_new(&v, g->r->n_layers + 1, sizeof(char *), g->err));
    const char **name = v;
    for (uint32_t i = 0; i < g->r->n_layers; i++)
        name[i] = g->r->layer[i].name;
    const int64_t near = qns_nearest(p->text, name, g->r->n_layers);
    if (near >= 0)
        st = qns_gate_wrong(g, p->line, "'%.100s' matches no layer, did you mean '%.100s'?",
                            p->text, name[near]);
    else
        st = qns_gate_wrong(g, p->line,
                            "'%.100s' matches none of the %u layers; 'qns report' lists their "
                            "names",
                            p->text, g->r->n_layers);
    qns_free(v);
    return st;
}

qns_status qns_gate_check_globs(qns_gate *g, const qns_gate_glob *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        bool any = false;
        for (uint32_t k = 0; k < g->r->n_layers && !any; k++)
            any = matches_one(v[i].text, g->r->layer[k].name, g->r->layer[k].origin,
                              g->r->layer[k].n_origin);
        if (!any)
            return matches_nothing(g, &v[i]);
    }
    return QNS_OK;
}

static const qns_diff *diff_of(const qns_layer *l, qns_gate_scope scope)
{
    return scope == QNS_GATE_WEIGHT  ? &l->weight
           : scope == QNS_GATE_LOCAL ? &l->local
                                     : &l->activation;
}

static bool is_quantized(const qns_layer *l, qns_gate_scope scope)
{
    return (scope == QNS_GATE_WEIGHT ? l->weight_q : l->activation_q).n_scale > 0;
}

/* The layer has something that the limit can be about. */
static bool is_about(const qns_gate_limit *limit, const qns_layer *l)
{
    const qns_gate_metric *m = &qns_gate_metrics[limit->metric];
    const qns_diff *d = diff_of(l, limit->scope);
    if (limit->scope != QNS_GATE_ACTIVATION && !d->present)
        return false;
    return !m->codes || !d->present || is_quantized(l, limit->scope) || !isnan(m->get(NULL, d));
}

static qns_status check_rule(qns_gate *g, const qns_gate_rule *rule)
{
    bool named, any = false;
    if (rule->optional)
        return QNS_OK;
    QNS_TRY(qns_gate_check_globs(g, rule->name, rule->n_name));
    QNS_TRY(qns_gate_check_globs(g, rule->except, rule->n_except));
    for (uint32_t k = 0; k < g->r->n_layers && !any; k++)
        any = matches(rule, &g->r->layer[k], &named);
    if (!any)
        return qns_gate_wrong(g, rule->line, "the rule matches no layer%s%.60s%s",
                              rule->op ? " of op '" : "", rule->op ? rule->op : "",
                              rule->op ? "'" : "");
    for (uint32_t i = 0; i < rule->n_limits; i++) {
        const qns_gate_limit *limit = &rule->limit[i];
        const qns_gate_metric *m = &qns_gate_metrics[limit->metric];
        bool about = limit->optional;
        for (uint32_t k = 0; k < g->r->n_layers && !about; k++)
            about = matches(rule, &g->r->layer[k], &named) &&
                    (named || is_about(limit, &g->r->layer[k]));
        if (!about && limit->scope == QNS_GATE_LOCAL && !m->codes)
            return qns_gate_wrong(g, rule->line,
                                  "no layer that the rule matches has a local error; make the "
                                  "result with 'qns shadow', or say 'optional: true'");
        if (!about)
            return qns_gate_wrong(g, rule->line,
                                  "'%s' of the %s: no layer that the rule matches has a%s %s",
                                  m->name, qns_gate_scope_text(limit->scope),
                                  m->codes                          ? " quantized"
                                  : limit->scope == QNS_GATE_WEIGHT ? ""
                                                                    : "n",
                                  qns_gate_scope_text(limit->scope));
    }
    return QNS_OK;
}

/* ---- judging ---- */

static void decide(const qns_gate *g, decided *d, const qns_layer *l)
{
    memset(d, 0, sizeof *d);
    for (uint32_t i = 0; i < g->rules->n_rules; i++) {
        const qns_gate_rule *rule = &g->rules->rule[i];
        bool named;
        if (!matches(rule, l, &named))
            continue;
        for (uint32_t k = 0; k < rule->n_limits; k++) {
            const qns_gate_limit *limit = &rule->limit[k];
            d->named[limit->scope] |= named;
            for (int kind = 0; kind < QNS_GATE_KINDS; kind++)
                if (!isnan(limit->value[kind]))
                    d->by[limit->scope][limit->metric][kind] = limit;
        }
    }
}

static qns_status judge_layer(qns_gate *g, const qns_layer *l)
{
    decided d;
    const qns_layer *before = g->base ? qns_baseline_find(&g->index, l) : NULL;
    decide(g, &d, l);
    for (int scope = QNS_GATE_WEIGHT; scope < SCOPES; scope++) {
        const qns_gate_scope sc = (qns_gate_scope)scope;
        const qns_gate_subject s = {.layer = l,
                                    .diff = diff_of(l, sc),
                                    .base_diff = before ? diff_of(before, sc) : NULL,
                                    .in_base = before != NULL,
                                    .quantized = is_quantized(l, sc),
                                    .named = d.named[scope]};
        /* Many operators have no weight, and comparisons no local error. One that lost it has one
         * in the baseline. */
        const bool lost = before && s.base_diff->present, may_lack = sc != QNS_GATE_ACTIVATION;
        if (may_lack && !s.diff->present && !s.named && !lost)
            continue;
        for (uint32_t m = 0; m < QNS_GATE_METRICS; m++)
            for (int kind = 0; kind < QNS_GATE_KINDS; kind++)
                if (d.by[scope][m][kind] &&
                    (!may_lack || s.diff->present || s.named || kind == QNS_GATE_CHANGE))
                    QNS_TRY(qns_gate_judge(g, &s, d.by[scope][m][kind], (qns_gate_kind)kind));
    }
    return QNS_OK;
}

/* A layer of the baseline that a rule with 'change' protects, and that is no longer compared. */
static qns_status judge_missing(qns_gate *g, const qns_layer *l)
{
    decided d;
    const qns_gate_limit *by = NULL;
    decide(g, &d, l);
    for (int scope = 0; scope < SCOPES; scope++)
        for (uint32_t m = 0; m < QNS_GATE_METRICS && !by; m++)
            by = d.by[scope][m][QNS_GATE_CHANGE];
    if (!by)
        return QNS_OK;
    qns_gate_check c = {.state = QNS_GATE_FAILED,
                        .id = "layer.missing",
                        .text = "compared in the baseline, missing in the result",
                        .advice = "the report's coverage tells which operators have no partner",
                        .line = by->line[QNS_GATE_CHANGE],
                        .value = NAN,
                        .limit = NAN,
                        .base = NAN};
    c.subject = qns_gate_text(g, "%s", l->name);
    return c.subject ? qns_gate_add(g, &c) : QNS_E_NOMEM;
}

static qns_status judge_all_missing(qns_gate *g)
{
    for (uint32_t i = 0; g->base && i < g->base->n_layers; i++)
        if (qns_map_get(&g->twice, g->base->layer[i].name) == QNS_MAP_NONE)
            QNS_TRY(judge_missing(g, &g->base->layer[i]));
    return QNS_OK;
}

qns_status qns_gate_layers(qns_gate *g)
{
    for (uint32_t i = 0; i < g->rules->n_rules; i++)
        QNS_TRY(check_rule(g, &g->rules->rule[i]));
    for (uint32_t i = 0; g->rules->n_rules && i < g->r->n_layers; i++)
        QNS_TRY(judge_layer(g, &g->r->layer[i]));
    return judge_all_missing(g);
}
