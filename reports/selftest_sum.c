/* SPDX-License-Identifier: MIT */
#include "reports/selftest_sum.h"

#include <math.h>
#include <stdio.h>

enum { RULES = 4 };
static const double least_loss = 0.2; /* decibels: less is in reach of a new calibration */

static double loss_of(const qns_fault_try *a, int rule)
{
    const double v[RULES] = {a->local_lost_db, a->weight_lost_db, a->activation_lost_db,
                             a->output_lost_db};
    return v[rule];
}

/* How many of the missed the rule would catch; *least is the smallest loss among those. */
static uint32_t reach(double *least, const qns_selftest *t, uint32_t fault, int rule)
{
    uint32_t n = 0;
    *least = INFINITY;
    for (uint32_t k = 0; k < t->n_layers; k++) {
        const qns_fault_try *a = &t->attempt[fault * t->n_layers + k];
        if (a->state != QNS_TRY_MISSED || !(loss_of(a, rule) >= least_loss))
            continue;
        *least = fmin(*least, loss_of(a, rule));
        n++;
    }
    return n;
}

/* The limit lies half way between no change and the smallest loss. */
static qns_status advise(const qns_selftest *t, qns_fault_line *l, uint32_t fault, qns_err *err)
{
    static const char *const rule[RULES][2] = {
        {"layers: [{name: '*', local: {sqnr_db: {change: ", "}}}]"},
        {"layers: [{name: '*', weight: {sqnr_db: {change: ", "}}}]"},
        {"layers: [{name: '*', activation: {sqnr_db: {change: ", "}}}]"},
        {"output: {sqnr_db: {change: ", "}}"}};
    double least = 0, best_least = 0;
    uint32_t best = 0, missed = 0;
    int best_rule = 0;
    for (uint32_t k = 0; k < t->n_layers; k++)
        missed += t->attempt[fault * t->n_layers + k].state == QNS_TRY_MISSED;
    for (int i = 0; i < RULES; i++) {
        const uint32_t n = reach(&least, t, fault, i);
        if (n > best) {
            best = n;
            best_rule = i;
            best_least = least;
        }
    }
    l->advice = "";
    if (missed == 0)
        return QNS_OK;
    if (best == 0) {
        l->advice =
            "no layer loses 0.2 dB by it: no limit on decibels tells it from a new calibration";
        return QNS_OK;
    }
    const double limit = isinf(best_least) ? 1 : fmax(0.1, floor(10 * best_least / 2) / 10);
    char text[300];
    snprintf(text, sizeof text, "%s%.1f%s would catch %u of the %u missed", rule[best_rule][0],
             limit, rule[best_rule][1], best, missed);
    l->advice = qns_arena_strdup(t->arena, text);
    if (!l->advice)
        QNS_FAIL(err, NOMEM, "cannot keep a result");
    return QNS_OK;
}

qns_status qns_selftest_sum(qns_selftest *t, qns_fault_line *line, qns_err *err)
{
    for (uint32_t f = 0; f < t->n_faults; f++) {
        qns_fault_line *l = &line[f];
        for (uint32_t k = 0; k < t->n_layers; k++) {
            const qns_fault_try *a = &t->attempt[f * t->n_layers + k];
            const bool tried = a->state == QNS_TRY_CAUGHT || a->state == QNS_TRY_MISSED;
            l->possible += tried;
            l->caught += a->state == QNS_TRY_CAUGHT;
            l->first += tried && a->first;
            l->named += tried && a->named;
            t->skipped += a->state == QNS_TRY_SKIPPED;
        }
        t->possible += l->possible;
        t->caught += l->caught;
        t->first += l->first;
        t->named += l->named;
        QNS_TRY(advise(t, l, f, err));
    }
    return QNS_OK;
}
