/* SPDX-License-Identifier: MIT */
/* Trials of the fixture give what quantizing and running files with the same skip list gives. */
#include "ns/trial.h"

#include "core/base/mem.h"
#include "core/model/onnx_write.h"
#include "core/quant/model.h"
#include "core/quant/quantize_model.h"
#include "ns/accuracy.h"
#include "ns/compare/metric.h"
#include "tests/unit/ns/cap_help.h"

#include <math.h>

enum { SAMPLES = 10 };
#define FIXTURE(name) QNS_SOURCE_DIR "/fixtures/fashion/" name

static qns_model *model;
static qns_source *calib, *eval;
static qns_qconfig_set *set;
static qns_trials *trials;

static const qns_exec_opts exec_opts = {.engine = QNS_ENGINE_REFERENCE, .cpu_mask = ~0u};

static qns_trials_spec spec_of(void)
{
    return (qns_trials_spec){.fused = qns_model_graph(model),
                             .set = set,
                             .calib = qns_samples_of(calib),
                             .eval = qns_samples_of(eval),
                             .labels = qns_source_labels(eval),
                             .exec = exec_opts};
}

static void make(void)
{
    qns_err err;
    const char *calib_yaml = FIXTURE("calib.yaml"), *eval_yaml = FIXTURE("eval.yaml");
    make_folder();
    OK(qns_model_load(&model, FIXTURE("model.onnx"), NULL, &err));
    OK(qns_source_open(&calib, qns_model_graph(model), &calib_yaml, 1, NULL, 16, &err));
    OK(qns_source_open(&eval, qns_model_graph(model), &eval_yaml, 1, NULL, SAMPLES, &err));
    OK(qns_qconfig_create(&set, qns_backend_find("fbgemm"), NULL, &err));
    const qns_trials_spec want = spec_of();
    OK(qns_trials_create(&trials, &want, &err));
}

static void drop(void)
{
    qns_trials_free(trials);
    qns_qconfig_free(set);
    qns_source_close(calib);
    qns_source_close(eval);
    qns_model_free(model);
    drop_folder();
}

TestSuite(trial, .init = make, .fini = drop);

/* ---- the long way: a file for every set ---- */

static void quantize(const char *path, const bool *in_float)
{
    qns_err err;
    qns_qconfig_set *own;
    qns_graph *qdq;
    const qns_calibration c = {.samples = qns_samples_of(calib), .exec = exec_opts};
    OK(qns_qconfig_copy(&own, set, &err));
    for (uint32_t i = 0; i < qns_trials_n(trials); i++)
        for (size_t k = 0; in_float[i] && k < qns_trials_unit(trials, i)->n_names; k++)
            OK(qns_qconfig_skip(own, qns_trials_unit(trials, i)->names[k], &err));
    OK(qns_quantize(&qdq, NULL, qns_model_graph(model), own, &c, &err));
    OK(qns_onnx_write(path, qdq, true, &err));
    qns_graph_free(qdq);
    qns_qconfig_free(own);
}

static void outputs_of(float *out, const qns_graph *g, int64_t first, int64_t n, size_t classes)
{
    qns_err err;
    qns_plan *p;
    qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    qns_tensor o = qns_graph_tensor(g, qns_graph_output(g, 0));
    cr_assert_eq(qns_tensor_count(&o), classes);
    in.layout = o.layout = QNS_ROW;
    in.data = qns_malloc64(qns_tensor_bytes(&in));
    OK(qns_plan_create(&p, g, &exec_opts, &err));
    for (int64_t i = 0; i < n; i++) {
        o.data = out + (size_t)i * classes;
        OK(qns_source_get(&in, eval, first + i, &err));
        OK(qns_plan_run(&o, p, &in, first + i, &err));
    }
    qns_plan_free(p);
    qns_free(in.data);
}

static qns_trial_score long_way(const char *path, int64_t first, int64_t n)
{
    static float ref[SAMPLES * CLASSES], test[SAMPLES * CLASSES];
    qns_err err;
    qns_model *m;
    qns_sums all, one;
    unsigned flags = 0;
    qns_trial_score s = {.n = n};
    OK(qns_model_load(&m, path, NULL, &err));
    outputs_of(ref, qns_model_graph(model), first, n, CLASSES);
    outputs_of(test, qns_model_graph(m), first, n, CLASSES);
    qns_sums_init(&all);
    for (int64_t i = 0; i < n; i++) {
        const float *x = ref + i * CLASSES, *y = test + i * CLASSES;
        const int64_t label = qns_source_labels(eval)[first + i];
        qns_sums_init(&one);
        qns_sums_add(&one, x, y, CLASSES, NULL);
        qns_sums_merge(&all, &one);
        s.agree += qns_argmax(x, CLASSES) == qns_argmax(y, CLASSES);
        s.ref_hit += (int64_t)qns_argmax(x, CLASSES) == label;
        s.hit += (int64_t)qns_argmax(y, CLASSES) == label;
    }
    s.output_sqnr_db = qns_sqnr_db(&flags, &all);
    qns_model_free(m);
    return s;
}

static void same_score(const qns_trial_score *a, const qns_trial_score *b, const char *what)
{
    cr_assert_eq(a->n, b->n, "%s", what);
    cr_assert_eq(a->output_sqnr_db, b->output_sqnr_db, "%s: %.17g and %.17g dB", what,
                 a->output_sqnr_db, b->output_sqnr_db);
    cr_assert_eq(a->agree, b->agree, "%s", what);
    cr_assert_eq(a->ref_hit, b->ref_hit, "%s", what);
    cr_assert_eq(a->hit, b->hit, "%s", what);
}

static char *bytes_of(size_t *n, const char *path)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f);
    char *all = malloc(1 << 22);
    *n = fread(all, 1, 1 << 22, f);
    fclose(f);
    return all;
}

static void check_set(const bool *in_float, const char *what)
{
    qns_err err;
    qns_trial_score s;
    size_t n, m;
    quantize(in_folder("long.onnx"), in_float);
    OK(qns_trials_run(&s, trials, in_float, 2, SAMPLES - 2, false, &err));
    const qns_trial_score long_score = long_way(in_folder("long.onnx"), 2, SAMPLES - 2);
    same_score(&s, &long_score, what);
    cr_assert_null(s.sample);
    OK(qns_trials_write_model(trials, in_folder("short.onnx"), in_float, &err));
    char *a = bytes_of(&n, in_folder("long.onnx")), *b = bytes_of(&m, in_folder("short.onnx"));
    cr_assert_eq(n, m, "%s", what);
    cr_assert_arr_eq(a, b, n, "%s: files differ", what);
    free(a);
    free(b);
}

Test(trial, sets_give_the_bits_of_files)
{
    enum { MAX = 64 };
    bool in_float[MAX];
    uint32_t random = 12345;
    const uint32_t n = qns_trials_n(trials);
    cr_assert(n > 5 && n <= MAX);
    for (int k = 0; k < 12; k++) {
        for (uint32_t i = 0; i < n; i++) {
            random = random * 1664525 + 1013904223;
            in_float[i] = k == 0 ? false : k == 1 ? true : (random >> 24) % 4 < (uint32_t)k % 4;
        }
        check_set(in_float, k == 0 ? "all int8" : k == 1 ? "all float" : "random");
    }
}

Test(trial, all_in_float_is_exact)
{
    qns_err err;
    bool in_float[64];
    qns_trial_score s;
    memset(in_float, 1, sizeof in_float);
    OK(qns_trials_run(&s, trials, in_float, 0, SAMPLES, true, &err));
    cr_assert_eq(s.output_sqnr_db, INFINITY);
    cr_assert_eq(s.agree, SAMPLES);
    cr_assert_eq(s.hit, s.ref_hit);
    int64_t hits = 0;
    for (int64_t i = 0; i < SAMPLES; i++) {
        cr_assert_eq(s.sample[i] & 1, 1);
        hits += s.sample[i] >> 2;
    }
    cr_assert_eq(hits, s.hit);
    qns_free(s.sample);
}

Test(trial, groups_are_one_unit)
{
    qns_err err;
    qns_trials *grouped;
    qns_trials_spec want = spec_of();
    const char *const globs[] = {qns_trials_unit(trials, 0)->name,
                                 qns_trials_unit(trials, 2)->name};
    const struct qns_trials_group group = {globs, 2};
    want.group = &group;
    want.n_groups = 1;
    OK(qns_trials_create(&grouped, &want, &err));
    cr_assert_eq(qns_trials_n(grouped), qns_trials_n(trials) - 1);
    const qns_trial_unit *u = qns_trials_unit(grouped, 0);
    cr_assert_eq(u->n_names, 2);
    cr_assert_str_eq(u->names[1], globs[1]);
    cr_assert_eq(u->macs, qns_trials_unit(trials, 0)->macs + qns_trials_unit(trials, 2)->macs);
    qns_trials_free(grouped);
}

Test(trial, group_that_matches_nothing)
{
    qns_err err = {0};
    qns_trials *grouped;
    qns_trials_spec want = spec_of();
    const char *const glob = "no such layer";
    const struct qns_trials_group group = {&glob, 1};
    want.group = &group;
    want.n_groups = 1;
    cr_assert_eq(qns_trials_create(&grouped, &want, &err), QNS_E_NOTFOUND);
    cr_assert(strstr(err.text, "no such layer"));
}
