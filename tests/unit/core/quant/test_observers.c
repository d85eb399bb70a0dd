/* SPDX-License-Identifier: MIT */
/* Observers against PyTorch: state, scale and zero point after every batch, bit for bit. */
#include "tests/unit/core/quant/golden_npz.h"

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/quant/observer.h"

static qns_qrule_range rule_of(const json_t *c)
{
    const char *dtype = golden_text(c, "dtype");
    const char *scheme = golden_text(c, "scheme");
    return (qns_qrule_range){
        .dtype = strcmp(dtype, "u8") == 0 ? QNS_U8 : QNS_I8,
        .qmin = (int32_t)golden_num(c, "quant_min"),
        .qmax = (int32_t)golden_num(c, "quant_max"),
        .symmetric = scheme && strcmp(scheme, "symmetric") == 0,
        .eps = golden_is_null(c, "eps") ? 0x1p-23F : (float)golden_num(c, "eps"),
    };
}

static qns_shape shape_of(const golden_array *a)
{
    qns_shape s = {.rank = a->rank};
    for (int i = 0; i < a->rank; i++)
        s.dim[i] = a->dim[i];
    return s;
}

static golden_array get_i(const golden *g, const json_t *c, const char *field, int i)
{
    char name[64];
    snprintf(name, sizeof name, "%s%d", field, i);
    return golden_get(g, c, name);
}

static void same_floats(const golden *g, const json_t *c, const char *field, int batch,
                        const float *is, size_t n, size_t number)
{
    golden_array want = get_i(g, c, field, batch);
    cr_assert_eq(want.n, n);
    for (size_t i = 0; i < n; i++)
        cr_assert(memcmp((const float *)want.data + i, is + i, sizeof *is) == 0,
                  "case %zu, %s%d[%zu]: is %a, should be %a", number, field, batch, i,
                  (double)is[i], (double)((const float *)want.data)[i]);
    free(want.bytes);
}

static void check_minmax(const golden *g, const json_t *c, size_t number)
{
    const bool ema = !golden_is_null(c, "averaging_constant");
    const int32_t axis = golden_is_null(c, "ch_axis") ? -1 : (int32_t)golden_num(c, "ch_axis");
    const qns_observer *o = qns_observer_find(ema ? "moving_average" : "minmax");
    const qns_qrule_range rule = rule_of(c);
    golden_array x = golden_get(g, c, "x0");
    qns_obs_args args = {.channels = axis < 0 ? 1 : (int32_t)x.dim[axis]};
    args.momentum = ema ? (float)golden_num(c, "averaging_constant") : 0;
    free(x.bytes);
    void *state = NULL;
    qns_err err = {0};
    cr_assert_eq(o->create(&state, &args, &err), QNS_OK);
    float lo[16], hi[16], scale[16];
    int32_t zero[16];
    cr_assert_leq(args.channels, 16);
    for (int b = 0; b < (int)golden_num(c, "batches"); b++) {
        x = get_i(g, c, "x", b);
        const qns_shape shape = shape_of(&x);
        cr_assert_eq(qns_observe_array(o, state, x.data, &shape, axis, &err), QNS_OK);
        free(x.bytes);
        for (int32_t ch = 0; ch < args.channels; ch++) {
            qns_range r;
            cr_assert_eq(o->range(&r, state, ch, &err), QNS_OK);
            lo[ch] = r.lo;
            hi[ch] = r.hi;
            cr_assert_eq(qns_qparams_choose(&scale[ch], &zero[ch], &rule, r, &err), QNS_OK);
        }
        const size_t n = (size_t)args.channels;
        same_floats(g, c, "min", b, lo, n, number);
        same_floats(g, c, "max", b, hi, n, number);
        same_floats(g, c, "scale", b, scale, n, number);
        golden_array zp = get_i(g, c, "zp", b);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(((const int64_t *)zp.data)[i], zero[i], "case %zu batch %d", number, b);
        free(zp.bytes);
    }
    o->free(state);
}

Test(observers, minmax_and_moving_average_are_pytorchs)
{
    golden g;
    if (!golden_open(&g, "observers"))
        return;
    size_t n = 0;
    const json_t *c;
    for (size_t i = 0; (c = golden_case(&g, i)); i++)
        if (strcmp(golden_text(c, "kind"), "minmax") == 0) {
            check_minmax(&g, c, i);
            n++;
        }
    cr_assert_gt(n, 40);
    golden_close(&g);
}

static float first_float(const golden *g, const json_t *c, const char *field, const char *suffix)
{
    char name[64];
    snprintf(name, sizeof name, "%s_%s", field, suffix);
    golden_array a = golden_get(g, c, name);
    float v;
    memcpy(&v, a.data, sizeof v);
    if (a.type[1] == 'i') {
        int64_t z;
        memcpy(&z, a.data, sizeof z);
        v = (float)z;
    }
    free(a.bytes);
    return v;
}

/* tolerance: largest summed difference of counts, as a share of all counts. */
static void check_histogram(const golden *g, const json_t *c, size_t number, const char *suffix,
                            double tolerance)
{
    const qns_observer *o = &qns_obs_histogram;
    const bool old = strcmp(suffix, "113") == 0;
    const qns_obs_args args = {.channels = 1,
                               .bins = (int32_t)golden_num(c, "bins"),
                               .hist = old ? QNS_HIST_A : QNS_HIST_C};
    const qns_qrule_range rule = rule_of(c);
    void *state = NULL;
    qns_err err = {0};
    cr_assert_eq(o->create(&state, &args, &err), QNS_OK);
    for (int b = 0; b < (int)golden_num(c, "batches"); b++) {
        golden_array x = get_i(g, c, "x", b);
        const qns_shape shape = shape_of(&x);
        cr_assert_eq(qns_observe_array(o, state, x.data, &shape, -1, &err), QNS_OK, "%s", err.text);
        free(x.bytes);
    }
    const qns_histogram h = qns_obs_histogram_view(state);
    char name[64];
    snprintf(name, sizeof name, "hist_%s", suffix);
    golden_array want = golden_get(g, c, name);
    cr_assert_eq(want.n, (size_t)h.bins);
    double apart = 0, total = 0;
    for (size_t i = 0; i < want.n; i++) {
        const double w = (double)((const float *)want.data)[i];
        apart += fabs(w - (double)h.count[i]);
        total += w;
    }
    free(want.bytes);
    cr_assert_leq(apart, tolerance * total, "case %zu, %s: %g of %g counts differ", number, name,
                  apart, total);
    cr_assert_eq(first_float(g, c, "min", suffix), h.range.lo, "case %zu", number);
    cr_assert_eq(first_float(g, c, "max", suffix), h.range.hi, "case %zu", number);
    qns_range r;
    float scale;
    int32_t zero;
    cr_assert_eq(o->range(&r, state, 0, &err), QNS_OK);
    if (!old) {
        cr_assert_eq(first_float(g, c, "new_min", suffix), r.lo, "case %zu", number);
        cr_assert_eq(first_float(g, c, "new_max", suffix), r.hi, "case %zu", number);
    }
    cr_assert_eq(qns_qparams_choose(&scale, &zero, &rule, r, &err), QNS_OK);
    const float s = first_float(g, c, "scale", suffix);
    cr_assert_eq(s, scale, "case %zu, %s: scale %a, should be %a", number, suffix, (double)scale,
                 (double)s);
    cr_assert_eq((int32_t)first_float(g, c, "zp", suffix), zero, "case %zu", number);
    o->free(state);
}

Test(observers, histogram_is_pytorchs)
{
    golden g;
    if (!golden_open(&g, "observers"))
        return;
    size_t n = 0;
    const json_t *c;
    for (size_t i = 0; (c = golden_case(&g, i)); i++)
        if (strcmp(golden_text(c, "kind"), "histogram") == 0) {
            check_histogram(&g, c, i, "113", 0);
            check_histogram(&g, c, i, "25", 0.005);
            n++;
        }
    cr_assert_gt(n, 10);
    golden_close(&g);
}

static bool counts(const qns_observer *o)
{
    return o == &qns_obs_percentile || o == &qns_obs_entropy || o == &qns_obs_mse;
}

/* Those of 2.5 leave infinities out, as PyTorch does; those that PyTorch lacks refuse them. */
Test(observers, nan_is_refused_and_infinity_where_it_cannot_be_counted)
{
    const float nan[3] = {1, NAN, 2}, inf[3] = {-1, INFINITY, 2}, fine[2] = {-2, 3};
    const qns_shape three = {1, {3}}, two = {1, {2}};
    for (size_t i = 0; qns_observers()[i]; i++)
        for (int version = QNS_HIST_A; version <= QNS_HIST_C; version++) {
            const qns_observer *o = qns_observers()[i];
            const qns_obs_args args = {
                .channels = 1, .bins = 64, .momentum = 0.01F, .hist = (qns_hist_version)version};
            void *state = NULL;
            qns_err err = {0};
            qns_range r;
            cr_assert_eq(o->create(&state, &args, &err), QNS_OK);
            cr_assert_eq(o->range(&r, state, 0, &err), o->passes ? QNS_E_CONFIG : QNS_OK);
            cr_assert(o->passes || (r.lo == INFINITY && r.hi == -INFINITY), "%s", o->name);
            cr_assert_eq(qns_observe_array(o, state, nan, &three, -1, &err), QNS_E_DATA);
            err = (qns_err){0};
            const bool refuses = (o == &qns_obs_histogram && version == QNS_HIST_A) || counts(o);
            cr_assert_eq(qns_observe_array(o, state, inf, &three, -1, &err),
                         refuses ? QNS_E_DATA : QNS_OK);
            if (o == &qns_obs_histogram) {
                cr_assert_eq(qns_observe_array(o, state, fine, &two, -1, &err), QNS_OK);
                cr_assert_eq(o->range(&r, state, 0, &err), QNS_OK);
                cr_assert(isfinite(r.lo) && isfinite(r.hi) && r.lo < r.hi);
            }
            o->free(state);
        }
}

Test(observers, recording_keeps_copies_up_to_its_limit)
{
    float x[3] = {1, 2, 3};
    const qns_obs_args args = {.channels = 1, .record_limit = 5 * sizeof *x};
    void *state = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_obs_recording.create(&state, &args, &err), QNS_OK);
    cr_assert_eq(qns_obs_recording.observe(state, 0, x, 3, (qns_range){1, 3}, &err), QNS_OK);
    x[0] = 7;
    cr_assert_eq(qns_obs_recording.observe(state, 0, x, 2, (qns_range){2, 7}, &err), QNS_OK);
    cr_assert_eq(qns_obs_recording.observe(state, 0, x, 1, (qns_range){7, 7}, &err), QNS_E_CONFIG);
    cr_assert_eq(qns_obs_recording_count(state), 2);
    const qns_recorded first = qns_obs_recording_at(state, 0),
                       second = qns_obs_recording_at(state, 1);
    cr_expect(first.n == 3 && first.x[0] == 1 && first.x[2] == 3);
    cr_expect(second.n == 2 && second.x[0] == 7);
    qns_obs_recording.free(state);
}

/* Ranges from 1e-30 to 1e30 and back must neither crash nor lose the newest batch. */
Test(observers, histogram_survives_extreme_growth)
{
    const float sizes[] = {1e-38F, 1e-30F, 1, 3e-5F, 1e30F, 3e38F, 0};
    for (int version = QNS_HIST_A; version <= QNS_HIST_C; version++) {
        const qns_obs_args args = {.channels = 1, .bins = 2048, .hist = (qns_hist_version)version};
        void *state = NULL;
        qns_err err = {0};
        qns_rng rng;
        qns_rng_seed(&rng, 3);
        cr_assert_eq(qns_obs_histogram.create(&state, &args, &err), QNS_OK);
        for (size_t k = 0; k < QNS_ARRAY_LEN(sizes); k++) {
            float x[100];
            const qns_shape shape = {1, {100}};
            for (int i = 0; i < 100; i++)
                x[i] = (float)(2 * qns_rng_unit(&rng) - 1) * sizes[k];
            cr_assert_eq(qns_observe_array(&qns_obs_histogram, state, x, &shape, -1, &err), QNS_OK);
            const qns_histogram h = qns_obs_histogram_view(state);
            const qns_range seen = qns_range_of(x, 100);
            cr_assert(h.range.lo <= seen.lo && h.range.hi >= seen.hi);
        }
        qns_range r;
        cr_assert_eq(qns_obs_histogram.range(&r, state, 0, &err), QNS_OK);
        cr_assert(!isnan(r.lo));
        qns_obs_histogram.free(state);
    }
}
