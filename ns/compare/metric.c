/* SPDX-License-Identifier: MIT */
#include "ns/compare/metric.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define GETTER(field)                                                                              \
    static double get_##field(const qns_diff *d)                                                   \
    {                                                                                              \
        return (double)d->field;                                                                   \
    }
GETTER(sqnr_db)
GETTER(sqnr_db_min)
GETTER(sqnr_db_p5)
GETTER(sqnr_db_median)
GETTER(rmse)
GETTER(rmse_steps)
GETTER(max_abs)
GETTER(max_abs_steps)
GETTER(cosine)
GETTER(bias)
GETTER(bias_sigma)
GETTER(clipped)
GETTER(nonfinite_test)

static const qns_metric table[] = {
    {"sqnr_db", "dB", +1, INFINITY, get_sqnr_db},
    {"sqnr_db_min", "dB", +1, INFINITY, get_sqnr_db_min},
    {"sqnr_db_p5", "dB", +1, INFINITY, get_sqnr_db_p5},
    {"sqnr_db_median", "dB", +1, INFINITY, get_sqnr_db_median},
    {"rmse", "", -1, 0, get_rmse},
    {"rmse_steps", "steps", -1, 0, get_rmse_steps},
    {"max_abs", "", -1, 0, get_max_abs},
    {"max_abs_steps", "steps", -1, 0, get_max_abs_steps},
    {"cosine", "", +1, 1, get_cosine},
    {"bias", "", 0, 0, get_bias},
    {"bias_sigma", "sigma", 0, 0, get_bias_sigma},
    {"clipped", "share", -1, 0, get_clipped},
    {"nonfinite_test", "elements", -1, 0, get_nonfinite_test},
};

const qns_metric *qns_metrics(size_t *n)
{
    *n = QNS_ARRAY_LEN(table);
    return table;
}

const qns_metric *qns_metric_find(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(table); i++)
        if (strcmp(name, table[i].name) == 0)
            return &table[i];
    return NULL;
}

double qns_sqnr_db(unsigned *flags, const qns_sums *s)
{
    if (s->nonfinite_ref)
        *flags |= QNS_M_NONFINITE_REF;
    if (s->nonfinite_test)
        *flags |= QNS_M_NONFINITE_TEST;
    if (s->n == 0) {
        *flags |= QNS_M_EMPTY | QNS_M_UNDEFINED;
        return NAN;
    }
    if (s->rr == 0)
        *flags |= QNS_M_ZERO_REF;
    /* The square of the smallest difference of two floats, 2^-149, is a normal double: a sum of
     * zero means that all are equal. */
    if (s->ee == 0) {
        /* Elements that could not be compared are not equal ones. */
        if (!s->nonfinite_ref && !s->nonfinite_test)
            *flags |= QNS_M_EXACT;
        return INFINITY;
    }
    if (s->rr == 0)
        return -INFINITY;
    return 10 * log10(s->rr / s->ee);
}

static double cosine(unsigned *flags, const qns_sums *s)
{
    if (s->rr == 0 || s->qq == 0) {
        *flags |= QNS_M_UNDEFINED;
        return NAN;
    }
    const double c = s->rq / (sqrt(s->rr) * sqrt(s->qq));
    return c > 1 ? 1 : c < -1 ? -1 : c;
}

static double bias_sigma(const qns_sums *s)
{
    const double mean = s->e / (double)s->n, square = s->ee / (double)s->n;
    double var = square - mean * mean;
    /* A constant error leaves only the rounding of the two sums. */
    if (var <= square * (double)s->n * DBL_EPSILON)
        var = 0;
    if (var == 0)
        return mean == 0 ? 0 : mean > 0 ? INFINITY : -INFINITY;
    return mean / sqrt(var);
}

void qns_diff_init(qns_diff *out)
{
    *out = (qns_diff){.worst_sample = -1};
    double *const numbers[] = {&out->sqnr_db,     &out->rmse,       &out->rmse_steps,
                               &out->max_abs,     &out->cosine,     &out->bias,
                               &out->gain,        &out->bias_sigma, &out->max_abs_steps,
                               &out->ref_min,     &out->ref_max,    &out->ref_rms,
                               &out->clipped,     &out->test_min,   &out->test_max,
                               &out->sqnr_db_min, &out->sqnr_db_p5, &out->sqnr_db_median};
    for (size_t i = 0; i < QNS_ARRAY_LEN(numbers); i++)
        *numbers[i] = NAN;
}

void qns_diff_from_sums(qns_diff *out, const qns_sums *s)
{
    qns_diff_init(out);
    out->present = true;
    out->n = s->n;
    out->nonfinite_ref = s->nonfinite_ref;
    out->nonfinite_test = s->nonfinite_test;
    out->sqnr_db = qns_sqnr_db(&out->flags, s);
    if (s->n == 0)
        return;
    const double n = (double)s->n;
    out->rmse = sqrt(s->ee / n);
    out->rmse_steps = sqrt(s->ee_steps / n);
    out->max_abs = s->max_abs;
    out->max_abs_steps = s->max_abs_steps;
    out->cosine = cosine(&out->flags, s);
    out->gain = s->rr > 0 ? s->rq / s->rr : NAN;
    out->bias = s->e / n;
    out->bias_sigma = bias_sigma(s);
    out->clipped = isnan(s->ee_steps) ? NAN : (double)s->clipped / n;
    out->ref_min = s->ref_min;
    out->ref_max = s->ref_max;
    out->ref_rms = sqrt(s->rr / n);
    out->test_min = s->test_min;
    out->test_max = s->test_max;
    if (out->clipped > 0.001)
        out->flags |= QNS_M_SATURATED;
    if (s->n > 1 && s->ref_min == s->ref_max)
        out->flags |= QNS_M_CONSTANT;
}

/* NaN first. */
static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;
    if (isnan(a) || isnan(b))
        return isnan(b) - isnan(a);
    return (a > b) - (a < b);
}

void qns_diff_samples(qns_diff *out, double *db, const int64_t *ids, size_t n)
{
    if (n == 0)
        return;
    size_t worst = 0;
    for (size_t i = 1; i < n; i++)
        if (by_value(&db[i], &db[worst]) < 0)
            worst = i;
    out->worst_sample = ids[worst];
    qsort(db, n, sizeof *db, by_value);
    out->sqnr_db_min = db[0];
    out->sqnr_db_p5 = db[(n - 1) / 20];
    out->sqnr_db_median = db[(n - 1) / 2];
}
