/* SPDX-License-Identifier: MIT */
/* Trials of the fixture give what quantizing and running files with the same skip list gives. */
#include "tests/unit/ns/trial_help.h"

enum { SAMPLES = 10 };
#define FIXTURE(name) QNS_SOURCE_DIR "/fixtures/fashion/" name

static net x;

static void make(void)
{
    qns_err err;
    make_folder();
    net_open(&x, FIXTURE("model.onnx"), FIXTURE("calib.yaml"), FIXTURE("eval.yaml"), 8, SAMPLES);
    OK(qns_qconfig_create(&x.set, qns_backend_find("fbgemm"), NULL, &err));
    const qns_trials_spec s = spec_of(&x);
    OK(qns_trials_create(&x.trials, &s, &err));
}

static void drop(void)
{
    net_close(&x);
    drop_folder();
}

TestSuite(trial, .init = make, .fini = drop);

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
    quantize(&x, in_folder("long.onnx"), in_float);
    OK(qns_trials_run(&s, x.trials, in_float, 2, SAMPLES - 2, false, &err));
    const qns_trial_score want = long_way(&x, in_folder("long.onnx"), 2, SAMPLES - 2);
    same_score(&s, &want, what);
    cr_assert_null(s.sample);
    OK(qns_trials_write_model(x.trials, in_folder("short.onnx"), in_float, &err));
    char *a = bytes_of(&n, in_folder("long.onnx")), *b = bytes_of(&m, in_folder("short.onnx"));
    cr_assert_eq(n, m, "%s", what);
    cr_assert_arr_eq(a, b, n, "%s: files differ", what);
    free(a);
    free(b);
}

Test(trial, sets_give_the_bits_of_files)
{
    bool in_float[MAX_UNITS];
    uint32_t random = 12345;
    for (int k = 0; k < 8; k++) {
        make_set(in_float, qns_trials_n(x.trials), k, &random);
        check_set(in_float, k == 0 ? "all int8" : k == 1 ? "all float" : "random");
    }
}

/* Side by side or one by one, the numbers are the same; what is equal is not computed again. */
Test(trial, a_scan_is_its_trials)
{
    qns_err err;
    bool in_float[2 * MAX_UNITS + 1][MAX_UNITS];
    const bool *set[2 * MAX_UNITS + 1];
    qns_trial_score s[2 * MAX_UNITS + 1], one;
    const uint32_t n = qns_trials_n(x.trials), n_sets = 2 * n + 1;
    const qns_scan_opts o = {.n = SAMPLES, .want_samples = true};
    double in = 0, out = 0;
    for (uint32_t k = 0; k < n_sets; k++) { /* none, all but one, one */
        set[k] = in_float[k];
        for (uint32_t i = 0; i < n; i++)
            in_float[k][i] = k > 0 && (k <= n ? i != k - 1 : i == k - n - 1);
    }
    OK(qns_trials_scan(s, x.trials, set, n_sets, &o, &err));
    for (uint32_t k = 0; k < n_sets; k++) {
        OK(qns_trials_run(&one, x.trials, set[k], 0, SAMPLES, true, &err));
        same_score(&s[k], &one, "scan");
        cr_assert_arr_eq(s[k].sample, one.sample, SAMPLES);
        cr_assert_arr_eq(s[k].energy, one.energy, 2 * SAMPLES);
        free_samples(&s[k]);
        free_samples(&one);
        *(k <= n ? &in : &out) += k > 0 ? s[k].macs : 0;
    }
    cr_assert_eq(s[0].macs, qns_trials_macs(x.trials));
    cr_assert(in > 0 && in < 0.75 * n * qns_trials_macs(x.trials));
    cr_assert(out > 0 && out < 0.75 * n * qns_trials_macs(x.trials));
}

Test(trial, all_in_float_is_exact)
{
    qns_err err;
    bool in_float[MAX_UNITS];
    qns_trial_score s;
    memset(in_float, 1, sizeof in_float);
    OK(qns_trials_run(&s, x.trials, in_float, 0, SAMPLES, true, &err));
    cr_assert_eq(s.output_sqnr_db, INFINITY);
    cr_assert_eq(s.agree, SAMPLES);
    cr_assert_eq(s.hit, s.ref_hit);
    cr_assert_eq(s.macs, 0);
    int64_t hits = 0;
    for (int64_t i = 0; i < SAMPLES; i++) {
        cr_assert_eq(s.sample[i] & 1, 1);
        hits += s.sample[i] >> 2;
    }
    cr_assert_eq(hits, s.hit);
    cr_assert_eq(s.n_energy, SAMPLES);
    for (uint32_t i = 0; i < s.n_energy; i++)
        cr_assert(s.energy[2 * i] > 0 && s.energy[2 * i + 1] == 0);
    free_samples(&s);
}

Test(trial, groups_are_one_unit)
{
    qns_err err;
    qns_trials *grouped;
    qns_trials_spec s = spec_of(&x);
    const char *const globs[] = {qns_trials_unit(x.trials, 0)->name,
                                 qns_trials_unit(x.trials, 2)->name};
    const struct qns_trials_group group = {globs, 2};
    s.group = &group;
    s.n_groups = 1;
    OK(qns_trials_create(&grouped, &s, &err));
    cr_assert_eq(qns_trials_n(grouped), qns_trials_n(x.trials) - 1);
    const qns_trial_unit *u = qns_trials_unit(grouped, 0);
    cr_assert_eq(u->n_names, 2);
    cr_assert_str_eq(u->names[1], globs[1]);
    cr_assert_eq(u->macs, qns_trials_unit(x.trials, 0)->macs + qns_trials_unit(x.trials, 2)->macs);
    qns_trials_free(grouped);
}

Test(trial, group_that_matches_nothing)
{
    qns_err err;
    qns_trials *grouped;
    qns_trials_spec s = spec_of(&x);
    const char *const glob = "no such layer";
    const struct qns_trials_group group = {&glob, 1};
    s.group = &group;
    s.n_groups = 1;
    FAILS(qns_trials_create(&grouped, &s, &err), QNS_E_NOTFOUND, "no such layer");
}
