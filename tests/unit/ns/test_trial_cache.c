/* SPDX-License-Identifier: MIT */
/* Scores in a file: taken again, continued, mended after a kill, and refused where they do not
 * belong. */
#include "tests/unit/ns/trial_help.h"

#include <sys/stat.h>

enum { SAMPLES = 10 };
#define FIXTURE(name) QNS_SOURCE_DIR "/fixtures/fashion/" name

static net x;
static bool set_a[MAX_UNITS], set_b[MAX_UNITS];
static const bool *const sets[] = {set_a, set_b};

static void open_with(const char *eval, int64_t n, const char *backend)
{
    qns_err err;
    net_open(&x, FIXTURE("model.onnx"), FIXTURE("calib.yaml"), eval, 4, n);
    OK(qns_qconfig_create(&x.set, qns_backend_find(backend), NULL, &err));
}

static qns_status trials_of(qns_trials **out, const char *cache, qns_err *err)
{
    qns_trials_spec s = spec_of(&x);
    s.cache = cache;
    return qns_trials_create(out, &s, err);
}

static void make(void)
{
    make_folder();
    open_with(FIXTURE("eval.yaml"), SAMPLES, "fbgemm");
    set_a[1] = set_b[2] = set_b[3] = true;
}

static void drop(void)
{
    net_close(&x);
    drop_folder();
}

TestSuite(trial_cache, .init = make, .fini = drop);

/* Runs both sets over n samples with trials of their own. */
static void run(qns_trial_score *s, const char *cache, int64_t n)
{
    qns_err err;
    qns_trials *t;
    const qns_scan_opts o = {.n = n};
    OK(trials_of(&t, cache, &err));
    OK(qns_trials_scan(s, t, sets, 2, &o, &err));
    qns_trials_free(t);
}

static void same(const qns_trial_score *a, const qns_trial_score *b)
{
    for (int k = 0; k < 2; k++)
        same_score(&a[k], &b[k], "cached");
}

Test(trial_cache, taken_again)
{
    qns_trial_score want[2], first[2], again[2];
    const char *cache = in_folder("c.trials");
    run(want, NULL, SAMPLES);
    run(first, cache, SAMPLES);
    run(again, cache, SAMPLES);
    same(want, first);
    same(want, again);
    cr_assert_eq(first[0].cached, 0);
    cr_assert_eq(again[0].cached, SAMPLES);
    cr_assert_eq(again[1].worked, 0);
}

/* What was run of fewer samples is the start of more. */
Test(trial_cache, continued)
{
    qns_trial_score want[2], more[2], fewer[2];
    const char *cache = in_folder("c.trials");
    run(want, NULL, SAMPLES);
    run(more, cache, 4);
    run(more, cache, SAMPLES);
    same(want, more);
    cr_assert_eq(more[0].cached, 4);
    run(fewer, cache, 7);
    cr_assert_geq(fewer[0].cached, 4);
}

/* Cut anywhere in what came after the first line, it gives the same numbers. */
Test(trial_cache, torn_by_a_kill)
{
    qns_trial_score want[2], mended[2];
    struct stat before;
    const char *cache = in_folder("c.trials");
    run(want, cache, 4);
    cr_assert_eq(stat(cache, &before), 0);
    run(want, cache, SAMPLES);
    for (off_t cut = 1; cut < 200; cut += 67) {
        struct stat now;
        cr_assert_eq(stat(cache, &now), 0);
        cr_assert_eq(truncate(cache, now.st_size - cut), 0);
        run(mended, cache, SAMPLES);
        same(want, mended);
        run(mended, cache, SAMPLES);
        cr_assert_eq(mended[0].cached, SAMPLES);
    }
}

/* A line whose checksum is wrong is left out. */
Test(trial_cache, damaged_line)
{
    qns_trial_score want[2], mended[2];
    const char *cache = in_folder("c.trials");
    run(want, cache, SAMPLES);
    FILE *f = fopen(cache, "r+");
    cr_assert(f);
    fseek(f, -100, SEEK_END);
    fputc('#', f);
    fclose(f);
    run(mended, cache, SAMPLES);
    same(want, mended);
    cr_assert_eq(mended[0].cached, SAMPLES);
    cr_assert_lt(mended[1].cached, SAMPLES);
}

static void refused(const char *cache, const char *why)
{
    qns_err err;
    qns_trials *t;
    FAILS(trials_of(&t, cache, &err), QNS_E_MISMATCH, why);
}

Test(trial_cache, refused_where_it_does_not_belong)
{
    qns_trial_score s[2];
    const char *cache = in_folder("c.trials");
    run(s, cache, 2);
    net_close(&x);
    open_with(FIXTURE("calib.yaml"), SAMPLES, "fbgemm");
    refused(cache, "other samples or labels");
    net_close(&x);
    open_with(FIXTURE("eval.yaml"), SAMPLES, "qnnpack");
    refused(cache, "another backend");
    net_close(&x);
    open_with(FIXTURE("eval.yaml"), SAMPLES, "fbgemm");
    qns_err err;
    OK(qns_qconfig_skip(x.set, "/head/Gemm", &err));
    refused(cache, "other settings");
}

Test(trial_cache, not_a_cache)
{
    qns_err err;
    qns_trials *t;
    FAILS(trials_of(&t, FIXTURE("classes.txt"), &err), QNS_E_FORMAT, "no cache of trials");
    FAILS(trials_of(&t, "/no/such/folder/c", &err), QNS_E_IO, "/no/such/folder/c");
}

Test(trial_cache, in_use)
{
    qns_err err;
    qns_trials *a, *b;
    const char *cache = in_folder("c.trials");
    OK(trials_of(&a, cache, &err));
    FAILS(trials_of(&b, cache, &err), QNS_E_IO, "in use");
    qns_trials_free(a);
}
