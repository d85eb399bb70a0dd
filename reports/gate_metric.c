/* SPDX-License-Identifier: MIT */
/* What rules can be about. */
#include "reports/gate.h"

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

#define SAMPLES  (1u << QNS_GATE_ACTIVATION | 1u << QNS_GATE_LOCAL | 1u << QNS_GATE_OUTPUT)
#define TENSOR   (1u << QNS_GATE_WEIGHT | SAMPLES)
#define OUTPUT   (1u << QNS_GATE_OUTPUT)
#define COVERAGE (1u << QNS_GATE_COVERAGE)
#define WIDE     1e300

const qns_gate_metric qns_gate_metrics[] = {
    {"sqnr_db", "SQNR", "dB", TENSOR, 1, -WIDE, WIDE, false, get_sqnr_db},
    {"sqnr_db_p5", "SQNR of the 5 % worst sample", "dB", SAMPLES, 1, -WIDE, WIDE, false,
     get_sqnr_db_p5},
    {"sqnr_db_min", "SQNR of the worst sample", "dB", SAMPLES, 1, -WIDE, WIDE, false,
     get_sqnr_db_min},
    {"rmse_steps", "RMS error", "steps", TENSOR, -1, 0, WIDE, true, get_rmse_steps},
    {"max_abs_steps", "largest error", "steps", TENSOR, -1, 0, WIDE, true, get_max_abs_steps},
    {"cosine", "cosine", "", TENSOR, 1, -1, 1, false, get_cosine},
    {"clipped", "clipped share", "", TENSOR, -1, 0, 1, true, get_clipped},
    {"bias_sigma", "bias over deviation", "", TENSOR, 0, 0, WIDE, false, get_bias_sigma},
    {"top1_agreement", "top-1 agreement", "", OUTPUT, 1, 0, 1, false, get_agreement},
    {"top1_drop", "drop of top-1 accuracy", "", OUTPUT, -1, -1, 1, false, get_drop},
    {"top1", "top-1 accuracy", "", OUTPUT, 1, 0, 1, false, get_top1},
    {"ops", "coverage of operators", "", COVERAGE, 1, 0, 1, false, get_ops},
    {"macs", "coverage of MACs", "", COVERAGE, 1, 0, 1, false, get_macs},
    {.name = NULL},
};

_Static_assert(QNS_ARRAY_LEN(qns_gate_metrics) <= QNS_GATE_METRICS, "room for the table");

const char *qns_gate_scope_text(qns_gate_scope s)
{
    static const char *const text[] = {"weight", "activation", "local", "output", "coverage"};
    return text[s];
}

const char *qns_gate_verdict_text(qns_gate_verdict v)
{
    static const char *const text[] = {"passed", "regressed", "not comparable", "bad data"};
    return text[v];
}
