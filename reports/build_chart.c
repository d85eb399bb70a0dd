/* SPDX-License-Identifier: MIT */
/* What all charts need: numbers, ticks, the script from its template. */
#include "reports/build.h"
#include "reports/label.h"
#include "reports/plot.h"

#include <math.h>

enum { MAX_PLOTS = 20, TICK_COLUMNS = 24, MAX_TICKS = 160 };

void qns_build_set_number(qns_tval *v, const char *name, double x)
{
    if (isfinite(x))
        qns_tval_setf(v, name, "%.9g", x);
    else
        qns_tval_set_raw(v, name, "?");
}

qns_status qns_build_plot(qns_build *b, const char *template, const qns_tval *v, qns_plot plot,
                          qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    const char *text = qns_template_find(template);
    qns_plot *list = (qns_plot *)(uintptr_t)b->report->plot;
    if (!list && !(list = qns_build_get(b, MAX_PLOTS, sizeof *list)))
        QNS_FAIL_DONE(err, NOMEM, "cannot keep a chart");
    b->report->plot = list;
    if (!text || b->report->n_plots == MAX_PLOTS)
        QNS_FAIL_DONE(err, NOTFOUND, "no template '%s'", template);
    QNS_TRY_DONE(qns_template_fill(&t, text, v, qns_label_add_gnuplot, err));
    if (!(plot.script = qns_arena_strdup(b->arena, qns_str_get(&t))))
        QNS_FAIL_DONE(err, NOMEM, "cannot keep a chart of %zu bytes", t.len);
    plot.drawer = &qns_gnuplot;
    list[b->report->n_plots++] = plot;
done:
    qns_str_fini(&t);
    return st;
}

void qns_build_ticks(qns_build *b, qns_tval *v, const char *(*name)(const void *of, uint32_t i),
                     const void *of, uint32_t n)
{
    const uint32_t step = 1 + n / MAX_TICKS;
    size_t widest = 1;
    for (uint32_t i = 0; i < n; i += step) {
        qns_tval *tick = qns_tval_add(v, "tick");
        const char *s = qns_label_short(b->arena, name(of, i), TICK_COLUMNS);
        b->failed |= !s;
        qns_tval_set(tick, "label", s);
        qns_tval_setf(tick, "i", "%u", i);
        const size_t w = s ? qns_label_width(s) : 0;
        widest = w > widest ? w : widest;
    }
    /* Letters of 10 points are about 6.3 pixels wide when turned; a row of margin is 18 high. */
    const double below = 18 + 6.3 * (double)widest;
    qns_tval_setf(v, "bottom", "%.1f", below / 18);
    qns_tval_setf(v, "height", "%.0f", 300 + below);
}

double qns_build_chart_width(uint32_t n)
{
    const double w = 120 + 15.0 * fmin(n, 400);
    return w < 1060 ? 1060 : w;
}
