/* SPDX-License-Identifier: MIT */
/* Calibration with many threads: observers see what they see with one, and errors name the same
 * sample. */
#include "core/base/rng.h"
#include "core/quant/calibrate.h"
#include "core/quant/model.h"
#include "core/quant/ranges.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

enum { SAMPLES = 20 };

typedef struct world {
    int64_t nan_at; /* sample; -1: none */
    int64_t asked, done;
} world;

/* Samples of unlike size, so that histograms and averages depend on their order. */
static qns_status get(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    const world *w = ctx;
    const size_t n = qns_tensor_count(&in[0]);
    float *x = in[0].data;
    qns_rng rng;
    (void)err;
    qns_rng_seed(&rng, 77 + (uint64_t)sample);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((qns_rng_unit(&rng) - 0.5) * (double)(1 + sample * 7 % 11));
    if (sample == w->nan_at)
        x[n / 2] = NAN;
    return QNS_OK;
}

static bool stop_at_7(void *ctx)
{
    return ((world *)ctx)->asked++ == 7;
}

static void note_done(void *ctx, int64_t done, int64_t total)
{
    world *w = ctx;
    cr_assert_eq(total, SAMPLES);
    cr_assert_eq(done, ++w->done);
}

static qns_model *model;

static void load(void)
{
    qns_err err;
    cr_assert_eq(qns_model_load(&model, QNS_SOURCE_DIR "/fixtures/fashion/model.onnx", NULL, &err),
                 QNS_OK);
}

static void drop(void)
{
    qns_model_free(model);
}

TestSuite(calibrate, .init = load, .fini = drop);

static qns_calibration calibration(world *w, int threads)
{
    return (qns_calibration){
        .samples = {w, SAMPLES, get},
        .exec = {.engine = QNS_ENGINE_REFERENCE, .cpu_mask = ~0u, .threads = threads},
        .progress = note_done,
        .ctx = w};
}

static qns_decisions *decided(qns_qconfig_set **set, const char *qconfig)
{
    qns_err err;
    qns_decisions *d = NULL;
    cr_assert_eq(qns_qconfig_parse(set, qconfig, strlen(qconfig), "test", NULL, &err), QNS_OK, "%s",
                 err.text);
    cr_assert_eq(qns_prepare(&d, qns_model_graph(model), *set, &err), QNS_OK, "%s", err.text);
    return d;
}

/* Of every value: its range and its qparams. */
static void same_ranges(const qns_decisions *a, const qns_decisions *b, const char *what)
{
    const qns_graph *g = qns_decisions_graph(a);
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++) {
        const qns_vid v = {i};
        const qns_range x = qns_decisions_range(a, v), y = qns_decisions_range(b, v);
        const qns_qparams *p = qns_decisions_value(a, v)->qp, *q = qns_decisions_value(b, v)->qp;
        cr_assert_eq(memcmp(&x, &y, sizeof x), 0, "%s, value %u: %a..%a, %a..%a", what, i,
                     (double)x.lo, (double)x.hi, (double)y.lo, (double)y.hi);
        cr_assert_eq(p == NULL, q == NULL);
        if (!p)
            continue;
        cr_assert_eq(memcmp(p->scale, q->scale, sizeof p->scale[0]), 0, "%s", what);
        cr_assert_eq(p->zero[0], q->zero[0], "%s", what);
        n++;
    }
    cr_assert_gt(n, 5);
}

static void check_threads(const char *qconfig)
{
    qns_err err;
    qns_qconfig_set *set[2] = {NULL};
    world w = {.nan_at = -1};
    qns_calibration c = calibration(&w, 1);
    qns_decisions *one = decided(&set[0], qconfig);
    cr_assert_eq(qns_calibrate(one, &c, &err), QNS_OK, "%s", err.text);
    for (int threads = 2; threads <= 5; threads++) {
        w.done = 0;
        c.exec.threads = threads;
        qns_decisions *d = decided(&set[1], qconfig);
        cr_assert_eq(qns_calibrate(d, &c, &err), QNS_OK, "%s", err.text);
        same_ranges(one, d, qconfig);
        qns_decisions_free(d);
        qns_qconfig_free(set[1]);
    }
    qns_decisions_free(one);
    qns_qconfig_free(set[0]);
}

#define PRESET(name) "default: " name "\n"
#define ACTIVATION(text)                                                                           \
    "default: fbgemm\nrules:\n  - name: \"*\"\n    activation: {observer: " text "}\n"

Test(calibrate, independent_of_threads)
{
    check_threads(PRESET("fbgemm"));
    check_threads(PRESET("default_per_channel"));
    check_threads(ACTIVATION("moving_average, momentum: 0.3"));
    check_threads(ACTIVATION("percentile, percentile: 99.5"));
    check_threads(ACTIVATION("entropy"));
    check_threads(ACTIVATION("mse"));
}

/* The same observers side by side in one pass. */
Test(calibrate, ranges_independent_of_threads)
{
    qns_err err;
    qns_qconfig_set *set[2] = {NULL};
    for (int threads = 1; threads <= 3; threads++) {
        world w = {.nan_at = -1};
        const qns_calibration c = calibration(&w, threads);
        qns_ranges *r = NULL;
        qns_decisions *alone = decided(&set[0], PRESET("fbgemm")),
                      *d = decided(&set[1], PRESET("fbgemm"));
        cr_assert_eq(qns_calibrate(alone, &c, &err), QNS_OK, "%s", err.text);
        cr_assert_eq(qns_ranges_create(&r, qns_decisions_graph(d), &err), QNS_OK);
        cr_assert_eq(qns_ranges_want(NULL, r, d, &err), QNS_OK);
        w.done = 0;
        cr_assert_eq(qns_ranges_calibrate(r, &c, &err), QNS_OK, "%s", err.text);
        cr_assert_eq(qns_ranges_settle(r, d, &err), QNS_OK, "%s", err.text);
        same_ranges(alone, d, "ranges");
        qns_decisions_free(alone);
        qns_decisions_free(d);
        qns_ranges_free(r);
        qns_qconfig_free(set[0]);
        qns_qconfig_free(set[1]);
    }
}

static void same_records(const qns_decisions *a, const qns_decisions *b, qns_vid v)
{
    cr_assert_eq(qns_decisions_n_recorded(b, v), qns_decisions_n_recorded(a, v));
    for (size_t i = 0; i < qns_decisions_n_recorded(a, v); i++) {
        const qns_recorded x = qns_decisions_recorded(a, v, i), y = qns_decisions_recorded(b, v, i);
        cr_assert_eq(x.n, y.n);
        cr_assert_eq(memcmp(x.x, y.x, x.n * sizeof *x.x), 0, "value %u, record %zu", v.i, i);
    }
}

Test(calibrate, records_in_order)
{
    qns_err err;
    qns_qconfig_set *set[2] = {NULL};
    qns_decisions *d[2];
    size_t n = 0;
    for (int i = 0; i < 2; i++) {
        world w = {.nan_at = -1};
        const qns_calibration c = calibration(&w, i == 0 ? 1 : 3);
        d[i] = decided(&set[i], ACTIVATION("recording"));
        cr_assert_eq(qns_calibrate(d[i], &c, &err), QNS_OK, "%s", err.text);
    }
    for (uint32_t i = 0; i < qns_graph_n_values(qns_decisions_graph(d[0])); i++) {
        same_records(d[0], d[1], (qns_vid){i});
        n += qns_decisions_n_recorded(d[0], (qns_vid){i}) == SAMPLES;
    }
    cr_assert_gt(n, 5u);
    for (int i = 0; i < 2; i++) {
        qns_decisions_free(d[i]);
        qns_qconfig_free(set[i]);
    }
}

Test(calibrate, fails_at_the_same_sample)
{
    for (int threads = 1; threads <= 4; threads++) {
        qns_err err = {0};
        qns_qconfig_set *set = NULL;
        world w = {.nan_at = 6};
        qns_calibration c = calibration(&w, threads);
        qns_decisions *d = decided(&set, PRESET("fbgemm"));
        cr_assert_eq(qns_calibrate(d, &c, &err), QNS_E_DATA);
        cr_assert(strstr(err.text, "NaN"), "%s", err.text);
        cr_assert(strstr(err.trail, "calibration sample 6"), "%s", err.trail);
        cr_assert_eq(w.done, 6);
        qns_decisions_free(d);
        qns_qconfig_free(set);
    }
}

Test(calibrate, stops)
{
    for (int threads = 1; threads <= 4; threads++) {
        qns_err err = {0};
        qns_qconfig_set *set = NULL;
        world w = {.nan_at = -1};
        qns_calibration c = calibration(&w, threads);
        c.cancelled = stop_at_7;
        qns_decisions *d = decided(&set, PRESET("fbgemm"));
        cr_assert_eq(qns_calibrate(d, &c, &err), QNS_E_CANCELLED);
        cr_assert(strstr(err.text, "after 7 of 20"), "%s", err.text);
        cr_assert_eq(w.done, 7);
        qns_decisions_free(d);
        qns_qconfig_free(set);
    }
}
