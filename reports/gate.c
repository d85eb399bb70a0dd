/* SPDX-License-Identifier: MIT */
#include "reports/gate.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "reports/gate_internal.h"
#include "reports/label.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- shared with the other gate files ---- */

const char *qns_gate_text(qns_gate *g, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    const int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *s = n < 0 ? NULL : qns_label_clean(g->arena, text);
    if (!s)
        qns_err_set(g->err, QNS_E_NOMEM, __FILE__, __LINE__, "cannot keep what the gate found");
    return s;
}

qns_status qns_gate_add(qns_gate *g, const qns_gate_check *c)
{
    if (g->n == g->cap) {
        const size_t cap = g->cap ? 2 * g->cap : 64;
        qns_gate_check *p = qns_realloc(g->check, cap, sizeof *p);
        if (!p)
            QNS_FAIL(g->err, NOMEM, "cannot keep %zu checks", cap);
        g->check = p;
        g->cap = cap;
    }
    g->check[g->n++] = *c;
    if (c->state == QNS_GATE_FAILED && g->verdict < QNS_GATE_REGRESSED)
        g->verdict = QNS_GATE_REGRESSED;
    return QNS_OK;
}

const char *qns_gate_subject_text(qns_gate *g, const qns_layer *l)
{
    if (!l)
        return "";
    if (qns_map_get(&g->twice, l->name) == 1)
        return qns_gate_text(g, "%.900s (operator %d)", l->name, (int)l->index);
    return qns_gate_text(g, "%s", l->name);
}

qns_status qns_gate_wrong(qns_gate *g, uint32_t line, const char *fmt, ...)
{
    char text[400];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    QNS_FAIL(g->err, CONFIG, "%s:%u: %s", g->rules->file, line, text);
}

/* ---- what holds always ---- */

qns_status qns_gate_add_failed(qns_gate *g, const char *id, const char *subject, const char *text,
                               const char *advice, uint32_t line)
{
    const qns_gate_check c = {QNS_GATE_FAILED, id, subject, text, advice, line, NAN, NAN, NAN};
    return id && subject && text && advice ? qns_gate_add(g, &c) : QNS_E_NOMEM;
}

/* NaN and infinity on the test side, beyond those that the float side has itself. */
static qns_status check_finite(qns_gate *g, const qns_layer *l, const qns_diff *d, const char *what)
{
    const bool only_flag =
        !d->nonfinite_test && d->flags & QNS_M_NONFINITE_TEST && !(d->flags & QNS_M_NONFINITE_REF);
    if (!d->present || (d->nonfinite_test <= d->nonfinite_ref && !only_flag))
        return QNS_OK;
    char count[32] = "some";
    if (!only_flag)
        snprintf(count, sizeof count, "%" PRIu64, d->nonfinite_test);
    g->verdict = QNS_GATE_BAD_DATA;
    return qns_gate_add_failed(
        g, "nan", qns_gate_subject_text(g, l),
        qns_gate_text(g, "NaN or infinity on the test side: %s values of the %s", count, what),
        "no number about this tensor means anything: find the operator that makes "
        "the first NaN",
        0);
}

static qns_status check_data(qns_gate *g)
{
    for (uint32_t i = 0; i < g->r->n_layers; i++) {
        const qns_layer *l = &g->r->layer[i];
        QNS_TRY(check_finite(g, l, &l->weight, "weight"));
        QNS_TRY(check_finite(g, l, &l->activation, "activation"));
    }
    return check_finite(g, NULL, &g->r->output.diff, "network's output");
}

static qns_status check_findings(qns_gate *g)
{
    const qns_gate_rules *rules = g->rules;
    for (uint32_t i = 0; rules->fail_on >= 0 && i < g->r->n_findings; i++) {
        const qns_finding *f = &g->r->finding[i];
        bool allowed = f->severity < rules->fail_on;
        for (uint32_t k = 0; k < rules->n_allow && !allowed; k++)
            allowed = strcmp(rules->allow[k], f->code) == 0;
        if (!allowed)
            QNS_TRY(qns_gate_add_failed(g, qns_gate_text(g, "finding.%s", f->code),
                                        qns_gate_text(g, "%s", f->subject),
                                        qns_gate_text(g, "%s", f->text),
                                        qns_gate_text(g, "%s", f->advice), rules->findings_line));
    }
    return QNS_OK;
}

static bool has_change(const qns_gate_limit *v, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (!isnan(v[i].value[QNS_GATE_CHANGE]))
            return true;
    return false;
}

bool qns_gate_uses_change(const qns_gate_rules *rules)
{
    bool used = has_change(rules->limit, rules->n_limits);
    for (uint32_t i = 0; i < rules->n_rules; i++)
        used |= has_change(rules->rule[i].limit, rules->rule[i].n_limits);
    return used;
}

static qns_status check_baseline(qns_gate *g, const qns_result *base, const char *file)
{
    char unknown[64];
    qns_err why = {0};
    if (!qns_gate_uses_change(g->rules))
        QNS_FAIL(g->err, CONFIG,
                 "%s: no rule has 'change', so that the baseline '%s' would not be used; add a "
                 "limit such as sqnr_db: {change: 0.5}",
                 g->rules->file, file);
    if (qns_baseline_check(unknown, sizeof unknown, g->r, base, &why) != QNS_OK) {
        g->refused = true;
        g->verdict = QNS_GATE_NOT_COMPARABLE;
        return qns_gate_add_failed(g, "baseline", "", qns_gate_text(g, "%s", why.text),
                                   "nothing was compared with the baseline", 0);
    }
    if (unknown[0]) {
        const qns_gate_check c = {.state = QNS_GATE_SKIPPED,
                                  .id = "baseline",
                                  .subject = "",
                                  .text = qns_gate_text(g,
                                                        "nobody can tell whether the baseline is "
                                                        "of the same %s: neither file says",
                                                        unknown),
                                  .advice = "",
                                  .value = NAN,
                                  .limit = NAN,
                                  .base = NAN};
        QNS_TRY(c.text ? qns_gate_add(g, &c) : QNS_E_NOMEM);
    }
    QNS_TRY(qns_baseline_init(&g->index, base, g->err));
    g->base = base;
    return QNS_OK;
}

/* Rules about the output and the coverage. */
static qns_status check_network(qns_gate *g)
{
    for (uint32_t i = 0; i < g->rules->n_limits; i++) {
        const qns_gate_limit *l = &g->rules->limit[i];
        const bool output = l->scope == QNS_GATE_OUTPUT;
        if (qns_gate_metrics[l->metric].figure)
            continue;
        const qns_gate_subject s = {.diff = output ? &g->r->output.diff : NULL,
                                    .base_diff = output && g->base ? &g->base->output.diff : NULL,
                                    .in_base = g->base != NULL};
        for (int kind = 0; kind < QNS_GATE_KINDS; kind++)
            if (!isnan(l->value[kind]))
                QNS_TRY(qns_gate_judge(g, &s, l, (qns_gate_kind)kind));
    }
    return QNS_OK;
}

static qns_status run_checks(qns_gate *g, const qns_result *baseline, const char *baseline_file)
{
    QNS_TRY(qns_gate_skip_sections(g));
    if (!g->r)
        return qns_gate_figures(g);
    for (uint32_t i = 0; i < g->r->n_layers; i++) {
        const char *name = g->r->layer[i].name;
        const bool again = qns_map_get(&g->twice, name) != QNS_MAP_NONE;
        QNS_TRY(qns_map_put(&g->twice, name, again, g->err));
    }
    QNS_TRY(check_data(g));
    if (baseline)
        QNS_TRY(check_baseline(g, baseline, baseline_file));
    QNS_TRY(check_network(g));
    QNS_TRY(qns_gate_changes(g));
    QNS_TRY(check_findings(g));
    return qns_gate_layers(g);
}

/* ---- the outcome ---- */

static qns_status new_outcome(qns_gate_outcome **out, qns_gate *g, qns_err *err)
{
    void *p;
    QNS_TRY(qns_new(&p, 1, sizeof **out, err));
    *out = p;
    QNS_TRY(qns_arena_create(&(*out)->arena, err));
    g->arena = (*out)->arena;
    g->err = err;
    return QNS_OK;
}

/* Failed, skipped, passed; each in the order of checking. */
static qns_status put_checks(qns_gate_outcome *o, qns_gate *g)
{
    void *p;
    uint32_t count[3] = {0}, at = 0;
    QNS_TRY(qns_arena_new(&p, g->arena, g->n ? g->n : 1, sizeof *o->check, g->err));
    qns_gate_check *to = p;
    for (int state = 0; state < 3; state++)
        for (size_t i = 0; i < g->n; i++)
            if ((int)g->check[i].state == state) {
                to[at++] = g->check[i];
                count[state]++;
            }
    o->check = to;
    o->n_checks = at;
    o->n_failed = count[QNS_GATE_FAILED];
    o->n_skipped = count[QNS_GATE_SKIPPED];
    return QNS_OK;
}

static qns_status finish(qns_gate_outcome *o, qns_gate *g, const char *result, const char *rules,
                         const char *baseline)
{
    static const char *const say[] = {"passed", "regressed", "not comparable", "bad data"};
    QNS_TRY(put_checks(o, g));
    o->verdict = g->verdict;
    o->result = qns_gate_text(g, "%s", result);
    o->rules = qns_gate_text(g, "%s", rules);
    o->baseline = qns_gate_text(g, "%s", baseline);
    qns_gist gist = {.test = ""};
    if (g->other.kind)
        g->other.kind->gist(&gist, g->other.of);
    o->model = qns_gate_text(g, "%s", g->r ? g->r->test.model : gist.test);
    o->samples = g->r ? g->r->samples : gist.samples;
    char skipped[48] = "";
    if (o->n_skipped)
        snprintf(skipped, sizeof skipped, ", %u skipped", o->n_skipped);
    if (o->n_failed)
        o->headline = qns_gate_text(g, "gate: %s: %u of %u checks failed%s", say[g->verdict],
                                    o->n_failed, o->n_checks, skipped);
    else
        o->headline = qns_gate_text(g, "gate: %s: %u checks%s", say[g->verdict],
                                    o->n_checks - o->n_skipped, skipped);
    return o->result && o->rules && o->baseline && o->model && o->headline ? QNS_OK : QNS_E_NOMEM;
}

qns_status qns_gate_judge_all(qns_gate_outcome **out, qns_gate *g, const char *result_file,
                              const qns_result *baseline, const char *baseline_file, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_err ours = {0};
    qns_gate_outcome *o = NULL;
    err = err ? err : &ours;
    QNS_TRY_DONE(new_outcome(&o, g, err));
    QNS_TRY_DONE(run_checks(g, baseline, baseline_file));
    QNS_TRY_DONE(finish(o, g, result_file, g->rules->file, baseline ? baseline_file : ""));
    *out = o;
    o = NULL;
done:
    qns_baseline_fini(&g->index);
    qns_map_fini(&g->twice);
    qns_free(g->check);
    qns_gate_free(o);
    return st;
}

qns_status qns_gate_run(qns_gate_outcome **out, const qns_result *r, const char *result_file,
                        const qns_gate_rules *rules, const qns_result *baseline,
                        const char *baseline_file, qns_err *err)
{
    qns_gate g = {.r = r, .rules = rules};
    return qns_gate_judge_all(out, &g, result_file, baseline, baseline_file, err);
}

qns_status qns_gate_run_any(qns_gate_outcome **out, const qns_any_result *r,
                            const char *result_file, const qns_gate_rules *rules,
                            const qns_result *baseline, const char *baseline_file, qns_err *err)
{
    const bool three = r->kind == &qns_kind_regression;
    if (baseline && three)
        QNS_FAIL(err, CONFIG,
                 "'%s' has its old side already; --baseline is for results of two captures",
                 result_file);
    if (baseline && !r->kind->is_result)
        QNS_FAIL(err, CONFIG, "'%s' is a %s result; --baseline is for results of two captures",
                 result_file, r->kind->name);
    if (three)
        return qns_gate_run_regression(out, r->of, result_file, rules, err);
    if (r->kind->is_result)
        return qns_gate_run(out, r->of, result_file, rules, baseline, baseline_file, err);
    qns_gate g = {.other = *r, .rules = rules};
    return qns_gate_judge_all(out, &g, result_file, NULL, "", err);
}

qns_status qns_gate_refuse(qns_gate_outcome **out, const qns_err *why, const char *result_file,
                           const char *rules_file, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_gate_outcome *o = NULL;
    qns_gate g = {.verdict =
                      why->code == QNS_E_MISMATCH ? QNS_GATE_NOT_COMPARABLE : QNS_GATE_BAD_DATA};
    QNS_TRY_DONE(new_outcome(&o, &g, err));
    QNS_TRY_DONE(qns_gate_add_failed(
        &g, "result", "",
        qns_gate_text(&g, "%s%s%s", why->trail, why->trail[0] ? ": " : "", why->text),
        "make the result again with 'qns compare FLOAT.h5 QUANT.h5 -o "
        "RESULT.json'",
        0));
    QNS_TRY_DONE(finish(o, &g, result_file, rules_file, ""));
    *out = o;
    o = NULL;
done:
    qns_free(g.check);
    qns_gate_free(o);
    return st;
}

void qns_gate_free(qns_gate_outcome *o)
{
    if (!o)
        return;
    qns_arena_free(o->arena);
    qns_free(o);
}
