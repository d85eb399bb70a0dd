/* SPDX-License-Identifier: MIT */
#include "ns/compare.h"
#include "tests/unit/ns/cap_help.h"

TestSuite(compare, .init = make_folder, .fini = drop_folder);

static qns_result *compared(const spec *a, const spec *b, const qns_compare_opts *o)
{
    qns_err err;
    qns_result *r = NULL;
    write_capture(in_folder("f.h5"), a);
    write_capture(in_folder("q.h5"), b);
    OK(qns_compare(&r, in_folder("f.h5"), in_folder("q.h5"), o, &err));
    return r;
}

static spec int8_spec(void)
{
    spec s = plain;
    s.quantized = true;
    return s;
}

static bool found(const qns_result *r, const char *code, const char *subject)
{
    for (uint32_t i = 0; i < r->n_findings; i++)
        if (strcmp(r->finding[i].code, code) == 0 && strcmp(r->finding[i].subject, subject) == 0)
            return true;
    return false;
}

Test(compare, good_model)
{
    const spec q = int8_spec();
    qns_result *r = compared(&plain, &q, NULL);
    cr_assert_eq(r->n_layers, LAYERS);
    cr_assert_eq(r->samples, 12);
    cr_assert_eq(r->coverage.ops, LAYERS);
    cr_assert_eq(r->coverage.matched, LAYERS);
    cr_assert_eq(r->coverage.macs_matched, 1);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_layer *l = &r->layer[i];
        cr_assert_eq(l->index, (int32_t)i);
        cr_assert_str_eq(l->paired_by, "lineage");
        cr_assert_str_eq(l->kept, "int8");
        cr_assert_eq(l->verdict, QNS_V_OK, "%s: %s", l->name, l->advice);
        cr_assert_str_eq(l->advice, "");
        cr_assert(fabs(l->activation.rmse_steps - 0.2887) < 0.03, "%g", l->activation.rmse_steps);
        cr_assert(fabs(l->weight.rmse_steps - 0.2887) < 0.05, "%g", l->weight.rmse_steps);
        cr_assert_eq(l->activation.clipped, 0);
        cr_assert_leq(l->activation.sqnr_db_min, l->activation.sqnr_db_p5);
        cr_assert_leq(l->activation.sqnr_db_p5, l->activation.sqnr_db_median);
        cr_assert_eq(l->hist.n_bins > 0, true);
        cr_assert_eq(l->weight_channels.n, 8);
        cr_assert_eq(isnan(l->added_db), i == 0);
    }
    cr_assert_str_eq(r->layer[2].name, "conv2");
    cr_assert_str_eq(r->output.name, "/layer4/relu_out");
    cr_assert_gt(r->output.top1_agreement, 0.7);
    cr_assert_geq(r->output.ref_top1, 0);
    cr_assert_str_eq(r->ref.model, "f.onnx");
    cr_assert_eq(r->n_findings, 0);
    qns_result_free(r);
}

Test(compare, itself)
{
    qns_result *r = compared(&plain, &plain, NULL);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        cr_assert(r->layer[i].activation.flags & QNS_M_EXACT);
        cr_assert_eq(r->ranking[i], i);
        cr_assert_str_eq(r->layer[i].kept, "float");
    }
    cr_assert_eq(r->output.top1_agreement, 1);
    qns_result_free(r);
}

/* An error planted in one layer is found there and nowhere else. */
Test(compare, planted)
{
    for (int layer = 0; layer < LAYERS; layer++) {
        spec q = int8_spec();
        q.bad_layer = layer;
        q.fault = GAIN;
        qns_result *r = compared(&plain, &q, NULL);
        cr_assert_eq(r->ranking[0], (uint32_t)layer);
        for (int i = 0; i < LAYERS; i++)
            cr_assert_eq(r->layer[i].verdict == QNS_V_OK, i != layer);
        cr_assert(layer == 0 || r->layer[layer].added_db > 20);
        cr_assert_neq(r->layer[layer].advice[0], '\0');
        qns_result_free(r);
    }
}

Test(compare, planted_clipping)
{
    spec f = plain, q = int8_spec();
    /* The float side goes beyond what the codes reach. */
    f.bad_layer = 3;
    f.fault = GAIN;
    qns_result *r = compared(&f, &q, NULL);
    cr_assert_eq(r->ranking[0], 3);
    cr_assert_gt(r->layer[3].activation.clipped, 0.05);
    cr_assert(r->layer[3].activation.flags & QNS_M_SATURATED);
    cr_assert(strstr(r->layer[3].advice, "clipped"), "%s", r->layer[3].advice);
    cr_assert(found(r, "CLIPPING", "conv3"));
    qns_result_free(r);
}

Test(compare, planted_nan)
{
    spec q = int8_spec();
    q.bad_layer = 1;
    q.fault = NAN_ONE;
    qns_result *r = compared(&plain, &q, NULL);
    cr_assert_eq(r->ranking[0], 1);
    cr_assert_eq(r->layer[1].verdict, QNS_V_BAD);
    cr_assert_eq(r->layer[1].activation.nonfinite_test, 12); /* one in each sample */
    cr_assert(found(r, "NONFINITE_TEST", "conv1"));
    cr_assert_eq(r->finding[0].severity, 2);
    qns_result_free(r);
}

Test(compare, planted_outlier_channel)
{
    spec f = plain, q = int8_spec();
    f.stretched = q.stretched = true;
    qns_result *r = compared(&f, &q, NULL);
    cr_assert(found(r, "OUTLIER_CHANNEL", "conv2"));
    cr_assert_lt(r->layer[2].weight_channels.sqnr_db[0],
                 r->layer[2].weight_channels.sqnr_db[7] - 15);
    for (uint32_t i = 0; i < r->n_findings; i++)
        if (strcmp(r->finding[i].code, "OUTLIER_CHANNEL") == 0)
            cr_assert(strstr(r->finding[i].text, "channel 7"), "%s", r->finding[i].text);
    qns_result_free(r);
}

Test(compare, planted_dead)
{
    spec q = int8_spec();
    q.bad_layer = 2;
    q.fault = DEAD;
    qns_result *r = compared(&plain, &q, NULL);
    cr_assert_eq(r->ranking[0], 2);
    cr_assert_eq(r->layer[2].activation.sqnr_db, 0);
    cr_assert(found(r, "DEAD_LAYER", "conv2"));
    qns_result_free(r);
}

/* Everything but the time is the same for any number of threads. */
Test(compare, threads)
{
    spec q = int8_spec();
    q.samples = 40;
    spec f = plain;
    f.samples = 40;
    const qns_compare_opts one = {.threads = 1}, four = {.threads = 4};
    qns_result *a = compared(&f, &q, &one), *b = compared(&f, &q, &four);
    for (uint32_t i = 0; i < a->n_layers; i++) {
        const qns_diff *x = &a->layer[i].activation, *y = &b->layer[i].activation;
        cr_assert_eq(memcmp(&x->sqnr_db, &y->sqnr_db, 8 * sizeof(double)), 0);
        cr_assert_eq(x->worst_sample, y->worst_sample);
        cr_assert_eq(a->ranking[i], b->ranking[i]);
        cr_assert_eq(memcmp(a->layer[i].hist.ref, b->layer[i].hist.ref,
                            a->layer[i].hist.n_bins * sizeof(uint64_t)),
                     0);
    }
    qns_result_free(a);
    qns_result_free(b);
}

/* ---- which samples ---- */

Test(compare, common_samples)
{
    spec q = int8_spec();
    q.first = 8; /* 8 ... 19 against 0 ... 11 */
    qns_result *r = compared(&plain, &q, NULL);
    cr_assert_eq(r->samples, 4);
    cr_assert(found(r, "COMMON_SAMPLES", ""));
    cr_assert_eq(r->layer[0].verdict, QNS_V_OK); /* aligned by id */
    qns_result_free(r);
}

static void mismatch(const spec *a, const spec *b, const qns_compare_opts *o, const char *words)
{
    qns_err err;
    qns_result *r = NULL;
    write_capture(in_folder("f.h5"), a);
    write_capture(in_folder("q.h5"), b);
    FAILS(qns_compare(&r, in_folder("f.h5"), in_folder("q.h5"), o, &err), QNS_E_MISMATCH, words);
    cr_assert_null(r);
}

Test(compare, mismatches)
{
    spec q = int8_spec();
    q.first = 100;
    mismatch(&plain, &q, NULL, "no sample in common");
    q = int8_spec();
    q.inputs = "other";
    mismatch(&plain, &q, NULL, "other inputs");
    q = int8_spec();
    q.source_weights = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    mismatch(&plain, &q, NULL, "float weights");
    q = int8_spec();
    q.incomplete = true;
    mismatch(&plain, &q, NULL, "incomplete");
}

Test(compare, forced)
{
    const qns_compare_opts o = {.force = true};
    spec q = int8_spec();
    q.source_weights = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
    qns_result *r = compared(&plain, &q, &o);
    cr_assert(found(r, "OTHER_WEIGHTS", ""));
    qns_result_free(r);
}

Test(compare, allow_incomplete)
{
    const qns_compare_opts o = {.allow_incomplete = true};
    spec q = int8_spec();
    q.incomplete = true;
    q.samples = 7;
    qns_result *r = compared(&plain, &q, &o);
    cr_assert_eq(r->samples, 7);
    cr_assert_not(r->test.complete);
    cr_assert(found(r, "INCOMPLETE", ""));
    qns_result_free(r);
}

/* ---- which layers ---- */

Test(compare, missing_layer)
{
    spec q = int8_spec();
    q.skip_layer = 1;
    qns_result *r = compared(&plain, &q, NULL);
    cr_assert_eq(r->coverage.ops, LAYERS);
    cr_assert_eq(r->coverage.matched, LAYERS - 1);
    cr_assert_eq(r->coverage.n_unmatched, 1);
    cr_assert_str_eq(r->coverage.unmatched[0].name, "conv1");
    cr_assert_str_eq(r->coverage.unmatched[0].side, "reference");
    cr_assert(found(r, "LOW_COVERAGE", ""));
    cr_assert(found(r, "MISSING_WEIGHTS", ""));
    qns_result_free(r);
}

Test(compare, layers)
{
    qns_err err;
    const spec q = int8_spec();
    const char *globs[] = {"conv[13]"}, *wrong[] = {"conf2"};
    const qns_compare_opts o = {.layers = globs, .n_layers = 1};
    const qns_compare_opts bad = {.layers = wrong, .n_layers = 1};
    qns_result *r = compared(&plain, &q, &o);
    cr_assert_eq(r->n_layers, 2);
    cr_assert_str_eq(r->layer[1].name, "conv3");
    cr_assert_eq(r->coverage.matched, LAYERS);
    qns_result_free(r);
    r = NULL;
    FAILS(qns_compare(&r, in_folder("f.h5"), in_folder("q.h5"), &bad, &err), QNS_E_NOTFOUND,
          "did you mean");
}

Test(compare, flags_text)
{
    char text[128];
    qns_flags_text(text, sizeof text, 255);
    cr_assert_str_eq(text, "EXACT|ZERO_REF|NONFINITE_REF|NONFINITE_TEST|EMPTY|UNDEFINED|SATURATED|"
                           "CONSTANT");
    cr_assert_eq(qns_flag_parse("SATURATED"), QNS_M_SATURATED);
    cr_assert_eq(qns_flag_parse("nothing"), 0);
}
