/* SPDX-License-Identifier: MIT */
/* Charts: values for the gnuplot templates. Numbers go into data blocks, where '?' is a gap; names
 * go only into quoted strings (qns_label_add_gnuplot). */
#include "reports/build.h"

#include <math.h>

enum { MAX_HIST = 5 };

/* Lowest and highest finite decibel of the layers, rounded outwards. */
static void db_range(const qns_result *r, double *lo, double *hi)
{
    *lo = 5;
    *hi = 45;
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const double v[] = {r->layer[i].weight.present ? r->layer[i].weight.sqnr_db : NAN,
                            r->layer[i].activation.present ? r->layer[i].activation.sqnr_db : NAN,
                            r->layer[i].local.present ? r->layer[i].local.sqnr_db : NAN};
        for (int k = 0; k < 3; k++)
            if (isfinite(v[k])) {
                *lo = fmin(*lo, v[k] - 2);
                *hi = fmax(*hi, v[k] + 4);
            }
    }
    *lo = fmax(5 * floor(*lo / 5), -100);
    *hi = fmin(5 * ceil(*hi / 5), 200);
}

static const char *layer_name(const void *of, uint32_t i)
{
    return ((const qns_result *)of)->layer[i].name;
}

static qns_status plot_sqnr(qns_build *b, qns_err *err)
{
    const qns_result *r = b->r;
    qns_tval *v = qns_tval_create(b->arena);
    double lo, hi;
    uint32_t n_bad = 0, n_exact = 0, n_local = 0;
    db_range(r, &lo, &hi);
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_layer *l = &r->layer[i];
        const double db = l->activation.present ? l->activation.sqnr_db : NAN;
        qns_tval *row = qns_tval_add(v, "layers");
        qns_tval_setf(row, "i", "%u", i);
        qns_build_set_number(row, "weight", l->weight.present ? l->weight.sqnr_db : NAN);
        qns_build_set_number(row, "activation", db);
        qns_build_set_number(row, "local", l->local.present ? l->local.sqnr_db : NAN);
        if (l->local.present && !n_local++)
            qns_tval_add(v, "has_local");
        const bool bad = l->verdict == QNS_V_BAD && !isnan(db);
        if (!bad && !isinf(db))
            continue;
        const bool low = bad || db < 0;
        if (!(low ? n_bad++ : n_exact++))
            qns_tval_add(v, low ? "has_bad" : "has_exact");
        qns_tval *mark = qns_tval_add(v, low ? "bad" : "exact");
        qns_tval_setf(mark, "i", "%u", i);
        qns_tval_setf(mark, "y", "%.9g", isfinite(db) ? db : db > 0 ? hi - 1 : lo + 1);
    }
    qns_build_ticks(b, v, layer_name, r, r->n_layers);
    qns_build_set_number(v, "width", qns_build_chart_width(r->n_layers));
    qns_build_set_number(v, "end", r->n_layers - 0.2);
    qns_build_set_number(v, "lo", lo);
    qns_build_set_number(v, "hi", hi);
    qns_build_set_number(v, "watch", QNS_SQNR_WATCH_DB);
    qns_build_set_number(v, "limit", QNS_SQNR_BAD_DB);
    return qns_build_plot(
        b, "sqnr.gp", v,
        (qns_plot){"sqnr", "SQNR per layer, in order of execution",
                   "Higher is better. A step down of the line is where error is made; "
                   "a slow slope is error that adds up.",
                   NULL, NULL, false},
        err);
}

static qns_status plot_error(qns_build *b, qns_err *err)
{
    const qns_result *r = b->r;
    qns_tval *v = qns_tval_create(b->arena);
    bool any = false;
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const qns_diff *d = &r->layer[i].activation;
        const double noise = d->present ? 100 * pow(10, -d->sqnr_db / 20) : NAN;
        const double steps = d->present ? d->rmse_steps : NAN;
        qns_tval *row = qns_tval_add(v, "layers");
        qns_tval_setf(row, "i", "%u", i);
        qns_build_set_number(row, "noise", noise > 0 ? noise : NAN);
        qns_build_set_number(row, "steps", steps > 0 ? steps : NAN);
        any |= noise > 0 && isfinite(noise) && steps > 0 && isfinite(steps);
    }
    if (!any)
        return QNS_OK;
    qns_build_set_number(v, "width", qns_build_chart_width(r->n_layers));
    qns_build_set_number(v, "height", 460);
    qns_build_set_number(v, "end", r->n_layers - 0.2);
    return qns_build_plot(
        b, "error.gp", v,
        (qns_plot){"error", "Cumulative error over depth",
                   "Above: error as part of the signal. Below: the same error against "
                   "the step of each layer's own codes.",
                   NULL, NULL, false},
        err);
}

/* What the codes reach, as lines, and the range of the x axis that shows it. */
static void add_reach(qns_tval *v, const qns_hist *h)
{
    const double reach[] = {h->reach_lo, h->reach_hi};
    double lo = h->lo, hi = h->hi;
    for (int i = 0; i < 2; i++)
        if (isfinite(reach[i])) {
            qns_build_set_number(qns_tval_add(v, "reach"), "x", reach[i]);
            lo = fmin(lo, reach[i]);
            hi = fmax(hi, reach[i]);
        }
    qns_build_set_number(v, "lo", lo - 0.03 * (hi - lo));
    qns_build_set_number(v, "hi", hi + 0.03 * (hi - lo));
}

/* Clipping shows as an error that grows beyond the reach, a zero point that is off as a mean beside
 * zero, a scale that is off as a mean that grows with the value. */
static qns_status plot_magnitude(qns_build *b, const qns_layer *l, uint32_t rank, qns_err *err)
{
    const qns_hist *h = &l->hist;
    const double width = (h->hi - h->lo) / h->n_bins;
    const bool steps = l->activation_q.n_scale == 1 && l->activation_q.scale[0] > 0;
    const double unit = steps ? l->activation_q.scale[0] : 1;
    qns_tval *v = qns_tval_create(b->arena);
    if (!h->error_rms || !(width > 0) || !isfinite(width))
        return QNS_OK;
    for (uint32_t i = 0; i < h->n_bins; i++) {
        qns_tval *row = qns_tval_add(v, "bins");
        qns_build_set_number(row, "x", h->lo + (i + 0.5) * width);
        qns_build_set_number(row, "rms", h->error_rms[i] / unit);
        qns_build_set_number(row, "mean", h->error_mean[i] / unit);
    }
    add_reach(v, h);
    qns_tval_set(v, "unit", steps ? "error [steps]" : "error");
    if (steps)
        qns_tval_set_raw(qns_tval_add(v, "ideal"), "y", "0.28868");
    return qns_build_plot(
        b, "magnitude.gp", v,
        (qns_plot){.name = qns_build_text(b, "magnitude_%u", rank + 1),
                   .title = qns_build_text(b, "Error by value of rank %u, %s", rank + 1, l->name),
                   .caption = "Flat is rounding; growing with the value is a scale "
                              "that is off, beyond the dashed lines clipping.",
                   .half = true},
        err);
}

static qns_status plot_histogram(qns_build *b, const qns_layer *l, uint32_t rank, qns_err *err)
{
    const qns_hist *h = &l->hist;
    qns_tval *v = qns_tval_create(b->arena);
    const double width = (h->hi - h->lo) / h->n_bins;
    if (!(width > 0) || !isfinite(width))
        return QNS_OK;
    for (uint32_t i = 0; i < h->n_bins; i++) {
        qns_tval *row = qns_tval_add(v, "bins");
        qns_build_set_number(row, "x", h->lo + i * width);
        qns_build_set_number(row, "ref", (double)h->ref[i]);
        qns_build_set_number(row, "test", (double)h->test[i]);
    }
    add_reach(v, h);
    return qns_build_plot(b, "histogram.gp", v,
                          (qns_plot){qns_build_text(b, "histogram_%u", rank + 1),
                                     qns_build_text(b, "Values of rank %u, %s", rank + 1, l->name),
                                     "Float values beyond the dashed lines are clipped.", NULL,
                                     NULL, true},
                          err);
}

static qns_status plot_channels(qns_build *b, const qns_layer *l, qns_err *err)
{
    const qns_channels *c = &l->weight_channels;
    qns_tval *v = qns_tval_create(b->arena);
    double low = 0;
    for (uint32_t i = 0; i < c->n && i < 4096; i++) {
        qns_tval *row = qns_tval_add(v, "channels");
        qns_tval_setf(row, "i", "%u", i);
        qns_build_set_number(row, "lo", c->ref_min[i]);
        qns_build_set_number(row, "hi", c->ref_max[i]);
        qns_build_set_number(row, "reach_lo", c->reach_lo[i]);
        qns_build_set_number(row, "reach_hi", c->reach_hi[i]);
        qns_build_set_number(row, "db", c->sqnr_db[i]);
        low = isfinite(c->sqnr_db[i]) ? fmin(low, floor(c->sqnr_db[i])) : low;
    }
    if (c->n <= 4096) { /* steps end where a next channel would begin */
        qns_tval *row = qns_tval_add(v, "channels");
        qns_tval_setf(row, "i", "%u", c->n);
        qns_build_set_number(row, "lo", NAN);
        qns_build_set_number(row, "hi", NAN);
        qns_build_set_number(row, "reach_lo", c->reach_lo[c->n - 1]);
        qns_build_set_number(row, "reach_hi", c->reach_hi[c->n - 1]);
        qns_build_set_number(row, "db", NAN);
    }
    qns_build_set_number(v, "width", 1060);
    qns_build_set_number(v, "end", fmin(c->n, 4096));
    qns_build_set_number(v, "limit", QNS_SQNR_BAD_DB);
    qns_build_set_number(v, "low", low);
    QNS_TRY(qns_build_plot(
        b, "channels.gp", v,
        (qns_plot){"channels", qns_build_text(b, "Weight channels of %s", l->name),
                   "A channel far wider than the rest costs the others their bits when "
                   "they share a scale; one cut by the line is clipped.",
                   NULL, NULL, false},
        err));
    return qns_build_plot(
        b, "channel_sqnr.gp", v,
        (qns_plot){"channel_sqnr", qns_build_text(b, "SQNR of the weight channels of %s", l->name),
                   "Channels that are equal have no bar.", NULL, NULL, false},
        err);
}

qns_status qns_build_plots(qns_build *b, qns_err *err)
{
    const qns_result *r = b->r;
    if (!r->n_layers)
        return QNS_OK;
    QNS_TRY(plot_sqnr(b, err));
    QNS_TRY(plot_error(b, err));
    uint32_t drawn = 0;
    for (uint32_t i = 0; i < r->n_ranking && drawn < MAX_HIST; i++) {
        const qns_layer *l = &r->layer[r->ranking[i]];
        if (!l->hist.n_bins)
            continue;
        QNS_TRY(plot_histogram(b, l, i, err));
        QNS_TRY(plot_magnitude(b, l, i, err));
        drawn++;
    }
    for (uint32_t i = 0; i < r->n_ranking; i++) {
        const qns_layer *l = &r->layer[r->ranking[i]];
        if (l->weight_channels.n > 1)
            return plot_channels(b, l, err);
    }
    return QNS_OK;
}
