/* SPDX-License-Identifier: MIT */
/* observers: state, scale and zero point after every batch. */
#include "core/model/elem.h"
#include "core/quant/observer.h"
#include "golden_case.h"

static qns_qrule_range rule_of(gd *c)
{
    const char *dtype = gd_text(c, "dtype"), *scheme = gd_text(c, "scheme");
    return (qns_qrule_range){.dtype = dtype && strcmp(dtype, "s8") == 0 ? QNS_I8 : QNS_U8,
                             .qmin = (int32_t)gd_int(c, "quant_min"),
                             .qmax = (int32_t)gd_int(c, "quant_max"),
                             .symmetric = scheme && strcmp(scheme, "symmetric") == 0,
                             .eps = (float)gd_num_or(c, "eps", 0x1p-23)};
}

typedef struct watched {
    const qns_observer *o;
    void *state;
} watched;

static void free_watched(void *p)
{
    const watched *w = p;
    w->o->free(w->state);
}

static watched *start(gd *c, const qns_observer *o, const qns_obs_args *args)
{
    qns_err err = {0};
    watched *w = gd_mem(c, 1, sizeof *w);
    w->o = o;
    gd_ok(c, o->create(&w->state, args, &err), &err, o->name);
    gd_defer(c, free_watched, w);
    return w;
}

static void see(gd *c, const watched *w, const char *field, int32_t axis)
{
    const gd_array x = gd_get(c, field);
    qns_err err = {0};
    gd_ok(c, qns_observe_array(w->o, w->state, gd_floats(c, field, NULL), &x.shape, axis, &err),
          &err, field);
}

static int32_t channels_of(gd *c, const char *field, int32_t axis)
{
    const gd_array x = gd_get(c, field);
    if (axis >= x.shape.rank)
        gd_stop(c, "'%s' has no axis %d", field, (int)axis);
    return axis < 0 ? 1 : (int32_t)x.shape.dim[axis];
}

typedef struct state {
    float *lo, *hi, *scale;
    int64_t *zero;
} state;

static state read_state(gd *c, const watched *w, const qns_qrule_range *rule, int32_t n)
{
    const size_t count = (size_t)n;
    state s = {gd_mem(c, count, sizeof(float)), gd_mem(c, count, sizeof(float)),
               gd_mem(c, count, sizeof(float)), gd_mem(c, count, sizeof(int64_t))};
    for (int32_t i = 0; i < n; i++) {
        qns_range r;
        int32_t zero;
        qns_err err = {0};
        gd_ok(c, w->o->range(&r, w->state, i, &err), &err, "range");
        s.lo[i] = r.lo;
        s.hi[i] = r.hi;
        gd_ok(c, qns_qparams_choose(&s.scale[i], &zero, rule, r, &err), &err, "qparams");
        s.zero[i] = zero;
    }
    return s;
}

static void minmax(gd *c)
{
    const int32_t axis = (int32_t)gd_int_or(c, "ch_axis", -1);
    const double momentum = gd_num_or(c, "averaging_constant", NAN);
    const qns_observer *o = qns_observer_find(isnan(momentum) ? "minmax" : "moving_average");
    const qns_qrule_range rule = rule_of(c);
    const size_t batches = (size_t)gd_int(c, "batches");
    const int32_t n = channels_of(c, "x0", axis);
    const qns_shape shape = {1, {n}};
    const qns_obs_args args = {.channels = n, .momentum = isnan(momentum) ? 0 : (float)momentum};
    const watched *w = start(c, o, &args);
    for (size_t b = 0; b < batches; b++) {
        if (channels_of(c, gd_field(c, "x", b), axis) != n)
            gd_stop(c, "the batches have different channels");
        see(c, w, gd_field(c, "x", b), axis);
        const state s = read_state(c, w, &rule, n);
        gd_same(c, gd_field(c, "min", b), s.lo, QNS_ELEM_F32, &shape);
        gd_same(c, gd_field(c, "max", b), s.hi, QNS_ELEM_F32, &shape);
        gd_same(c, gd_field(c, "scale", b), s.scale, QNS_ELEM_F32, &shape);
        gd_same(c, gd_field(c, "zp", b), s.zero, QNS_ELEM_I64, &shape);
    }
}

/* Sum of the differences of counts, as a share of all counts. */
static void check_counts(gd *c, const watched *w, const char *field, double tolerance)
{
    size_t n;
    const float *want = gd_floats(c, field, &n);
    const qns_histogram h = qns_obs_histogram_view(w->state);
    if (n != (size_t)h.bins)
        gd_stop(c, "%s: %d bins instead of %zu", field, (int)h.bins, n);
    if (tolerance == 0) {
        gd_same_floats(c, field, h.count, n);
        return;
    }
    double apart = 0, total = 0;
    for (size_t i = 0; i < n; i++) {
        apart += fabs((double)want[i] - (double)h.count[i]);
        total += (double)want[i];
    }
    c->checks++;
    if (!(apart <= tolerance * total))
        gd_fail(c, "%s: %g of %g counts differ, more than %g of all", field, apart, total,
                tolerance);
}

static void check_histogram(gd *c, const char *version, qns_hist_version hist, double tolerance)
{
    const qns_qrule_range rule = rule_of(c);
    const qns_obs_args args = {.channels = 1, .bins = (int32_t)gd_int(c, "bins"), .hist = hist};
    const size_t batches = (size_t)gd_int(c, "batches");
    const watched *w = start(c, &qns_obs_histogram, &args);
    qns_range r;
    qns_err err = {0};
    for (size_t b = 0; b < batches; b++)
        see(c, w, gd_field(c, "x", b), -1);
    check_counts(c, w, gd_name(c, "hist_%s", version), tolerance);
    const qns_range seen = qns_obs_histogram_view(w->state).range;
    gd_same_floats(c, gd_name(c, "min_%s", version), &seen.lo, 1);
    gd_same_floats(c, gd_name(c, "max_%s", version), &seen.hi, 1);
    gd_ok(c, w->o->range(&r, w->state, 0, &err), &err, "range");
    if (gd_has(c, gd_name(c, "new_min_%s", version))) {
        gd_same_floats(c, gd_name(c, "new_min_%s", version), &r.lo, 1);
        gd_same_floats(c, gd_name(c, "new_max_%s", version), &r.hi, 1);
    }
    const state s = read_state(c, w, &rule, 1);
    gd_same_floats(c, gd_name(c, "scale_%s", version), s.scale, 1);
    gd_same_number(c, gd_name(c, "zp_%s", version), (double)s.zero[0],
                   gd_doubles(c, gd_name(c, "zp_%s", version), 1)[0]);
}

static void histogram(gd *c)
{
    check_histogram(c, "113", QNS_HIST_A, 0);
    check_histogram(c, "25", QNS_HIST_C, 0.005);
}

static void float_qparams(gd *c)
{
    const int32_t axis = (int32_t)gd_int(c, "ch_axis"), n = channels_of(c, "x0", axis);
    const qns_obs_args args = {.channels = n};
    const watched *w = start(c, &qns_obs_minmax, &args);
    const qns_shape shape = {1, {n}};
    float *scale = gd_mem(c, (size_t)n, sizeof *scale), *zero = gd_mem(c, (size_t)n, sizeof *zero);
    see(c, w, "x0", axis);
    for (int32_t i = 0; i < n; i++) {
        qns_range r;
        qns_err err = {0};
        gd_ok(c, w->o->range(&r, w->state, i, &err), &err, "range");
        gd_ok(c,
              qns_qparams_choose_float_zero(&scale[i], &zero[i], (int32_t)gd_int(c, "quant_min"),
                                            (int32_t)gd_int(c, "quant_max"), 0x1p-23f, r, &err),
              &err, "qparams");
    }
    gd_same(c, "scale0", scale, QNS_ELEM_F32, &shape);
    gd_same(c, "zp0", zero, QNS_ELEM_F32, &shape);
}

const gd_kind gd_observer_kinds[] = {
    {"observers", "minmax", minmax},
    {"observers", "histogram", histogram},
    {"observers", "float_qparams", float_qparams},
    {NULL, NULL, NULL},
};
