/* SPDX-License-Identifier: MIT */
/* The result file: the same out as in, and one message with a path for whatever is wrong. */
#include "core/base/mem.h"
#include "reports/result_json.h"
#include "tests/reports/make_result.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

static void to_json(qns_str *out, const qns_result *r)
{
    qns_err err = {0};
    cr_assert_eq(qns_result_to_json(out, r, false, &err), QNS_OK, "%s", err.text);
}

static bool same(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void expect_same_numbers(const qns_result *a, const qns_result *b)
{
    cr_assert_eq(a->n_layers, b->n_layers);
    for (uint32_t i = 0; i < a->n_layers; i++) {
        const qns_layer *p = &a->layer[i], *q = &b->layer[i];
        cr_expect_eq(p->activation.present, q->activation.present);
        cr_expect_eq(p->macs, q->macs);
        cr_expect_eq(p->verdict, q->verdict);
        cr_expect(same(p->added_db, q->added_db));
        if (p->activation.present) {
            cr_expect(same(p->activation.sqnr_db, q->activation.sqnr_db), "layer %u", i);
            cr_expect(same(p->activation.bias_sigma, q->activation.bias_sigma));
            cr_expect(same(p->activation.ref_rms, q->activation.ref_rms));
            cr_expect_eq(p->activation.flags, q->activation.flags);
            cr_expect_eq(p->activation.nonfinite_test, q->activation.nonfinite_test);
            cr_expect_eq(p->activation.worst_sample, q->activation.worst_sample);
        }
        cr_assert_eq(p->weight_q.n_scale, q->weight_q.n_scale);
        for (uint32_t k = 0; k < p->weight_q.n_scale; k++)
            cr_expect(same(p->weight_q.scale[k], q->weight_q.scale[k]));
        cr_assert_eq(p->n_from, q->n_from);
        for (uint32_t k = 0; k < p->n_from; k++)
            cr_expect_str_eq(b->layer[p->from[k]].name, b->layer[q->from[k]].name);
        cr_assert_eq(p->hist.n_bins, q->hist.n_bins);
        for (uint32_t k = 0; k < p->hist.n_bins; k++)
            cr_expect_eq(p->hist.test[k], q->hist.test[k]);
        cr_assert_eq(p->weight_channels.n, q->weight_channels.n);
        for (uint32_t k = 0; k < p->weight_channels.n; k++)
            cr_expect(same(p->weight_channels.sqnr_db[k], q->weight_channels.sqnr_db[k]));
    }
    for (uint32_t i = 0; i < a->n_ranking; i++)
        cr_expect_eq(a->ranking[i], b->ranking[i]);
}

static void round_trip(bool hostile)
{
    qns_result *a = make_result(64, hostile), *b = NULL;
    qns_str first = {0}, second = {0};
    qns_err err = {0};
    cr_assert(a);
    to_json(&first, a);
    cr_assert_eq(qns_result_from_json(&b, first.s, first.len, &err), QNS_OK, "%s", err.text);
    expect_same_numbers(a, b);
    to_json(&second, b);
    cr_expect_str_eq(first.s, second.s);
    qns_str_fini(&first);
    qns_str_fini(&second);
    qns_result_free(a);
    qns_result_free(b);
}

Test(result_json, plain_round_trip)
{
    round_trip(false);
}

Test(result_json, hostile_round_trip)
{
    round_trip(true);
}

Test(result_json, looks_as_documented)
{
    qns_result *r = make_result(64, true);
    qns_str t = {0};
    cr_assert_eq(qns_result_to_json(&t, r, true, NULL), QNS_OK);
    static const char *const has[] = {
        "{\"qns\":\"0.1.0\",\"kind\":\"comparison\",\"reference\":{\"file\":",
        "\"sqnr_db\":\"inf\"",
        "\"sqnr_db\":\"-inf\"",
        "\"sqnr_db\":\"nan\"",
        "\"flags\":[\"EXACT\"]",
        "\"macs\":\"18446744073709551615\"",
        "\"top1_agreement\":0.98"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(has); i++)
        cr_expect(strstr(t.s, has[i]), "%s", has[i]);
    qns_str_fini(&t);
    qns_result_free(r);
}

static void expect_refused(const char *doc, const char *message)
{
    qns_result *r = NULL;
    qns_err err = {0};
    cr_expect_eq(qns_result_from_json(&r, doc, strlen(doc), &err), QNS_E_FORMAT, "%s", doc);
    cr_expect(strstr(err.text, message), "'%s' gives '%s', not '%s'", doc, err.text, message);
    cr_expect_null(r);
}

#define HEAD "{\"qns\":\"0\",\"kind\":\"comparison\","

Test(result_json, wrong_documents_are_refused_by_place)
{
    static const struct {
        const char *doc, *message;
    } c[] = {
        {"", "not JSON"},
        {"{", "not JSON: line 1"},
        {"[]", "must be an object"},
        {"{}", "'kind' must be \"comparison\""},
        {"{\"kind\":\"search\"}", "'kind' must be"},
        {"{\"kind\":\"comparison\",\"kind\":\"comparison\"}", "not JSON"},
        {HEAD "\"samples\":-1}", "'samples' must be an integer from 0"},
        {HEAD "\"samples\":1e300}", "'samples' must be an integer"},
        {HEAD "\"reference\":[]}", "'reference' must be an object"},
        {HEAD "\"test\":{\"identity\":{\"graph\":5}}}", "'test.identity.graph' must be a string"},
        {HEAD "\"test\":{\"complete\":1}}", "'test.complete' must be true or false"},
        {HEAD "\"coverage\":{\"ops\":4294967296}}", "'coverage.ops' must be an integer"},
        {HEAD "\"coverage\":{\"unmatched\":[1]}}", "'coverage.unmatched[0]' must be an object"},
        {HEAD "\"layers\":{}}", "'layers' must be an array"},
        {HEAD "\"layers\":[7]}", "'layers[0]' must be an object"},
        {HEAD "\"layers\":[{}]}", "'layers[0].name' must be the name"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"weight\":{\"sqnr_db\":true}}]}",
         "'layers[0].weight.sqnr_db' must be a number"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"weight\":{\"sqnr_db\":\"Inf\"}}]}", "\"inf\""},
        {HEAD "\"layers\":[{\"name\":\"a\",\"weight\":{\"flags\":[\"EXACT\",\"NEW\"]}}]}",
         "'layers[0].weight.flags[1]' must be the name of a flag"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"macs\":\"-4\"}]}", "'layers[0].macs' must be a count"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"macs\":\"18446744073709551616\"}]}",
         "must be a count"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"verdict\":\"great\"}]}",
         "'layers[0].verdict' must be \"ok\""},
        {HEAD "\"layers\":[{\"name\":\"a\",\"weight_qparams\":{\"zero_point\":[]}}]}",
         "'layers[0].weight_qparams.zero_point' must be"},
        {HEAD
         "\"layers\":[{\"name\":\"a\",\"weight_qparams\":{\"zero_point\":[0,0],\"scale\":[1]}}]}",
         "'layers[0].weight_qparams.scale' must be an array of 2 elements, has 1"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"histogram\":{\"ref\":[1,2],\"test\":[1]}}]}",
         "'layers[0].histogram.test'"},
        {HEAD "\"layers\":[{\"name\":\"a\",\"weight_channels\":{\"ref_min\":[1],\"ref_max\":[]}}]}",
         "'layers[0].weight_channels.ref_max'"},
        {HEAD "\"layers\":[{\"name\":\"a\"}],\"ranking\":[\"b\"]}",
         "'ranking[0]' must be the name"},
        {HEAD "\"layers\":[{\"name\":\"a\"}],\"ranking\":[1]}", "'ranking[0]' must be an integer"},
        {HEAD "\"layers\":[],\"ranking\":[0]}", "'ranking[0]' must be"},
        {HEAD "\"layers\":[{\"name\":\"a\"}],\"ranking\":[\"a\",0]}",
         "'ranking[1]' must be a layer that was"},
        {HEAD "\"output\":{\"top1_agreement\":[]}}", "'output.top1_agreement' must be a number"},
        {HEAD "\"findings\":[{\"severity\":3}]}", "'findings[0].severity' must be a string"},
    };
    for (size_t i = 0; i < QNS_ARRAY_LEN(c); i++)
        expect_refused(c[i].doc, c[i].message);
}

Test(result_json, deep_nesting_is_refused)
{
    enum { N = 1000000 };
    char *doc = qns_malloc64(N + 1);
    cr_assert(doc);
    memset(doc, '[', N);
    doc[N] = 0;
    expect_refused(doc, "not JSON");
    qns_free(doc);
}

/* Every document that is cut short, or has one byte changed, is read or refused, never worse. */
Test(result_json, damaged_documents, .timeout = 120)
{
    qns_result *r = make_result(3, true);
    qns_str t = {0};
    cr_assert_eq(qns_result_to_json(&t, r, true, NULL), QNS_OK);
    for (size_t n = 0; n + 2 < t.len; n += 7) {
        qns_result *x = NULL;
        cr_expect_eq(qns_result_from_json(&x, t.s, n, NULL), QNS_E_FORMAT);
        static const char change[] = "\"0{[,\xFF";
        char *at = t.s + n, kept = *at;
        *at = change[n % (sizeof change - 1)];
        if (qns_result_from_json(&x, t.s, t.len, NULL) == QNS_OK)
            qns_result_free(x);
        *at = kept;
    }
    qns_str_fini(&t);
    qns_result_free(r);
}

Test(result_json, running_out_of_memory_is_an_error)
{
    qns_result *r = make_result(3, true);
    qns_str t = {0};
    cr_assert_eq(qns_result_to_json(&t, r, true, NULL), QNS_OK);
    for (int64_t i = 0; i < 200; i++) {
        qns_result *x = NULL;
        qns_err err = {0};
        qns_mem_fail_at(i);
        const qns_status st = qns_result_from_json(&x, t.s, t.len, &err);
        qns_mem_fail_at(-1);
        cr_expect(st == QNS_OK || st == QNS_E_NOMEM, "%s", err.text);
        qns_result_free(x);
        if (st == QNS_OK && i > 0)
            break;
        cr_assert_lt(i, 199);
    }
    qns_str_fini(&t);
    qns_result_free(r);
}
