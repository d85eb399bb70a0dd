/* SPDX-License-Identifier: MIT */
/* What the benchmarks over data have in common: arguments, turns, printing; plain runs and
 * captures, which most of them compare with. */
#include "tools/bench_flow.h"

#include "core/base/mem.h"
#include "ns/capture.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { KEY_FOLDER = 3200 };

static const struct argp_option options[] = {
    {"folder", KEY_FOLDER, "DIR", 0, "where files are written, and removed; default: .", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    qns_flow_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        a->folder = ".";
        state->child_inputs[0] = &a->data;
        state->child_inputs[1] = &a->opts;
        return 0;
    case KEY_FOLDER:
        a->folder = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_models == QNS_ARRAY_LEN(a->model))
            argp_error(state, "two models at most; '%s' is a third", arg);
        a->model[a->n_models++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n_models < a->need || a->data.n == 0)
            argp_error(state, "%s and data are needed: qns bench %s %s -d DATA",
                       a->need == 2 ? "two models" : "a model", a->what,
                       a->need == 2 ? "FLOAT.onnx QUANT.onnx" : "MODEL.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&qns_data_argp, 0, 0, 10}, {&qns_bench_argp, 0, 0, 90}, {0}};
const struct argp qns_flow_argp = {.options = options, .parser = parse, .children = children};

static qns_status open_all(qns_flow *f, const qns_flow_args *a, int threads, qns_err *err)
{
    qns_common c = a->opts.common;
    c.threads = threads;
    f->args = a;
    f->threads = threads;
    for (size_t i = 0; i < a->n_models; i++) {
        QNS_TRY(qns_session_open(&f->session[i], a->model[i], NULL, &c, &a->data, err));
        snprintf(f->path[i], sizeof f->path[i], "%s/qns-bench-%ld-%zu.h5", a->folder,
                 (long)getpid(), i);
    }
    f->all_samples = qns_source_count(f->session[0].source);
    if (f->all_samples < 2)
        QNS_FAIL(err, DATA, "a benchmark takes 2 samples or more, and there is one");
    f->few_samples = threads < f->all_samples ? threads : f->all_samples - 1;
    return QNS_OK;
}

static void close_all(qns_flow *f)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(f->path); i++)
        if (f->path[i][0])
            (void)unlink(f->path[i]);
    for (size_t i = 0; i < f->n_ways; i++) {
        qns_free(f->way[i].s);
        qns_free(f->way[i].s_few);
    }
    for (size_t i = 0; i < QNS_ARRAY_LEN(f->session); i++) {
        qns_session_close(&f->session[i]);
        qns_session_close(&f->lanes[i]);
    }
}

qns_flow_way *qns_flow_add(qns_flow *f, const char *name, qns_flow_run run)
{
    qns_flow_way *w = &f->way[f->n_ways++];
    *w = (qns_flow_way){.name = name, .run = run};
    return w;
}

qns_status qns_flow_plain(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    for (int64_t i = 0; i < f->samples; i++)
        QNS_TRY(qns_session_run(&f->session[w->model], i, err));
    return QNS_OK;
}

/* Made the first time, which is not measured. */
static qns_status open_lanes(qns_session **out, qns_flow *f, size_t model, qns_err *err)
{
    qns_common c = f->args->opts.common;
    c.threads = f->threads;
    *out = &f->lanes[model];
    if ((*out)->model)
        return QNS_OK;
    return qns_session_open_lanes(*out, f->args->model[model], NULL, &c, &f->args->data, err);
}

qns_status qns_flow_side_by_side(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    qns_session *s;
    QNS_TRY(open_lanes(&s, f, w->model, err));
    return qns_session_run_all(s, NULL, NULL, err);
}

qns_status qns_flow_capture(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    qns_session *s;
    qns_capture_stats stats;
    QNS_TRY(open_lanes(&s, f, w->model, err));
    const qns_capture_opts o = {
        .what = w->what,
        .lanes = s->lanes,
        .model = f->args->model[w->model],
        .backend = qns_model_is_quantized(s->model) ? qns_model_backend(s->model)->name : "",
        .cancelled = qns_ui_cancelled};
    QNS_TRY(qns_capture_run(&stats, f->path[w->model], s->plan, s->source, &o, err));
    w->bytes = (double)stats.bytes;
    return QNS_OK;
}

/* Seconds of the way for so many samples; samples 0 is not run. */
static qns_status timed(double *s, qns_flow *f, qns_flow_way *w, int64_t samples, qns_err *err)
{
    f->samples = samples;
    if (w->writes)
        (void)unlink(f->path[w->model]);
    const double start = qns_ui_now();
    QNS_TRY(w->run(f, w, err));
    *s = qns_ui_now() - start;
    if (qns_ui_cancelled(NULL))
        QNS_FAIL(err, CANCELLED, "stopped");
    return QNS_OK;
}

static qns_status turns(qns_flow *f, int rounds, qns_err *err)
{
    qns_progress bar;
    qns_status st = QNS_OK;
    double ignored;
    qns_progress_start(&bar, f->args->what, f->args->opts.common.quiet);
    for (size_t i = 0; i < f->n_ways; i++) {
        qns_flow_way *w = &f->way[i];
        QNS_TRY_DONE(qns_new((void **)&w->s, (size_t)rounds, sizeof *w->s, err));
        QNS_TRY_DONE(qns_new((void **)&w->s_few, (size_t)rounds, sizeof *w->s_few, err));
        QNS_TRY_DONE(timed(&ignored, f, w, w->fixed_cost ? f->few_samples : f->all_samples, err));
    }
    for (int r = 0; r < rounds; r++)
        for (size_t i = 0; i < f->n_ways; i++) {
            qns_flow_way *w = &f->way[i];
            qns_progress_at(&bar, r, rounds);
            QNS_TRY_DONE(timed(&w->s[r], f, w, f->all_samples, err));
            if (w->fixed_cost)
                QNS_TRY_DONE(timed(&w->s_few[r], f, w, f->few_samples, err));
        }
    for (size_t i = 0; i < f->n_ways; i++) {
        f->way[i].stat = qns_bench_stat_of(f->way[i].s, (size_t)rounds);
        f->way[i].few = qns_bench_stat_of(f->way[i].s_few, (size_t)rounds);
    }
done:
    qns_progress_end(&bar);
    return st;
}

double qns_flow_per_sample(const qns_flow *f, const qns_flow_way *w)
{
    const double n = (double)f->all_samples, few = (double)f->few_samples;
    return w->fixed_cost ? (w->stat.median - w->few.median) / (n - few) : w->stat.median / n;
}

double qns_flow_rate(const qns_flow_way *w)
{
    return w->bytes / w->stat.median;
}

static void print_ways(const qns_flow *f)
{
    char text[160];
    qns_bench_machine_text(text, sizeof text, f->args->opts.common.cpu_mask);
    printf("%.80s\n%lld samples, %d thread%s\n\n", text, (long long)f->all_samples, f->threads,
           f->threads == 1 ? "" : "s");
    printf("%-26s %9s %19s %12s %8s\n", "", "s", "8 of 10 runs", "ms a sample", "GB/s");
    for (size_t i = 0; i < f->n_ways; i++) {
        const qns_flow_way *w = &f->way[i];
        char range[40], rate[16] = "";
        snprintf(range, sizeof range, "%.3f .. %.3f", w->stat.lo, w->stat.hi);
        if (w->bytes > 0)
            snprintf(rate, sizeof rate, "%.2f", qns_flow_rate(w) / 1e9);
        printf("%-26.26s %9.3f %19s %12.2f %8s\n", w->name, w->stat.median, range,
               1e3 * qns_flow_per_sample(f, w), rate);
    }
    printf("\n");
}

static json_t *ways_json(const qns_flow *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < f->n_ways; i++) {
        const qns_flow_way *w = &f->way[i];
        json_array_append_new(all, json_pack("{s:s, s:o, s:f, s:f}", "name", w->name, "seconds",
                                             qns_bench_stat_json(&w->stat), "seconds_per_sample",
                                             qns_flow_per_sample(f, w), "bytes", w->bytes));
    }
    return all;
}

void qns_flow_say(qns_flow *f, const char *key, double value, const char *text)
{
    if (f->findings)
        json_object_set_new(f->findings, key, json_real(value));
    else
        printf("%s\n", text);
}

static qns_status measure(qns_flow_args *a, const qns_flow_plan *p, int threads, json_t *results,
                          qns_err *err)
{
    static const qns_flow empty;
    qns_flow f = empty;
    qns_status st = QNS_OK;
    QNS_TRY_DONE(open_all(&f, a, threads, err));
    QNS_TRY_DONE(p->prepare(&f, err));
    QNS_TRY_DONE(turns(&f, a->opts.runs ? a->opts.runs : p->rounds, err));
    if (results)
        f.findings = json_object();
    else
        print_ways(&f);
    QNS_TRY_DONE(p->conclude(&f, err));
    if (results)
        json_array_append_new(results, json_pack("{s:i, s:I, s:o, s:O}", "threads", threads,
                                                 "samples", (json_int_t)f.all_samples, "ways",
                                                 ways_json(&f), "findings", f.findings));
    else
        printf("\n");
done:
    json_decref(f.findings);
    close_all(&f);
    return st;
}

int qns_flow_main(qns_flow_args *a, const qns_flow_plan *p)
{
    qns_err err = {0};
    qns_status st = QNS_OK;
    json_t *results = a->opts.common.json ? json_array() : NULL;
    qns_ui_catch_signals();
    for (size_t i = 0; i < a->opts.n_threads && st == QNS_OK; i++)
        st = measure(a, p, a->opts.threads[i], results, &err);
    qns_bench_finish_json(a->what, results, st == QNS_OK, a->opts.common.cpu_mask);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}
