/* SPDX-License-Identifier: MIT */
/* Judging a result of three captures. It is seen as two results of two sides, the old and the new
 * one, so that all rules mean the same for both kinds; 'regression' is about what changed. */
#include "core/base/mem.h"
#include "reports/gate_internal.h"

#include <math.h>
#include <string.h>

/* ---- rules about changes ---- */

static bool counts(const qns_gate *g, const qns_changed *l)
{
    const qns_gate_regression *rule = &g->rules->regression;
    const double q = isnan(rule->q) ? g->changes->fdr : rule->q;
    const double least =
        isnan(rule->min_change_db) ? g->changes->min_change_db : rule->min_change_db;
    if (qns_gate_match(rule->except, rule->n_except, l->name, l->origin, l->n_origin))
        return false;
    if (l->change == QNS_NEWLY_UNMATCHED || l->change == QNS_NEWLY_MATCHED)
        return false;
    /* Without a limit of its own the verdict of the result holds, NaN and weights included. */
    if (isnan(rule->q) && isnan(rule->min_change_db))
        return l->change == QNS_REGRESSED;
    if (l->change == QNS_REGRESSED && l->now.nonfinite_test > l->was.nonfinite_test)
        return true;
    const bool tested = l->test.n > 0;
    return l->change_db < 0 && l->change_db <= -least && (!tested || l->q <= q);
}

static qns_status add_count(qns_gate *g, const char *id, uint32_t n, double most, const char *what,
                            uint32_t line)
{
    const bool ok = n <= most;
    const qns_gate_check c = {.state = ok ? QNS_GATE_PASSED : QNS_GATE_FAILED,
                              .id = id,
                              .subject = "",
                              .text =
                                  qns_gate_text(g, "%u layers %s, allowed are %.0f", n, what, most),
                              .advice = ok ? "" : "the layers are listed below",
                              .line = line,
                              .value = n,
                              .limit = most,
                              .base = NAN};
    return c.text ? qns_gate_add(g, &c) : QNS_E_NOMEM;
}

static qns_status add_layer(qns_gate *g, const char *id, const qns_changed *l, const char *text,
                            uint32_t line)
{
    return qns_gate_add_failed(g, id, qns_gate_text(g, "%s", l->name), text,
                               qns_gate_text(g, "%s", l->advice), line);
}

static qns_status judge_regressed(qns_gate *g)
{
    const qns_gate_regression *rule = &g->rules->regression;
    const qns_regression *r = g->changes;
    uint32_t n = 0;
    if (isnan(rule->max_regressed))
        return QNS_OK;
    for (uint32_t i = 0; i < r->n_layers; i++)
        n += counts(g, &r->layer[i]);
    QNS_TRY(add_count(g, "regression.max_regressed", n, rule->max_regressed, "regressed",
                      rule->regressed_line));
    for (uint32_t i = 0; n > rule->max_regressed && i < r->n_layers; i++) {
        const qns_changed *l = &r->layer[r->ranking[i]];
        if (counts(g, l))
            QNS_TRY(add_layer(g, "regression.regressed", l,
                              qns_gate_text(g, "SQNR changed by %+.2f dB (%.2f to %.2f, q = %.2g)",
                                            l->change_db, l->test.lo, l->test.hi, l->q),
                              rule->regressed_line));
    }
    return QNS_OK;
}

static qns_status judge_unmatched(qns_gate *g)
{
    const qns_gate_regression *rule = &g->rules->regression;
    const qns_regression *r = g->changes;
    if (isnan(rule->max_unmatched))
        return QNS_OK;
    const uint32_t n = r->n[QNS_NEWLY_UNMATCHED];
    QNS_TRY(add_count(g, "regression.max_unmatched", n, rule->max_unmatched, "lost their partner",
                      rule->unmatched_line));
    for (uint32_t i = 0; n > rule->max_unmatched && i < r->n_layers; i++)
        if (r->layer[i].change == QNS_NEWLY_UNMATCHED)
            QNS_TRY(add_layer(g, "regression.unmatched", &r->layer[i],
                              "compared before, without a partner now", rule->unmatched_line));
    return QNS_OK;
}

static qns_status judge_flips(qns_gate *g, const char *id, const char *what, const qns_flips *f)
{
    const qns_gate_regression *rule = &g->rules->regression;
    const double q = isnan(rule->q) ? g->changes->fdr : rule->q;
    const bool fell = f->now < f->was && f->p <= q;
    const qns_gate_check c = {
        .state = fell ? QNS_GATE_FAILED : QNS_GATE_PASSED,
        .id = id,
        .subject = "",
        .text = qns_gate_text(
            g, "%s was %.4g and is %.4g: %llu samples lost, %llu gained, p = %.2g", what, f->was,
            f->now, (unsigned long long)f->lost, (unsigned long long)f->gained, f->p),
        .advice = fell ? "start with the layer where the regression begins" : "",
        .line = rule->answers_line,
        .value = f->now,
        .limit = NAN,
        .base = f->was};
    return c.text ? qns_gate_add(g, &c) : QNS_E_NOMEM;
}

static qns_status judge_answers(qns_gate *g)
{
    const qns_regression *r = g->changes;
    const qns_gate_regression *rule = &g->rules->regression;
    if (!rule->answers)
        return QNS_OK;
    if (isnan(r->output.agreement.p))
        return qns_gate_wrong(g, rule->answers_line,
                              "'answers' needs a classifier whose output all three captures have");
    QNS_TRY(
        judge_flips(g, "regression.agreement", "top-1 agreement with float", &r->output.agreement));
    return isnan(r->output.accuracy.p)
               ? QNS_OK
               : judge_flips(g, "regression.accuracy", "top-1 accuracy", &r->output.accuracy);
}

qns_status qns_gate_changes(qns_gate *g)
{
    const qns_gate_regression *rule = &g->rules->regression;
    if (!rule->line || !g->changes)
        return QNS_OK;
    QNS_TRY(qns_gate_check_globs(g, rule->except, rule->n_except));
    QNS_TRY(judge_regressed(g));
    QNS_TRY(judge_unmatched(g));
    return judge_answers(g);
}

/* ---- one side as a result of its own ---- */

static void see_layer(qns_layer *to, const qns_changed *l, bool now)
{
    const char *kept = now ? l->now_kept : l->was_kept;
    *to = (qns_layer){.name = l->name,
                      .op = l->op,
                      .kept = kept,
                      .index = l->index,
                      .origin = l->origin,
                      .n_origin = l->n_origin,
                      .macs = l->macs,
                      .weight = now ? l->now_weight : l->was_weight,
                      .activation = now ? l->now : l->was,
                      .added_db = NAN,
                      .advice = now ? l->advice : ""};
    to->activation_q.n_scale = strcmp(kept, "int8") == 0;
    to->weight_q.n_scale = to->weight.present && !isnan(to->weight.rmse_steps);
}

static bool is_there(const qns_changed *l, bool now)
{
    return l->change != (now ? QNS_NEWLY_UNMATCHED : QNS_NEWLY_MATCHED);
}

/* Layers lie in the arena. */
static qns_status see(qns_result *to, const qns_regression *r, bool now, qns_arena *a, qns_err *err)
{
    const qns_regress_coverage *c = now ? &r->now_coverage : &r->was_coverage;
    const qns_changed *o = r->output.layer < r->n_layers ? &r->layer[r->output.layer] : NULL;
    *to = (qns_result){.kind = "comparison",
                       .qns = r->qns,
                       .ref = r->ref,
                       .test = now ? r->now : r->was,
                       .samples = r->samples,
                       .finding = now ? r->finding : NULL,
                       .n_findings = now ? r->n_findings : 0};
    to->coverage.ops = c->ops;
    to->coverage.matched = c->matched;
    to->coverage.folded = c->folded;
    to->coverage.macs_matched = c->macs_matched;
    to->output.name = r->output.name;
    if (o)
        to->output.diff = now ? o->now : o->was;
    to->output.top1_agreement = now ? r->output.agreement.now : r->output.agreement.was;
    to->output.ref_top1 = r->output.ref_top1;
    to->output.test_top1 = now ? r->output.accuracy.now : r->output.accuracy.was;
    QNS_TRY(qns_arena_new((void **)&to->layer, a, r->n_layers, sizeof *to->layer, err));
    for (uint32_t i = 0; i < r->n_layers; i++)
        if (is_there(&r->layer[i], now))
            see_layer(&to->layer[to->n_layers++], &r->layer[i], now);
    return QNS_OK;
}

qns_status qns_gate_run_regression(qns_gate_outcome **out, const qns_regression *r,
                                   const char *result_file, const qns_gate_rules *rules,
                                   qns_err *err)
{
    qns_status st = QNS_OK;
    qns_arena *a = NULL;
    qns_result was, now;
    const bool change = qns_gate_uses_change(rules);
    QNS_TRY_DONE(qns_arena_create(&a, err));
    QNS_TRY_DONE(see(&was, r, false, a, err));
    QNS_TRY_DONE(see(&now, r, true, a, err));
    qns_gate g = {.r = &now, .rules = rules, .changes = r};
    QNS_TRY_DONE(qns_gate_judge_all(out, &g, result_file, change ? &was : NULL, r->was.file, err));
done:
    qns_arena_free(a);
    return st;
}
