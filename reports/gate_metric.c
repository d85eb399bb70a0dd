/* SPDX-License-Identifier: MIT */
/* What rules can be about. */
#include "ns/search.h"
#include "ns/sensitivity.h"
#include "reports/gate.h"
#include "reports/selftest.h"

#include <math.h>

#define OF_DIFF(member)                                                                            \
    static double get_##member(const qns_result *r, const qns_diff *d)                             \
    {                                                                                              \
        (void)r;                                                                                   \
        return d->member;                                                                          \
    }

OF_DIFF(sqnr_db)
OF_DIFF(sqnr_db_p5)
OF_DIFF(sqnr_db_min)
OF_DIFF(rmse_steps)
OF_DIFF(max_abs_steps)
OF_DIFF(cosine)
OF_DIFF(clipped)
OF_DIFF(bias_sigma)

static double get_agreement(const qns_result *r, const qns_diff *d)
{
    (void)d;
    return r->output.top1_agreement;
}

static double get_drop(const qns_result *r, const qns_diff *d)
{
    (void)d;
    return r->output.ref_top1 - r->output.test_top1;
}

static double get_top1(const qns_result *r, const qns_diff *d)
{
    (void)d;
    return r->output.test_top1;
}

static double get_ops(const qns_result *r, const qns_diff *d)
{
    (void)d;
    const double n = r->coverage.ops;
    return n > 0 ? ((double)r->coverage.matched + r->coverage.folded) / n : NAN;
}

static double get_macs(const qns_result *r, const qns_diff *d)
{
    (void)d;
    return r->coverage.macs_matched;
}

/* ---- figures of results without two sides ---- */

#define FIGURE(name, type, expr)                                                                   \
    static double name(const void *of, uint32_t i)                                                 \
    {                                                                                              \
        const type *r = of;                                                                        \
        (void)i;                                                                                   \
        return (expr);                                                                             \
    }

FIGURE(sens_in_db, qns_sensitivity, r->unit[i].in.output_sqnr_db)
FIGURE(sens_in_agreement, qns_sensitivity, r->unit[i].in.top1_agreement)
FIGURE(sens_in_drop, qns_sensitivity, r->ref.top1 - r->unit[i].in.top1)
FIGURE(sens_gain_db, qns_sensitivity, r->unit[i].gain_db)
FIGURE(sens_db, qns_sensitivity, r->int8.output_sqnr_db)
FIGURE(sens_agreement, qns_sensitivity, r->int8.top1_agreement)
FIGURE(sens_drop, qns_sensitivity, r->ref.top1 - r->int8.top1)

/* On the samples that the search did not use, when there were any. */
static const qns_search_score *answer(const qns_search_result *r)
{
    return r->check.samples > 0 ? &r->check.mixed : &qns_search_best(r)->score;
}

FIGURE(search_db, qns_search_result, answer(r)->sqnr_db)
FIGURE(search_agreement, qns_search_result, answer(r)->agreement)
FIGURE(search_drop, qns_search_result, answer(r)->drop)
FIGURE(search_top1, qns_search_result, r->check.top1)
FIGURE(search_eval, qns_search_result, answer(r)->eval)
FIGURE(search_layers, qns_search_result, qns_search_best(r)->n_units)
FIGURE(search_macs, qns_search_result,
       qns_search_best(r)->cost[QNS_COST_MACS] / r->total[QNS_COST_MACS])
FIGURE(search_met, qns_search_result, qns_search_met(r))
FIGURE(search_verified, qns_search_result, r->check.verdict == QNS_CHECK_VERIFIED)

static double share(uint32_t n, uint32_t of)
{
    return of ? (double)n / of : NAN;
}

FIGURE(self_caught, qns_selftest, share(r->caught, r->possible))
FIGURE(self_first, qns_selftest, share(r->first, r->possible))
FIGURE(self_named, qns_selftest, share(r->named, r->possible))
FIGURE(self_tried, qns_selftest, r->possible)
FIGURE(self_clean, qns_selftest, r->clean_failed == 0)

#define SAMPLES  (1u << QNS_GATE_ACTIVATION | 1u << QNS_GATE_LOCAL | 1u << QNS_GATE_OUTPUT)
#define TENSOR   (1u << QNS_GATE_WEIGHT | SAMPLES)
#define OUTPUT   (1u << QNS_GATE_OUTPUT)
#define COVERAGE (1u << QNS_GATE_COVERAGE)
#define WIDE     1e300

#define FIGURE_OF(scope, name, title, unit, better, lo, hi, f, each, yes)                          \
    {                                                                                              \
        name, title, unit, 1u << QNS_GATE_##scope, better, lo, hi, false, NULL, f, each, yes       \
    }
#define WHOLE(scope, name, title, unit, better, lo, hi, f)                                         \
    FIGURE_OF(scope, name, title, unit, better, lo, hi, f, false, false)
#define EACH(name, title, unit, better, lo, hi, f)                                                 \
    FIGURE_OF(SENSITIVITY, name, title, unit, better, lo, hi, f, true, false)
#define YES(scope, name, title, f) FIGURE_OF(scope, name, title, "", 1, 0, 1, f, false, true)

const qns_gate_metric qns_gate_metrics[] = {
    {"sqnr_db", "SQNR", "dB", TENSOR, 1, -WIDE, WIDE, false, .get = get_sqnr_db},
    {"sqnr_db_p5", "SQNR of the 5 % worst sample", "dB", SAMPLES, 1, -WIDE, WIDE, false,
     .get = get_sqnr_db_p5},
    {"sqnr_db_min", "SQNR of the worst sample", "dB", SAMPLES, 1, -WIDE, WIDE, false,
     .get = get_sqnr_db_min},
    {"rmse_steps", "RMS error", "steps", TENSOR, -1, 0, WIDE, true, .get = get_rmse_steps},
    {"max_abs_steps", "largest error", "steps", TENSOR, -1, 0, WIDE, true,
     .get = get_max_abs_steps},
    {"cosine", "cosine", "", TENSOR, 1, -1, 1, false, .get = get_cosine},
    {"clipped", "clipped share", "", TENSOR, -1, 0, 1, true, .get = get_clipped},
    {"bias_sigma", "bias over deviation", "", TENSOR, 0, 0, WIDE, false, .get = get_bias_sigma},
    {"top1_agreement", "top-1 agreement", "", OUTPUT, 1, 0, 1, false, .get = get_agreement},
    {"top1_drop", "drop of top-1 accuracy", "", OUTPUT, -1, -1, 1, false, .get = get_drop},
    {"top1", "top-1 accuracy", "", OUTPUT, 1, 0, 1, false, .get = get_top1},
    {"ops", "coverage of operators", "", COVERAGE, 1, 0, 1, false, .get = get_ops},
    {"macs", "coverage of MACs", "", COVERAGE, 1, 0, 1, false, .get = get_macs},
    EACH("leave_one_in_db", "output SQNR, alone in int8,", "dB", 1, -WIDE, WIDE, sens_in_db),
    EACH("leave_one_in_agreement", "top-1 agreement, alone in int8,", "", 1, 0, 1,
         sens_in_agreement),
    EACH("leave_one_in_top1_drop", "drop of top-1 accuracy, alone in int8,", "", -1, -1, 1,
         sens_in_drop),
    EACH("gain_db", "gain of the output, alone in float,", "dB", -1, -WIDE, WIDE, sens_gain_db),
    WHOLE(SENSITIVITY, "sqnr_db", "output SQNR", "dB", 1, -WIDE, WIDE, sens_db),
    WHOLE(SENSITIVITY, "top1_agreement", "top-1 agreement", "", 1, 0, 1, sens_agreement),
    WHOLE(SENSITIVITY, "top1_drop", "drop of top-1 accuracy", "", -1, -1, 1, sens_drop),
    WHOLE(SEARCH, "sqnr_db", "output SQNR", "dB", 1, -WIDE, WIDE, search_db),
    WHOLE(SEARCH, "top1_agreement", "top-1 agreement", "", 1, 0, 1, search_agreement),
    WHOLE(SEARCH, "top1_drop", "drop of top-1 accuracy", "", -1, -1, 1, search_drop),
    WHOLE(SEARCH, "top1", "top-1 accuracy", "", 1, 0, 1, search_top1),
    WHOLE(SEARCH, "eval", "number of the command", "", 1, -WIDE, WIDE, search_eval),
    WHOLE(SEARCH, "float_layers", "number of layers in float", "", -1, 0, WIDE, search_layers),
    WHOLE(SEARCH, "float_macs", "share of the MACs in float", "", -1, 0, 1, search_macs),
    YES(SEARCH, "met", "target met", search_met),
    YES(SEARCH, "verified", "target met on samples that the search did not use", search_verified),
    WHOLE(SELFTEST, "caught", "share of faults caught", "", 1, 0, 1, self_caught),
    WHOLE(SELFTEST, "first", "share of faults with the worst layer found", "", 1, 0, 1, self_first),
    WHOLE(SELFTEST, "named", "share of faults named", "", 1, 0, 1, self_named),
    WHOLE(SELFTEST, "tried", "number of faults tried", "", 1, 0, WIDE, self_tried),
    YES(SELFTEST, "clean", "rules pass without a fault", self_clean),
    {.name = NULL},
};

_Static_assert(QNS_ARRAY_LEN(qns_gate_metrics) <= QNS_GATE_METRICS, "room for the table");

const char *qns_gate_scope_text(qns_gate_scope s)
{
    static const char *const text[] = {"weight",   "activation",  "local",  "output",
                                       "coverage", "sensitivity", "search", "selftest"};
    return text[s];
}

const char *qns_gate_verdict_text(qns_gate_verdict v)
{
    static const char *const text[] = {"passed", "regressed", "not comparable", "bad data"};
    return text[v];
}
