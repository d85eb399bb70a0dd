/* SPDX-License-Identifier: MIT */
/* The report of a search: what stays in float, what it costs, whether it holds. */
#include "reports/build_search.h"

#include "core/base/mem.h"
#include "reports/build.h"
#include "reports/kind.h"
#include "reports/search_json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static double value_of(const qns_search_result *r, const qns_search_trial *t)
{
    return qns_search_value(&t->score, r->target.metric);
}

/* "4.12 % of the MACs" */
static const char *cost_text(qns_build *b, const qns_search_result *r, const double cost[QNS_COSTS],
                             qns_cost c)
{
    static const char *const of[QNS_COSTS] = {"of the MACs", "of the bytes", "of the time",
                                              "of the layers"};
    return qns_build_text(b, "%s %% %s", qns_build_percent(b, qns_search_share(r, cost, c)), of[c]);
}

static int level_of(const qns_search_result *r)
{
    if (!qns_search_met(r) || r->check.verdict == QNS_CHECK_REFUTED)
        return QNS_V_BAD;
    return r->check.verdict == QNS_CHECK_VERIFIED ? QNS_V_OK : QNS_V_WATCH;
}

/* "verified on 75 other samples: 25.9 dB, 95 % interval 25.1 to 26.8 dB" */
static const char *check_text(qns_build *b, const qns_search_result *r)
{
    const qns_search_check *c = &r->check;
    const char *data =
        qns_build_text(b, "%s other samples", qns_build_count(b, (uint64_t)c->samples));
    if (c->samples == 0)
        return "not verified: nothing was measured on other samples";
    if (r->target.metric == QNS_TARGET_EVAL)
        return qns_build_text(b,
                              "not verified: the command measures on data of its own (output SQNR "
                              "on %s: %.2f dB)",
                              data, c->mixed.sqnr_db);
    if (!c->interval.method)
        return qns_build_text(b, "not verified: no number on %s", data);
    const char *range = qns_build_text(
        b, "%s, 95 %% interval %s to %s", qns_build_value(b, r, c->interval.value),
        qns_build_value(b, r, c->interval.lo), qns_build_value(b, r, c->interval.hi));
    if (c->verdict == QNS_CHECK_VERIFIED)
        return qns_build_text(b, "verified on %s: %s", data, range);
    if (c->verdict == QNS_CHECK_UNDECIDED)
        return qns_build_text(
            b, "not verified: on %s %s, which holds the limit; more samples, or a harder target",
            data, range);
    return qns_build_text(b, "not verified, and refuted: on %s %s", data, range);
}

static const char *reached(qns_build *b, const qns_search_result *r)
{
    const qns_search_trial *t = qns_search_best(r);
    return qns_build_text(b, "%s %s", qns_target_name(r->target.metric),
                          qns_build_value(b, r, value_of(r, t)));
}

static void build_head(qns_build *b, const qns_search_result *r)
{
    const qns_search_trial *t = qns_search_best(r);
    char target[64];
    qns_target_text(target, &r->target);
    b->report->title = qns_build_text(b, "%s", r->model[0] ? r->model : "search");
    b->report->subtitle = qns_build_text(
        b,
        "%s on %s; %u layers can be int8; searched with %s samples of %s, calibrated with %s of %s",
        r->model, r->backend[0] ? r->backend : "?", r->n_units,
        qns_build_count(b, (uint64_t)r->samples), r->data,
        qns_build_count(b, (uint64_t)r->calib_samples), r->calib);
    b->report->level = level_of(r);
    if (!qns_search_met(r))
        b->report->verdict = qns_build_text(
            b, "target %s not met: the best found is %s, with %u of %u layers in float", target,
            reached(b, r), t->n_units, r->n_units);
    else if (t->n_units == 0)
        b->report->verdict = qns_build_text(b, "target %s met with everything in int8: %s; %s",
                                            target, reached(b, r), check_text(b, r));
    else
        b->report->verdict = qns_build_text(
            b, "target %s met with %u of %u layers in float (%s): %s; %s", target, t->n_units,
            r->n_units, cost_text(b, r, t->cost, r->by_cost), reached(b, r), check_text(b, r));
}

/* Top-1 where there are labels, else the target's number. */
static const char *before_after(qns_build *b, const qns_search_result *r)
{
    const qns_search_check *c = &r->check;
    const qns_search_trial *before = &r->trial[r->int8], *after = qns_search_best(r);
    const char *s = qns_build_text(
        b, "%s: int8 %s, with the layers in float %s.", qns_target_name(r->target.metric),
        qns_build_value(b, r, value_of(r, before)), qns_build_value(b, r, value_of(r, after)));
    if (isnan(c->top1))
        return s;
    return qns_build_text(
        b, "%s On the samples of the check, top-1: float %.2f %%, int8 %.2f %%, mixed %.2f %%.", s,
        100 * c->ref_top1, 100 * c->int8_top1, 100 * c->top1);
}

static const char *next_step(qns_build *b, const qns_search_result *r)
{
    if (!qns_search_met(r))
        return r->end == QNS_SEARCH_IMPOSSIBLE
                   ? "Not even the float model meets the target: lower it."
                   : "Give the search a larger budget; it goes on where it stopped.";
    if (r->n_units == 0 || qns_search_best(r)->n_units == 0)
        return "Quantize everything: qns quantize MODEL -d CALIB -o QUANT.onnx";
    return qns_build_text(b,
                          "qns quantize %s -d CALIB -q %s -o MIXED.onnx; for another tool: qns "
                          "skiplist %s --model %s --to onnxruntime",
                          r->model, r->qconfig[0] ? r->qconfig : "QCONFIG.yaml",
                          r->qconfig[0] ? r->qconfig : "QCONFIG.yaml", r->model);
}

static void build_answers(qns_build *b, const qns_search_result *r)
{
    const qns_search_trial *t = qns_search_best(r);
    qns_fact *a = qns_build_get(b, 4, sizeof *a);
    if (!a)
        return;
    a[0] = (qns_fact){"Which layers", qns_search_names(b, r, t, 12)};
    a[1] = (qns_fact){"How much", before_after(b, r)};
    a[2] = (qns_fact){"What it costs", qns_build_text(b, "%s and %s in float.",
                                                      cost_text(b, r, t->cost, QNS_COST_MACS),
                                                      cost_text(b, r, t->cost, QNS_COST_BYTES))};
    a[3] = (qns_fact){"What to do", next_step(b, r)};
    b->report->answer = a;
    b->report->n_answers = 4;
}

static void build_cards(qns_build *b, const qns_search_result *r)
{
    const qns_search_trial *t = qns_search_best(r);
    const qns_search_check *k = &r->check;
    const bool met = qns_search_met(r);
    char target[64];
    qns_card *c = qns_build_get(b, 5, sizeof *c);
    if (!c)
        return;
    c[0] = (qns_card){"Reached", qns_build_value(b, r, value_of(r, t)),
                      qns_build_text(b, "target %s", qns_target_text(target, &r->target)),
                      met ? QNS_V_OK : QNS_V_BAD};
    c[1] = (qns_card){"Before", qns_build_value(b, r, value_of(r, &r->trial[r->int8])),
                      "everything in int8", QNS_LEVEL_NONE};
    c[2] = (qns_card){"In float", qns_build_text(b, "%u of %u", t->n_units, r->n_units),
                      qns_build_text(b, "layers, %s", cost_text(b, r, t->cost, r->by_cost)),
                      QNS_LEVEL_NONE};
    c[3] = (qns_card){"On other samples",
                      k->interval.method ? qns_build_value(b, r, k->interval.value) : "-",
                      qns_build_text(b, "%s", qns_search_verdict_text(k->verdict)),
                      k->verdict == QNS_CHECK_VERIFIED    ? QNS_V_OK
                      : k->verdict == QNS_CHECK_REFUTED   ? QNS_V_BAD
                      : k->verdict == QNS_CHECK_UNDECIDED ? QNS_V_WATCH
                                                          : QNS_LEVEL_NONE};
    c[4] = (qns_card){
        "Trials", qns_build_text(b, "%u", r->n_trials),
        qns_build_text(b, "%u run in %.1f s, %u from the log", r->runs, r->seconds, r->logged),
        QNS_LEVEL_NONE};
    b->report->card = c;
    b->report->n_cards = 5;
}

/* ---- findings ---- */

static void find(qns_build *b, const char *code, int level, const char *text, const char *next)
{
    static const char *const severity[] = {"note", "warning", "error"};
    qns_advice *a = (qns_advice *)(uintptr_t)b->report->advice;
    if (!b->failed)
        a[b->report->n_advice++] =
            (qns_advice){code, severity[level], "", text, next, level ? level : QNS_LEVEL_NONE};
}

static void build_findings(qns_build *b, const qns_search_result *r)
{
    const qns_search_trial *t = qns_search_best(r);
    b->report->advice = qns_build_get(b, 6, sizeof *b->report->advice);
    if (r->end == QNS_SEARCH_IMPOSSIBLE)
        find(b, "TARGET_OUT_OF_REACH", 2,
             qns_build_text(b,
                            "not even with every layer in float is the target met; the best is %s",
                            reached(b, r)),
             "lower the target, or look at the float model");
    if (r->end == QNS_SEARCH_BUDGET)
        find(b, "BUDGET_SPENT", 1,
             qns_build_text(b, "the budget ended the search after %u runs: this is the best so far",
                            r->runs),
             "repeat the command with a larger --budget: the log keeps what was run");
    if (r->check.verdict == QNS_CHECK_REFUTED)
        find(b, "NOT_CONFIRMED", 2, check_text(b, r),
             "the search fitted its own samples: search with more of them");
    if (r->check.verdict == QNS_CHECK_UNDECIDED)
        find(b, "UNDECIDED", 1, check_text(b, r),
             "give more data with --verify, or a target with a margin");
    if (qns_search_met(r) && t->n_units == r->n_units && r->n_units)
        find(b, "ALL_FLOAT", 1, "only with every layer in float is the target met",
             "lower the target, or change the qconfig (observers, per-channel weights)");
}

static void build_summary(qns_build *b, const qns_search_result *r)
{
    b->report->label = "searched";
    build_head(b, r);
    build_answers(b, r);
    build_cards(b, r);
    build_findings(b, r);
}

/* ---- the kind ---- */

static qns_status from_json(void **out, const json_t *doc, qns_err *err)
{
    return qns_search_from_doc((qns_search_result **)out, doc, err);
}

static qns_status to_json(qns_str *out, const void *of, bool compact, qns_err *err)
{
    return qns_search_to_json(out, of, compact, err);
}

static void free_result(void *of)
{
    qns_search_result_free(of);
}

static qns_status build(qns_report **out, const void *of, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    const qns_search_result *r = of;
    QNS_TRY_DONE(qns_new((void **)&report, 1, sizeof *report, err));
    QNS_TRY_DONE(qns_arena_create(&report->arena, err));
    report->kind = &qns_kind_search;
    report->of = r;
    report->qns = r->qns;
    qns_build b = {report, report->arena, NULL, false};
    build_summary(&b, r);
    qns_build_search_tables(&b, r);
    if (!b.failed)
        QNS_TRY_DONE(qns_build_search_plot(&b, r, err));
    if (b.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot build a report of %u layers", r->n_units);
    *out = report;
    report = NULL;
done:
    qns_report_free(report);
    return st;
}

static void gist(qns_gist *out, const void *of)
{
    const qns_search_result *r = of;
    *out = (qns_gist){.qns = r->qns,
                      .ref = "",
                      .test = r->model,
                      .was = "",
                      .samples = r->samples,
                      .layers = r->n_units};
    snprintf(out->outcome, sizeof out->outcome, "target %s with %u layers in float",
             qns_search_met(r) ? "met" : "not met", qns_search_best(r)->n_units);
}

static qns_status layers(qns_result **out, const void *of, qns_err *err)
{
    return qns_search_layers(out, of, err);
}

const qns_kind qns_kind_search = {.name = "search",
                                  .from_json = from_json,
                                  .to_json = to_json,
                                  .free = free_result,
                                  .build = build,
                                  .gist = gist,
                                  .layers = layers};
