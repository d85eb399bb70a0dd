/* SPDX-License-Identifier: MIT */
/* Rules about made-up results: what is judged how, and what is refused. */
#include "core/base/mem.h"
#include "reports/gate_yaml.h"
#include "tests/reports/make_result.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Status of reading the rules and judging; *verdict and *failed where it is OK. */
typedef struct seen {
    qns_status st;
    qns_gate_verdict verdict;
    uint32_t checks, failed, skipped;
    char text[512], id[128], subject[128]; /* of the first check, or the error's */
} seen;

static seen judge(const char *yaml, const qns_result *r, const qns_result *base)
{
    seen s = {0};
    qns_err err = {0};
    qns_arena *a = NULL;
    qns_gate_rules rules;
    qns_gate_outcome *o = NULL;
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    s.st = qns_gate_parse_rules(&rules, a, yaml, strlen(yaml), "gate.yaml", &err);
    if (s.st == QNS_OK)
        s.st = qns_gate_run(&o, r, "r.json", &rules, base, "old.json", &err);
    if (s.st == QNS_OK) {
        s.verdict = o->verdict;
        s.checks = o->n_checks;
        s.failed = o->n_failed;
        s.skipped = o->n_skipped;
        if (o->n_checks) {
            snprintf(s.text, sizeof s.text, "%s", o->check[0].text);
            snprintf(s.id, sizeof s.id, "%s", o->check[0].id);
            snprintf(s.subject, sizeof s.subject, "%s", o->check[0].subject);
        }
    } else {
        snprintf(s.text, sizeof s.text, "%s", err.text);
    }
    qns_gate_free(o);
    qns_arena_free(a);
    return s;
}

static void expect(const char *yaml, const qns_result *r, qns_gate_verdict verdict, uint32_t failed)
{
    const seen s = judge(yaml, r, NULL);
    cr_expect_eq(s.st, QNS_OK, "%s: %s", yaml, s.text);
    cr_expect_eq(s.verdict, verdict, "%s: verdict %d, %s", yaml, s.verdict, s.text);
    cr_expect_eq(s.failed, failed, "%s: %u failed, first: %s", yaml, s.failed, s.text);
}

static void refused(const char *yaml, const qns_result *r, const char *text)
{
    const seen s = judge(yaml, r, NULL);
    cr_expect(s.st == QNS_E_CONFIG || s.st == QNS_E_FORMAT, "%s: status %d", yaml, s.st);
    cr_expect(strstr(s.text, text), "%s: '%s' lacks '%s'", yaml, s.text, text);
}

static qns_layer *named(qns_result *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_layers; i++)
        if (strcmp(r->layer[i].name, name) == 0)
            return &r->layer[i];
    cr_assert_fail("no layer %s", name);
    return NULL;
}

Test(gate, mistakes_in_rules_name_line_and_remedy)
{
    static const char *const bad[][2] = {
        {"laye:\n", "gate.yaml:1: unknown key 'laye', did you mean 'layers'"},
        {"layers:\n  - nme: x\n", "gate.yaml:2: unknown key 'nme', did you mean 'name'"},
        {"layers:\n  - name: '*'\n", "gate.yaml:2: a rule needs 'activation', 'weight' or 'local'"},
        {"layers:\n  - activation: {sqnr_db: {min: 1}}\n", "gate.yaml:2: a rule needs 'name'"},
        {"output:\n  sqnr: {min: 1}\n", "gate.yaml:2: unknown metric 'sqnr', did you mean 'sqnr_"},
        {"output:\n  sqnr_db: 12\n", "needs limits: sqnr_db: {min: NUMBER}"},
        {"output: {sqnr_db: {}}\n", "has no limit"},
        {"output: {sqnr_db: {optional: true}}\n", "has no limit"},
        {"output: {sqnr_db: {mn: 1}}\n", "unknown key 'mn', did you mean 'min'"},
        {"output: {sqnr_db: {min: high}}\n", "'min' must be a number"},
        {"output: {sqnr_db: {min: .nan}}\n", "'min' must be a number"},
        {"output: {sqnr_db: {min: .inf}}\n", "'min' must be a number"},
        {"output: {sqnr_db: {min: 5, max: 4}}\n", "nothing passes"},
        {"output: {sqnr_db: {change: -1}}\n", "cannot be negative"},
        {"output: {top1_agreement: {min: 98}}\n", "must be a share: 0.98 for 98 %"},
        {"output: {cosine: {min: -2}}\n", "must lie within -1 to 1"},
        {"output: {ops: {min: 1}}\n", "'ops' is no metric of 'output'"},
        {"coverage: {sqnr_db: {min: 1}}\n", "'sqnr_db' is no metric of 'coverage'"},
        {"layers: [{name: '*', weight: {top1: {min: 1}}}]\n", "is no metric of 'weight'"},
        {"layers: [{name: [], weight: {cosine: {min: 1}}}]\n", "'name' is empty"},
        {"layers: {name: x}\n", "must be a list"},
        {"findings: {fail_on: eror}\n", "did you mean 'error'"},
        {"findings: {allow: [X]}\n", "needs 'fail_on'"},
        {"layers: []\n", "no rule"},
        {"- 1\n", "must be a map"},
        {"output: &a {sqnr_db: {min: 1}}\ncoverage: *a\n", ""},
        {"output: {sqnr_db: {min: 1}}\noutput: {sqnr_db: {min: 1}}\n", ""},
        {"output: {sqnr_db: {min: 1}\n", ""},
        {"\xFF\xFE\x01", ""},
        {"", ""},
    };
    qns_result *r = make_result(8, false);
    for (size_t i = 0; i < QNS_ARRAY_LEN(bad); i++)
        refused(bad[i][0], r, bad[i][1]);
    qns_result_free(r);
}

Test(gate, rules_that_match_nothing_are_errors)
{
    qns_result *r = make_result(24, false);
    refused("layers:\n  - name: layer1.0.conv9\n    activation: {sqnr_db: {min: 1}}\n", r,
            "gate.yaml:2: 'layer1.0.conv9' matches no layer, did you mean 'layer1.0.conv");
    refused("layers:\n  - name:\n      - '*'\n      - 'zzzzzzzzzzzzzzzzzzzzzz*'\n"
            "    activation: {sqnr_db: {min: 1}}\n",
            r, "gate.yaml:4: 'zzzzzzzzzzzzzzzzzzzzzz*' matches none of the 24 layers");
    refused("layers:\n  - {name: '*', except: nope, weight: {cosine: {min: 0}}}\n", r, "'nope'");
    refused("layers:\n  - {name: '*', op: lstm, weight: {cosine: {min: 0}}}\n", r,
            "matches no layer of op 'lstm'");
    refused("layers:\n  - {name: '*', except: '*', weight: {cosine: {min: 0}}}\n", r,
            "the rule matches no layer");
    refused("layers:\n  - {name: '*', op: avgpool, weight: {cosine: {min: 0}}}\n", r,
            "no layer that the rule matches has a weight");
    expect("layers:\n  - {name: nope, optional: true, weight: {cosine: {min: 0}}}\n", r,
           QNS_GATE_PASS, 0);
    qns_result_free(r);
}

Test(gate, a_limit_is_inclusive_and_in_the_metrics_direction)
{
    qns_result *r = make_result(8, false);
    qns_diff *d = &named(r, "layer1.0.conv1")->activation;
    d->sqnr_db = 20;
    d->bias_sigma = -0.5;
    d->clipped = 0.25;
#define ONE(limits) "layers: [{name: layer1.0.conv1, activation: {" limits "}}]\n"
    expect(ONE("sqnr_db: {min: 20}"), r, QNS_GATE_PASS, 0);
    expect(ONE("sqnr_db: {min: 20.001}"), r, QNS_GATE_REGRESSED, 1);
    expect(ONE("sqnr_db: {max: 19}"), r, QNS_GATE_REGRESSED, 1);
    expect(ONE("clipped: {max: 0.25}"), r, QNS_GATE_PASS, 0);
    expect(ONE("clipped: {max: 0.2}"), r, QNS_GATE_REGRESSED, 1);
    expect(ONE("bias_sigma: {max: 0.5}"), r, QNS_GATE_PASS, 0); /* by size */
    expect(ONE("bias_sigma: {max: 0.4}"), r, QNS_GATE_REGRESSED, 1);
    const seen s = judge(ONE("sqnr_db: {min: 25}"), r, NULL);
    cr_expect_str_eq(s.id, "activation.sqnr_db.min");
    cr_expect_str_eq(s.subject, "layer1.0.conv1");
    cr_expect_str_eq(s.text, "SQNR of the activation is 20 dB, below the limit of 25 dB");
    qns_result_free(r);
}

Test(gate, the_last_rule_that_matches_decides_for_each_limit)
{
    qns_result *r = make_result(8, false);
    named(r, "layer1.0.conv1")->activation.sqnr_db = 12;
    named(r, "layer1.0.conv1")->activation.cosine = 0.5;
    for (uint32_t i = 0; i < r->n_layers; i++)
        if (strcmp(r->layer[i].name, "layer1.0.conv1") != 0)
            r->layer[i].activation.sqnr_db = 30;
#define TWO                                                                                        \
    "layers:\n  - {name: '*', activation: {sqnr_db: {min: 20}}}\n"                                 \
    "  - {name: layer1.0.conv1, activation: {"
    expect(TWO "sqnr_db: {min: 10}}}\n", r, QNS_GATE_PASS, 0);
    expect(TWO "sqnr_db: {max: 99}}}\n", r, QNS_GATE_REGRESSED, 1); /* another limit */
    expect(TWO "cosine: {min: 0.9}}}\n", r, QNS_GATE_REGRESSED, 2); /* another metric */
    expect("layers: [{name: '*', except: '*.conv1', activation: {sqnr_db: {min: 20}}}]\n", r,
           QNS_GATE_PASS, 0);
    expect("layers: [{name: bn, activation: {sqnr_db: {min: 20}}}]\n", r, QNS_GATE_REGRESSED,
           1); /* every layer's origin */
    qns_result_free(r);
}

Test(gate, values_that_are_no_numbers)
{
    qns_result *r = make_result(8, false);
    qns_layer *l = named(r, "layer1.0.conv1");
    l->activation.sqnr_db = INFINITY;
    expect(ONE("sqnr_db: {min: 99}"), r, QNS_GATE_PASS, 0);
    l->activation.sqnr_db = -INFINITY;
    expect(ONE("sqnr_db: {min: -99}"), r, QNS_GATE_REGRESSED, 1);
    l->activation.cosine = NAN;
    refused(ONE("cosine: {min: 0}"), r, "layer 'layer1.0.conv1' has no cosine of the activation");
    expect(ONE("cosine: {min: 0, optional: true}"), r, QNS_GATE_PASS, 0);
    l->activation.flags = QNS_M_UNDEFINED;
    expect(ONE("cosine: {min: 0, optional: true}"), r, QNS_GATE_REGRESSED, 1);
    l->activation.flags = QNS_M_UNDEFINED | QNS_M_EXACT;
    expect(ONE("cosine: {min: 0}"), r, QNS_GATE_PASS, 0);
    l->activation.flags = 0;
    l->activation.rmse_steps = NAN;
    refused(ONE("rmse_steps: {max: 1}"), r, "has no RMS error of the activation");
    l->activation_q.n_scale = 0; /* float: skipped where others are judged */
    const seen s = judge("layers: [{name: '*', activation: {rmse_steps: {max: 9999}}}]\n", r, NULL);
    cr_expect_eq(s.st, QNS_OK, "%s", s.text);
    cr_expect_eq(s.skipped, 1);
    l->activation.present = false;
    refused(ONE("sqnr_db: {min: 0}"), r, "has no SQNR of the activation");
    r->output.ref_top1 = NAN;
    refused("output: {top1_drop: {max: 0.1}}\n", r, "needs labels");
    r->coverage.macs_matched = NAN;
    refused("coverage: {macs: {min: 1}}\n", r, "coverage of MACs");
    qns_result_free(r);
}

Test(gate, nan_on_the_test_side_is_bad_data_whatever_the_rules)
{
    static const char rule[] = "coverage: {ops: {min: 0}}\n";
    qns_result *r = make_result(8, false);
    expect(rule, r, QNS_GATE_PASS, 0);
    qns_diff *d = &named(r, "layer1.0.conv1")->activation;
    d->nonfinite_ref = d->nonfinite_test = 3; /* a mask of -inf on both sides */
    d->flags = QNS_M_NONFINITE_REF | QNS_M_NONFINITE_TEST;
    expect(rule, r, QNS_GATE_PASS, 0);
    d->nonfinite_test = 4;
    expect(rule, r, QNS_GATE_BAD_DATA, 1);
    d->nonfinite_test = d->nonfinite_ref = 0;
    d->flags = QNS_M_NONFINITE_TEST;
    expect(rule, r, QNS_GATE_BAD_DATA, 1);
    d->flags = 0;
    r->output.diff.nonfinite_test = 1;
    expect(rule, r, QNS_GATE_BAD_DATA, 1);
    qns_result_free(r);
}

Test(gate, network_coverage_and_findings)
{
    qns_result *r = make_result(8, false); /* 22.1 dB, agreement 0.985, drop 0.003 */
    expect("output: {sqnr_db: {min: 22}, top1_agreement: {min: 0.98}, top1_drop: {max: 0.0031}}\n",
           r, QNS_GATE_PASS, 0);
    expect("output: {sqnr_db: {min: 23}, top1_agreement: {min: 0.99}, top1_drop: {max: 0.0029}}\n",
           r, QNS_GATE_REGRESSED, 3);
    expect("coverage: {macs: {min: 0.999}}\n", r, QNS_GATE_PASS, 0);
    expect("coverage: {ops: {min: 1}}\n", r, QNS_GATE_REGRESSED, 1); /* 20 of 21 */
    expect("findings: {fail_on: error}\n", r, QNS_GATE_REGRESSED, 1);
    expect("findings: {fail_on: note}\n", r, QNS_GATE_REGRESSED, 3);
    expect("findings: {fail_on: warning, allow: [OUTLIER_CHANNEL, CLIPPING]}\n", r, QNS_GATE_PASS,
           0);
    qns_result_free(r);
}

/* ---- against a baseline ---- */

static void against(const char *yaml, const qns_result *r, const qns_result *base,
                    qns_gate_verdict verdict, const char *text)
{
    const seen s = judge(yaml, r, base);
    cr_expect_eq(s.st, QNS_OK, "%s: %s", yaml, s.text);
    cr_expect_eq(s.verdict, verdict, "%s: verdict %d: %s", yaml, s.verdict, s.text);
    cr_expect(strstr(s.text, text), "'%s' lacks '%s'", s.text, text);
}

Test(gate, change_is_judged_in_the_direction_that_is_worse)
{
    static const char all[] =
        "layers: [{name: '*', activation: {sqnr_db: {change: 0.5}, clipped: {change: 0.01}, "
        "bias_sigma: {change: 0.1}}}]\n";
    qns_result *base = make_result(8, false), *r = make_result(8, false);
    qns_diff *now = &named(r, "layer1.0.conv1")->activation;
    qns_diff *then = &named(base, "layer1.0.conv1")->activation;
    against(all, r, base, QNS_GATE_PASS, "as before");
    then->sqnr_db = 30;
    now->sqnr_db = 29.5;
    against(all, r, base, QNS_GATE_PASS, "");
    now->sqnr_db = 29.25;
    against(all, r, base, QNS_GATE_REGRESSED,
            "SQNR of the activation was 30 dB and is 29.25 dB: 0.75 dB worse, allowed is 0.5 dB");
    now->sqnr_db = 50; /* better */
    against(all, r, base, QNS_GATE_PASS, "");
    then->sqnr_db = INFINITY; /* was exact */
    against(all, r, base, QNS_GATE_REGRESSED, "was inf dB and is 50 dB");
    now->sqnr_db = INFINITY;
    against(all, r, base, QNS_GATE_PASS, "");
    now->clipped = then->clipped + 0.02;
    against(all, r, base, QNS_GATE_REGRESSED, "clipped share");
    now->clipped = then->clipped;
    then->bias_sigma = 0.05;
    now->bias_sigma = -0.2;
    against(all, r, base, QNS_GATE_REGRESSED, "bias over deviation");
    qns_result_free(base);
    qns_result_free(r);
}

Test(gate, layers_that_are_gone_or_new)
{
    static const char all[] = "layers: [{name: '*', activation: {sqnr_db: {change: 1}}, weight: "
                              "{cosine: {change: 1}}}]\n";
    qns_result *base = make_result(8, false), *r = make_result(8, false);
    r->n_layers = 7;
    r->n_ranking = 0;
    against(all, r, base, QNS_GATE_REGRESSED, "missing in the result");
    const seen s = judge(all, base, r);
    cr_expect_eq(s.verdict, QNS_GATE_PASS, "%s", s.text);
    cr_expect_eq(s.skipped, 2); /* activation and weight of the linear layer are new */
    r->n_layers = 8;
    named(r, "layer1.0.conv0")->weight.present = false;
    named(r, "layer1.0.conv0")->weight.cosine = NAN;
    if (named(base, "layer1.0.conv0")->weight.present)
        against(all, r, base, QNS_GATE_REGRESSED, "is in the baseline, but not in the result");
    qns_result_free(base);
    qns_result_free(r);
}

Test(gate, a_baseline_of_something_else_is_refused)
{
    static const char rule[] = "output: {sqnr_db: {change: 1}}\n";
    qns_result *base = make_result(8, false), *r = make_result(8, false);
    const char **const id[] = {&base->ref.graph_id, &base->ref.weights_id, &base->ref.inputs_id};
    static const char *const say[] = {"another graph", "other weights", "other inputs"};
    base->test.qparams_id = base->test.graph_id = base->test.weights_id = "different";
    against(rule, r, base, QNS_GATE_PASS, "");
    for (int i = 0; i < 3; i++) {
        const char *old = *id[i];
        *id[i] = "0123456789abcdef0123456789abcdef";
        against(rule, r, base, QNS_GATE_NOT_COMPARABLE, say[i]);
        *id[i] = "";
        against(rule, r, base, QNS_GATE_NOT_COMPARABLE, "only the result says");
        *id[i] = old;
    }
    base->samples--;
    against(rule, r, base, QNS_GATE_NOT_COMPARABLE, "255 samples");
    base->samples++;
    base->ref.inputs_id = r->ref.inputs_id = "";
    const seen s = judge(rule, r, base);
    cr_expect_eq(s.verdict, QNS_GATE_PASS);
    cr_expect_eq(s.skipped, 1);
    cr_expect(strstr(s.text, "inputs"), "%s", s.text);
    qns_result_free(base);
    qns_result_free(r);
}

Test(gate, change_and_baseline_need_each_other)
{
    qns_result *r = make_result(8, false);
    refused("output: {sqnr_db: {change: 1}}\n", r, "gate.yaml:1: 'change' needs a baseline");
    expect("output: {sqnr_db: {change: 1, optional: true}}\n", r, QNS_GATE_PASS, 0);
    const seen s = judge("output: {sqnr_db: {min: 1}}\n", r, r);
    cr_expect_eq(s.st, QNS_E_CONFIG);
    cr_expect(strstr(s.text, "would not be used"), "%s", s.text);
    qns_result_free(r);
}

/* The rules about changes, on a made-up result of three captures with two layers. */
static seen judge_changes(const char *yaml, const qns_regression *r)
{
    seen s = {0};
    qns_err err = {0};
    qns_arena *a = NULL;
    qns_gate_rules rules;
    qns_gate_outcome *o = NULL;
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    s.st = qns_gate_parse_rules(&rules, a, yaml, strlen(yaml), "gate.yaml", &err);
    if (s.st == QNS_OK)
        s.st = qns_gate_run_regression(&o, r, "r.json", &rules, &err);
    snprintf(s.text, sizeof s.text, "%s", s.st == QNS_OK ? o->check[0].text : err.text);
    if (s.st == QNS_OK) {
        s.verdict = o->verdict;
        s.failed = o->n_failed;
    }
    qns_gate_free(o);
    qns_arena_free(a);
    return s;
}

Test(gate, regressions)
{
    static const char *const head = "regression: {max_regressed: ";
    const struct {
        const char *rule;
        qns_gate_verdict verdict;
        uint32_t failed; /* the count, and each layer */
    } list[] = {
        {"0}", QNS_GATE_REGRESSED, 2},
        {"1}", QNS_GATE_PASS, 0},
        {"0, except: [one]}", QNS_GATE_PASS, 0},
        {"0, min_change: 3}", QNS_GATE_PASS, 0},
        {"0, q: 0.001}", QNS_GATE_PASS, 0},
        {"0, q: 0.1, min_change: 0.1}", QNS_GATE_REGRESSED, 3},
        {"2, answers: true}", QNS_GATE_REGRESSED, 1},
        {"2, q: 0.01, answers: true}", QNS_GATE_PASS, 0},
        {"9, max_unmatched: 0}", QNS_GATE_PASS, 0},
        {"9}\nlayers:\n  - {name: one, activation: {sqnr_db: {change: 1}}}", QNS_GATE_REGRESSED, 1},
        {"9}\nlayers:\n  - {name: two, activation: {sqnr_db: {change: 1}}}", QNS_GATE_PASS, 0},
        {"9}\noutput: {top1_agreement: {min: 0.9}}", QNS_GATE_REGRESSED, 1},
        {"9}\ncoverage: {ops: {min: 1}}", QNS_GATE_PASS, 0},
    };
    const qns_diff was = {.present = true, .sqnr_db = 22}, now = {.present = true, .sqnr_db = 20};
    const qns_diff same = {.present = true, .sqnr_db = 21.9};
    qns_changed layer[2] = {{.name = "one",
                             .op = "conv",
                             .was_kept = "int8",
                             .now_kept = "int8",
                             .was = was,
                             .now = now,
                             .test = {.n = 9, .shift = -2, .p = 0.004},
                             .change_db = -2,
                             .q = 0.008,
                             .change = QNS_REGRESSED,
                             .advice = ""},
                            {.name = "two",
                             .op = "conv",
                             .was_kept = "int8",
                             .now_kept = "int8",
                             .was = was,
                             .now = same,
                             .test = {.n = 9, .shift = -0.1, .p = 0.09},
                             .change_db = -0.1,
                             .q = 0.09,
                             .change = QNS_UNCHANGED,
                             .advice = ""}};
    static const uint32_t ranking[] = {0, 1};
    const qns_side side = {"f", "m", "", "", "", "", "", "", "", true, 9};
    const qns_regression r = {
        .qns = "0",
        .ref = side,
        .was = side,
        .now = side,
        .samples = 9,
        .fdr = 0.05,
        .min_change_db = 0.1,
        .layer = layer,
        .n_layers = 2,
        .ranking = ranking,
        .n = {[QNS_REGRESSED] = 1, [QNS_UNCHANGED] = 1},
        .output = {"out", 1, {1, 0.8, 9, 1, 0.02}, {NAN, NAN, 0, 0, NAN}, NAN},
        .was_coverage = {2, 2, 0, 1},
        .now_coverage = {2, 2, 0, 1}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(list); i++) {
        char yaml[300];
        snprintf(yaml, sizeof yaml, "%s%s\n", head, list[i].rule);
        const seen s = judge_changes(yaml, &r);
        cr_expect_eq(s.st, QNS_OK, "%s: %s", yaml, s.text);
        cr_expect_eq(s.verdict, list[i].verdict, "%s: %d, %s", yaml, s.verdict, s.text);
        cr_expect_eq(s.failed, list[i].failed, "%s: %u, %s", yaml, s.failed, s.text);
    }
    const seen s = judge_changes("regression: {max_regressed: 0, except: [three]}\n", &r);
    cr_expect_eq(s.st, QNS_E_CONFIG);
    cr_expect(strstr(s.text, "'three' matches no"), "%s", s.text);
    layer[0].now.nonfinite_test = 1;
    cr_expect_eq(judge_changes("coverage: {ops: {min: 1}}\n", &r).verdict, QNS_GATE_BAD_DATA);
}

Test(gate, rules_about_local_errors_and_regressions_need_such_results)
{
    qns_result *r = make_result(3, false);
    refused("regression: {q: 0.05}\n", r, "'regression' has no limit");
    refused("regression: {max_regressed: 0}\n", r, "FLOAT.h5 OLD.h5 NEW.h5");
    refused("layers:\n  - {name: '*', local: {sqnr_db: {min: 1}}}\n", r, "'qns shadow'");
    seen s = judge("regression: {max_regressed: 0}\ncoverage: {ops: {min: 0.1}}\n", r, NULL);
    cr_expect_eq(s.st, QNS_OK, "%s", s.text);
    cr_expect_eq(s.skipped, 1);
    r->layer[1].local = r->layer[1].activation;
    r->layer[1].local.sqnr_db = 12;
    s = judge("layers:\n  - {name: '*', local: {sqnr_db: {min: 15}}}\n", r, NULL);
    cr_expect_eq(s.failed, 1, "%s", s.text);
    cr_expect_eq(s.checks, 1);
    cr_expect(strstr(s.text, "local SQNR is 12 dB"), "%s", s.text);
    qns_result_free(r);
}

Test(gate, out_of_memory_at_any_place)
{
    static const char yaml[] = "layers: [{name: '*', activation: {sqnr_db: {min: 1, change: 1}}}]\n"
                               "findings: {fail_on: note}\n";
    qns_result *r = make_result(8, false);
    bool done = false;
    for (int64_t n = 0; n < 5000 && !done; n++) {
        qns_arena *a = NULL;
        qns_gate_rules rules;
        qns_gate_outcome *o = NULL;
        qns_err err = {0};
        cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
        qns_mem_fail_at(n);
        qns_status st = qns_gate_parse_rules(&rules, a, yaml, strlen(yaml), "g", &err);
        if (st == QNS_OK)
            st = qns_gate_run(&o, r, "r", &rules, r, "b", &err);
        qns_mem_fail_at(-1);
        done = st == QNS_OK;
        cr_expect(done || st == QNS_E_NOMEM, "%d: %s", (int)st, err.text);
        cr_expect_eq(err.code, st);
        qns_gate_free(o);
        qns_arena_free(a);
    }
    cr_expect(done);
    qns_result_free(r);
}
