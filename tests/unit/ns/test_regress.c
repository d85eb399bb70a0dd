/* SPDX-License-Identifier: MIT */
/* Three captures: what is planted is found, what is not is not. */
#include "ns/compare.h"
#include "ns/regression.h"
#include "reports/regression_json.h"
#include "tests/unit/ns/cap_help.h"

TestSuite(regress, .init = make_folder, .fini = drop_folder);

static const qns_regress_opts defaults = {.min_change_db = NAN};

static qns_status run(qns_regression **r, const spec *ref, const spec *was, const spec *now,
                      const qns_regress_opts *o, qns_err *err)
{
    write_capture(in_folder("f.h5"), ref);
    write_capture(in_folder("a.h5"), was);
    write_capture(in_folder("b.h5"), now);
    return qns_regress(r, in_folder("f.h5"), in_folder("a.h5"), in_folder("b.h5"),
                       o ? o : &defaults, err);
}

static spec int8_spec(void)
{
    spec s = plain;
    s.quantized = true;
    return s;
}

static const qns_finding *finding(const qns_regression *r, const char *code)
{
    for (uint32_t i = 0; i < r->n_findings; i++)
        if (strcmp(r->finding[i].code, code) == 0)
            return &r->finding[i];
    return NULL;
}

static void expect_only(const qns_regression *r, uint32_t layer, qns_change c)
{
    for (uint32_t i = 0; i < r->n_layers; i++)
        cr_expect_eq(r->layer[i].change, i == layer ? c : QNS_UNCHANGED, "%s is %s",
                     r->layer[i].name, qns_change_text(r->layer[i].change));
}

Test(regress, nothing_changed)
{
    qns_err err;
    qns_regression *r = NULL;
    const spec q = int8_spec();
    OK(run(&r, &plain, &q, &q, NULL, &err));
    cr_assert_eq(r->n_layers, LAYERS);
    cr_expect_eq(r->samples, 12);
    expect_only(r, UINT32_MAX, QNS_UNCHANGED);
    for (uint32_t i = 0; i < LAYERS; i++) {
        cr_expect_eq(r->layer[i].change_db, 0);
        cr_expect_eq(r->layer[i].test.p, 1);
        cr_expect_eq(r->layer[i].test.n_zero, 12);
    }
    cr_expect_eq(r->output.agreement.lost + r->output.agreement.gained, 0);
    cr_expect(finding(r, "NOTHING_CHANGED"));
    cr_expect_not(qns_regression_is_worse(r));
    qns_regression_free(r);
}

/* The fault of one layer regresses, the numbers are those of qns_compare(), and turned around it
 * improves by as much. */
Test(regress, a_planted_fault_regresses_and_its_repair_improves)
{
    qns_err err;
    qns_regression *r = NULL, *turned = NULL;
    qns_result *two = NULL;
    const spec q = int8_spec();
    spec bad = q;
    bad.bad_layer = 2;
    bad.fault = CLIP;
    OK(run(&r, &plain, &q, &bad, NULL, &err));
    expect_only(r, 2, QNS_REGRESSED);
    cr_expect_eq(r->ranking[0], 2);
    cr_expect(r->layer[2].change_db < -3 && r->layer[2].q <= 0.05);
    cr_expect(r->layer[2].test.lo <= r->layer[2].change_db &&
              r->layer[2].change_db <= r->layer[2].test.hi);
    cr_expect_geq(r->layer[2].worst_sample, 0);
    cr_expect_leq(r->layer[2].worst_db, r->layer[2].change_db);
    cr_assert(finding(r, "BEGINS_HERE"));
    cr_expect_str_eq(finding(r, "BEGINS_HERE")->subject, "conv2");
    cr_expect(qns_regression_is_worse(r));
    OK(qns_compare(&two, in_folder("f.h5"), in_folder("b.h5"), NULL, &err));
    for (uint32_t i = 0; i < LAYERS; i++)
        cr_expect_eq(r->layer[i].now.sqnr_db, two->layer[i].activation.sqnr_db);
    OK(run(&turned, &plain, &bad, &q, NULL, &err));
    expect_only(turned, 2, QNS_IMPROVED);
    cr_expect_eq(turned->layer[2].change_db, -r->layer[2].change_db);
    cr_expect_eq(turned->layer[2].q, r->layer[2].q);
    cr_expect_not(qns_regression_is_worse(turned));
    qns_result_free(two);
    qns_regression_free(r);
    qns_regression_free(turned);
}

Test(regress, too_small_a_change_does_not_count)
{
    qns_err err;
    qns_regression *r = NULL;
    const spec q = int8_spec();
    spec bad = q;
    bad.bad_layer = 1;
    bad.fault = GAIN;
    qns_regress_opts o = defaults;
    o.min_change_db = 500;
    OK(run(&r, &plain, &q, &bad, &o, &err));
    expect_only(r, UINT32_MAX, QNS_UNCHANGED);
    cr_expect(r->layer[1].q <= 0.05);
    qns_regression_free(r);
}

Test(regress, with_four_samples_nothing_can_be_told)
{
    qns_err err;
    qns_regression *r = NULL;
    spec ref = plain, q = int8_spec();
    ref.samples = q.samples = 4;
    spec bad = q;
    bad.bad_layer = 1;
    bad.fault = GAIN;
    OK(run(&r, &ref, &q, &bad, NULL, &err));
    expect_only(r, UINT32_MAX, QNS_UNCHANGED);
    cr_expect_eq(r->layer[1].test.p, 0.125);
    cr_assert(finding(r, "FEW_SAMPLES"));
    cr_expect(strstr(finding(r, "FEW_SAMPLES")->advice, "at least 8 samples"));
    qns_regression_free(r);
}

Test(regress, not_a_number_is_a_regression_however_few)
{
    qns_err err;
    qns_regression *r = NULL;
    const spec q = int8_spec();
    spec bad = q;
    bad.bad_layer = 3;
    bad.fault = NAN_ONE;
    OK(run(&r, &plain, &q, &bad, NULL, &err));
    cr_expect_eq(r->layer[3].change, QNS_REGRESSED);
    cr_expect_eq(r->ranking[0], 3);
    cr_expect(strstr(r->layer[3].advice, "NaN"));
    qns_regression_free(r);
}

Test(regress, lost_and_new_layers)
{
    qns_err err;
    qns_regression *r = NULL;
    const spec q = int8_spec();
    spec less = q;
    less.skip_layer = 1;
    OK(run(&r, &plain, &q, &less, NULL, &err));
    expect_only(r, 1, QNS_NEWLY_UNMATCHED);
    cr_expect_str_eq(r->layer[1].name, "conv1");
    cr_expect(strstr(r->layer[1].advice, "missing"));
    cr_expect_eq(r->now_coverage.matched, LAYERS - 1);
    cr_expect(finding(r, "NEWLY_UNMATCHED"));
    qns_regression_free(r);
    OK(run(&r, &plain, &less, &q, NULL, &err));
    expect_only(r, 1, QNS_NEWLY_MATCHED); /* in its place in the order of execution */
    qns_regression_free(r);
}

Test(regress, samples_that_all_three_have)
{
    qns_err err;
    qns_regression *r = NULL;
    spec was = int8_spec(), now = was, apart = was;
    was.first = 3;
    now.samples = 9;
    OK(run(&r, &plain, &was, &now, NULL, &err));
    cr_expect_eq(r->samples, 6);
    cr_assert(finding(r, "COMMON_SAMPLES"));
    expect_only(r, UINT32_MAX, QNS_UNCHANGED);
    qns_regression_free(r);
    was.samples = 3;
    was.first = 0;
    apart.first = 6;
    r = NULL;
    FAILS(run(&r, &plain, &was, &apart, NULL, &err), QNS_E_MISMATCH, "share no sample");
}

Test(regress, what_cannot_be_compared_is_refused)
{
    qns_err err;
    qns_regression *r = NULL;
    const spec q = int8_spec();
    spec other = q;
    other.source_weights = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    FAILS(run(&r, &plain, &q, &other, NULL, &err), QNS_E_MISMATCH, "float weights");
    other = q;
    other.inputs = "y";
    FAILS(run(&r, &plain, &other, &q, NULL, &err), QNS_E_MISMATCH, "other inputs");
    other = q;
    other.incomplete = true;
    FAILS(run(&r, &plain, &q, &other, NULL, &err), QNS_E_MISMATCH, "incomplete");
    cr_expect_null(r);
}

Test(regress, threads_change_nothing_and_json_reads_back)
{
    qns_err err;
    qns_regression *r = NULL;
    spec q = int8_spec(), bad = q;
    bad.bad_layer = 2;
    bad.fault = GAIN;
    bad.skip_layer = 0;
    qns_str text[3] = {{0}, {0}, {0}};
    for (int threads = 1; threads <= 2; threads++) {
        qns_regress_opts o = defaults;
        o.threads = threads;
        OK(run(&r, &plain, &q, &bad, &o, &err));
        OK(qns_kind_regression.to_json(&text[threads - 1], r, false, &err));
        qns_regression_free(r);
    }
    cr_expect_str_eq(qns_str_get(&text[0]), qns_str_get(&text[1]));
    json_t *doc = json_loads(qns_str_get(&text[0]), 0, NULL);
    void *back = NULL;
    OK(qns_kind_regression.from_json(&back, doc, &err));
    OK(qns_kind_regression.to_json(&text[2], back, false, &err));
    cr_expect_str_eq(qns_str_get(&text[0]), qns_str_get(&text[2]));
    json_decref(doc);
    qns_kind_regression.free(back);
    for (int i = 0; i < 3; i++)
        qns_str_fini(&text[i]);
}

/* A document that was tampered with is an error with a place, never more. */
Test(regress, hostile_documents)
{
    static const struct {
        const char *text, *want;
    } list[] = {
        {"{\"kind\":\"regression\",\"layers\":[{}]}", "layers[0].name"},
        {"{\"kind\":\"regression\",\"layers\":[{\"name\":\"a\",\"change\":\"worse\"}]}",
         "layers[0].change"},
        {"{\"kind\":\"regression\",\"layers\":[{\"name\":\"a\"}]}", "'ranking' must be"},
        {"{\"kind\":\"regression\",\"layers\":[{\"name\":\"a\"}],\"ranking\":[\"a\"],"
         "\"output\":{\"layer\":1}}",
         "output.layer"},
        {"{\"kind\":\"regression\",\"rules\":{\"method\":\"x\"}}", "rules.method"},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(list); i++) {
        qns_err err;
        void *r = NULL;
        json_t *doc = json_loads(list[i].text, 0, NULL);
        cr_assert(doc, "%zu", i);
        FAILS(qns_kind_regression.from_json(&r, doc, &err), QNS_E_FORMAT, list[i].want);
        json_decref(doc);
    }
}
