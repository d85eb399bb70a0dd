/* SPDX-License-Identifier: MIT */
/* A selftest as a report: a matrix of faults and layers, the least caught first. */
#include "core/base/mem.h"
#include "reports/build.h"
#include "reports/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct maker {
    qns_build b;
    const qns_selftest *t;
    uint32_t shown; /* layers that have a column */
} maker;

enum { FAULT, FIRST_LAYER, MOST_LAYERS = 6, BEHIND = 4 };

static const char *state_text(const qns_fault_try *a)
{
    static const char *const narrow[] = {"-", "same", "missed", "caught", "left"};
    return narrow[a->state];
}

static int level_of(qns_try_state s)
{
    return s == QNS_TRY_MISSED    ? QNS_V_BAD
           : s == QNS_TRY_SKIPPED ? QNS_V_WATCH
           : s == QNS_TRY_CAUGHT  ? QNS_V_OK
                                  : QNS_LEVEL_NONE;
}

static const char *verdict_of(const qns_fault_line *l)
{
    return l->possible == 0           ? "not tried"
           : l->caught == l->possible ? "caught"
           : l->caught == 0           ? "missed"
                                      : "partly";
}

static int verdict_level(const qns_fault_line *l)
{
    return l->possible == 0           ? QNS_LEVEL_NONE
           : l->caught == l->possible ? QNS_V_OK
           : l->caught == 0           ? QNS_V_BAD
                                      : QNS_V_WATCH;
}

static const char *of(qns_build *b, uint32_t n, uint32_t all)
{
    return all ? qns_build_text(b, "%u/%u", n, all) : "-";
}

static const char *lost(qns_build *b, double db)
{
    return isnan(db) ? "-" : isinf(db) ? "all" : qns_build_text(b, "%.2f dB", db);
}

static qns_facts try_facts(maker *m, uint32_t k, const qns_fault_try *a)
{
    qns_build *b = &m->b;
    qns_fact *f = qns_build_get(b, 12, sizeof *f);
    qns_facts out = {m->t->layer[k], f, 0};
    if (!f)
        return out;
    out.title = qns_build_text(b, "L%u %s", k + 1, m->t->layer[k]);
    qns_build_fact(b, f, &out.n, "the gate", qns_try_text(a->state));
    qns_build_fact(b, f, &out.n, "by rule", qns_build_text(b, "%s", a->rule));
    qns_build_fact(b, f, &out.n, a->state == QNS_TRY_CAUGHT ? "first check" : "why",
                   qns_build_text(b, "%s", a->text));
    if (a->state != QNS_TRY_CAUGHT && a->state != QNS_TRY_MISSED)
        return out;
    qns_build_fact(b, f, &out.n, "checks that fail", qns_build_text(b, "%u", a->checks));
    qns_build_fact(b, f, &out.n, "most local loss here", a->first ? "yes" : "no");
    qns_build_fact(b, f, &out.n, "named by", a->named ? qns_build_text(b, "%s", a->finding) : "-");
    qns_build_fact(b, f, &out.n, "another finding",
                   a->named ? "-" : qns_build_text(b, "%s", a->finding));
    qns_build_fact(b, f, &out.n, "lost, local", lost(b, a->local_lost_db));
    qns_build_fact(b, f, &out.n, "lost, weight", lost(b, a->weight_lost_db));
    qns_build_fact(b, f, &out.n, "lost, output of the layer", lost(b, a->activation_lost_db));
    qns_build_fact(b, f, &out.n, "lost, network", lost(b, a->output_lost_db));
    return out;
}

static void build_row(maker *m, qns_row *row, uint32_t f)
{
    qns_build *b = &m->b;
    const qns_fault_line *l = &m->t->fault[f];
    const uint32_t n = m->t->n_layers;
    qns_cell *c = qns_build_get(b, 1 + m->shown + BEHIND, sizeof *c);
    qns_facts *facts = qns_build_get(b, n, sizeof *facts);
    if (!c || !facts)
        return;
    uint32_t at = FIRST_LAYER;
    c[FAULT] = qns_build_cell(qns_build_text(b, "%s", l->name), NAN);
    for (uint32_t k = 0; k < m->shown; k++) {
        const qns_fault_try *a = &m->t->attempt[(size_t)f * n + k];
        c[at] = qns_build_cell(state_text(a), NAN);
        c[at++].level = level_of(a->state);
    }
    c[at++] = qns_build_cell(of(b, l->caught, l->possible), l->caught);
    c[at++] = qns_build_cell(of(b, l->first, l->possible), l->first);
    c[at++] = qns_build_cell(of(b, l->named, l->possible), l->named);
    c[at] = qns_build_cell(verdict_of(l), NAN);
    c[at].level = verdict_level(l);
    for (uint32_t k = 0; k < n; k++)
        facts[k] = try_facts(m, k, &m->t->attempt[(size_t)f * n + k]);
    *row = (qns_row){c, verdict_level(l), qns_build_text(b, "%s", l->advice), facts, n};
}

typedef struct rank_key {
    double caught; /* share; what was not tried comes last */
    uint32_t fault;
} rank_key;

static int by_caught(const void *x, const void *y)
{
    const rank_key *a = x, *b = y;
    if (a->caught != b->caught)
        return a->caught < b->caught ? -1 : 1;
    return (a->fault > b->fault) - (a->fault < b->fault);
}

static void build_table(maker *m)
{
    static const char *const groups[] = {"missed", "partly", "caught", "not tried"};
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    const uint32_t n_columns = 1 + m->shown + BEHIND;
    qns_column *col = qns_build_get(b, n_columns, sizeof *col);
    qns_row *row = qns_build_get(b, t->n_faults, sizeof *row);
    rank_key *key = qns_build_get(b, t->n_faults, sizeof *key);
    if (!col || !row || !key)
        return;
    col[FAULT] = (qns_column){"fault", "", "What was done to the layer", false, false};
    for (uint32_t k = 0; k < m->shown; k++)
        col[FIRST_LAYER + k] =
            (qns_column){qns_build_text(b, "L%u", k + 1), "", t->layer[k], false, false};
    const uint32_t at = FIRST_LAYER + m->shown;
    col[at] = (qns_column){"caught", "", "Tries that the gate caught", true, false};
    col[at + 1] = (qns_column){"first", "", "Tries in which this layer lost the most local SQNR",
                               true, false};
    col[at + 2] =
        (qns_column){"named", "", "Tries in which a finding named the fault", true, false};
    col[at + 3] = (qns_column){"verdict", "", "caught, partly or missed", false, false};
    for (uint32_t f = 0; f < t->n_faults; f++)
        key[f] = (rank_key){
            t->fault[f].possible ? (double)t->fault[f].caught / t->fault[f].possible : 2, f};
    qsort(key, t->n_faults, sizeof *key, by_caught);
    for (uint32_t f = 0; f < t->n_faults; f++)
        build_row(m, &row[f], key[f].fault);
    b->report->heading = "faults, the least caught first";
    b->report->intro =
        "Each fault was put into each layer, one at a time, and the gate judged the faulty model.";
    b->report->groups = groups;
    b->report->n_groups = QNS_ARRAY_LEN(groups);
    b->report->layers = (qns_table){col, n_columns, row, t->n_faults, FAULT};
}

static void build_head(maker *m)
{
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    const char *model = t->test.model[0] ? t->test.model : t->test.file;
    b->report->title = qns_build_text(b, "%s", model);
    b->report->subtitle =
        qns_build_text(b, "%s on %s against %s (float), %s samples, %u shadow runs", t->rules,
                       model, t->ref.model[0] ? t->ref.model : t->ref.file,
                       qns_build_count(b, (uint64_t)t->samples), t->runs);
    b->report->verdict = qns_build_text(
        b, "the gate catches %u of %u faults; the faulty layer shows first in %u, is named in %u",
        t->caught, t->possible, t->first, t->named);
    b->report->level = t->possible == 0               ? QNS_LEVEL_NONE
                       : t->caught == t->possible     ? QNS_V_OK
                       : 2 * t->caught >= t->possible ? QNS_V_WATCH
                                                      : QNS_V_BAD;
}

static const char *clean_text(maker *m)
{
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    const char *output =
        isnan(t->clean_output_db) ? "" : qns_build_text(b, "; output %.1f dB", t->clean_output_db);
    if (t->clean_failed == 0)
        return qns_build_text(b, "passes%s", output);
    return qns_build_text(b, "fails %u checks without any fault, the first: %s%s", t->clean_failed,
                          t->clean_text, output);
}

static void build_lines(maker *m)
{
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    qns_fact *f = qns_build_get(b, 4 + t->n_layers, sizeof *f);
    uint32_t n = 0;
    if (!f)
        return;
    f[n++] = (qns_fact){"tested", b->report->subtitle};
    f[n++] = (qns_fact){"clean", clean_text(m)};
    if (t->skipped)
        f[n++] = (qns_fact){"budget", qns_build_text(b, "%u tries were left out", t->skipped)};
    for (uint32_t k = 0; k < t->n_layers; k++)
        f[n++] = (qns_fact){qns_build_text(b, "L%u", k + 1),
                            qns_build_text(b, "%s, local %.1f dB without a fault", t->layer[k],
                                           t->clean_local_db[k])};
    b->report->line = f;
    b->report->n_lines = n;
}

static void build_answers(maker *m)
{
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    const qns_fault_line *worst = NULL;
    qns_fact *a = qns_build_get(b, 3, sizeof *a);
    if (!a)
        return;
    for (uint32_t f = 0; f < t->n_faults; f++)
        if (t->fault[f].caught < t->fault[f].possible &&
            (!worst || (uint64_t)t->fault[f].caught * worst->possible <
                           (uint64_t)worst->caught * t->fault[f].possible))
            worst = &t->fault[f];
    a[0] = (qns_fact){"What is missed",
                      worst ? qns_build_text(b, "%s: %s (caught %u of %u).", worst->name,
                                             worst->what, worst->caught, worst->possible)
                            : "Nothing that was tried."};
    a[1] = (qns_fact){"The model as it is", clean_text(m)};
    a[2] = (qns_fact){"What to do", worst ? qns_build_text(b, "%s", worst->advice)
                                          : "Nothing: keep these rules."};
    b->report->answer = a;
    b->report->n_answers = 3;
}

static void build_cards(maker *m)
{
    qns_build *b = &m->b;
    const qns_selftest *t = m->t;
    qns_card *c = qns_build_get(b, 5, sizeof *c);
    if (!c)
        return;
    c[0] = (qns_card){"Caught", of(b, t->caught, t->possible), "faults that fail the gate",
                      b->report->level};
    c[1] = (qns_card){"Shows first", of(b, t->first, t->possible),
                      "the faulty layer lost the most local SQNR", QNS_LEVEL_NONE};
    c[2] = (qns_card){"Named", of(b, t->named, t->possible), "a finding names the fault",
                      QNS_LEVEL_NONE};
    c[3] = (qns_card){"Clean model", t->clean_failed ? "fails" : "passes",
                      qns_build_text(b, "%u checks fail without a fault", t->clean_failed),
                      t->clean_failed ? QNS_V_WATCH : QNS_V_OK};
    c[4] =
        (qns_card){"Runs", qns_build_count(b, t->runs),
                   t->skipped ? qns_build_text(b, "%u tries left out", t->skipped) : "shadow runs",
                   QNS_LEVEL_NONE};
    b->report->card = c;
    b->report->n_cards = 5;
}

static void build_guide(maker *m)
{
    qns_fact *f = qns_build_get(&m->b, m->t->n_faults, sizeof *f);
    for (uint32_t i = 0; f && i < m->t->n_faults; i++)
        f[i] = (qns_fact){qns_build_text(&m->b, "%s", m->t->fault[i].name),
                          qns_build_text(&m->b, "%s", m->t->fault[i].what)};
    m->b.report->guide = f;
    m->b.report->n_guide = f ? m->t->n_faults : 0;
}

qns_status qns_selftest_report(qns_report **out, const qns_selftest *t, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    QNS_TRY_DONE(qns_new((void **)&report, 1, sizeof *report, err));
    QNS_TRY_DONE(qns_arena_create(&report->arena, err));
    report->kind = qns_kind_find("selftest");
    report->of = t;
    report->qns = t->qns;
    maker m = {{report, report->arena, NULL, false},
               t,
               t->n_layers < MOST_LAYERS ? t->n_layers : MOST_LAYERS};
    build_head(&m);
    build_lines(&m);
    build_answers(&m);
    build_cards(&m);
    build_table(&m);
    build_guide(&m);
    if (m.b.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot build a report of %u faults", t->n_faults);
    *out = report;
    report = NULL;
done:
    qns_report_free(report);
    return st;
}
