/* SPDX-License-Identifier: MIT */
/* qns bench model: latency of one or more models with several numbers of threads, in turns. */
#include "core/base/mem.h"
#include "tools/bench.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>

enum { MAX_MODELS = 8, MAX_ENTRIES = MAX_MODELS * QNS_BENCH_MAX_THREADS, RUNS = 30, SHOWN = 6 };

typedef struct model_args {
    qns_bench_opts opts;
    const char *model[MAX_MODELS];
    size_t n_models;
} model_args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    model_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->opts;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_models == MAX_MODELS)
            argp_error(state, "%d models at most; '%s' is one more", MAX_MODELS, arg);
        a->model[a->n_models++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->n_models)
            argp_error(state, "a model is needed: qns bench model FLOAT.onnx QUANT.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_bench_argp, 0, 0, 90}, {0}};
static const struct argp argp = {
    .parser = parse,
    .args_doc = "FLOAT.onnx [QUANT.onnx...]",
    .children = children,
    .doc =
        "Latency of models, all in turns: median, the range that holds 8 of 10 runs, and "
        "percent of the peak that the machine had right before or after; then how much faster the "
        "others are than the first, "
        "and threads than one. With --json the layers, too.\vInputs are random: speed depends on "
        "shapes only. --dim sets the batch where the model's first axis has a name.\n\n"
        "Example: qns bench model model.onnx quant.onnx -j 1,2 --runs 50"};

/* entry[model * n_threads + thread] */
typedef struct session_set {
    qns_bench_model entry[MAX_ENTRIES];
    size_t n;
    bool json;
} session_set;

static qns_status open_all(session_set *s, const model_args *a, int runs, qns_err *err)
{
    for (size_t i = 0; i < a->n_models; i++)
        for (size_t t = 0; t < a->opts.n_threads; t++)
            QNS_TRY(qns_bench_model_open(&s->entry[s->n++], a->model[i], a->opts.threads[t],
                                         &a->opts, runs, err));
    return QNS_OK;
}

static qns_status run_all(session_set *s, int runs, qns_progress *bar, qns_err *err)
{
    for (int r = 0; r < runs; r++) {
        qns_progress_at(bar, r, runs);
        for (size_t i = 0; i < s->n; i++) {
            if (qns_ui_cancelled(NULL))
                QNS_FAIL(err, CANCELLED, "stopped after %d of %d runs", r, runs);
            QNS_TRY(qns_bench_model_turn(&s->entry[i], err));
            if (s->json)
                QNS_TRY(qns_bench_model_profile(&s->entry[i], err));
        }
    }
    for (size_t i = 0; i < s->n; i++)
        s->entry[i].stat = qns_bench_stat_of(s->entry[i].ms, (size_t)s->entry[i].n_ms);
    return QNS_OK;
}

static bool is_quantized(const qns_bench_model *m)
{
    return qns_model_is_quantized(m->s.model);
}

static void print_speedups(const session_set *s, const model_args *a)
{
    const size_t n_t = a->opts.n_threads;
    for (size_t i = n_t; i < s->n; i++)
        printf("%s is %.2f x as fast as %s, %d thread%s\n", qns_bench_file_name(s->entry[i].path),
               s->entry[i % n_t].stat.median / s->entry[i].stat.median,
               qns_bench_file_name(s->entry[i % n_t].path), s->entry[i].threads,
               s->entry[i].threads == 1 ? "" : "s");
    for (size_t i = 0; i < s->n; i++)
        if (i % n_t != 0)
            printf("%d threads are %.2f x as fast as %d: %s\n", s->entry[i].threads,
                   s->entry[i / n_t * n_t].stat.median / s->entry[i].stat.median,
                   s->entry[i / n_t * n_t].threads, qns_bench_file_name(s->entry[i].path));
}

static void print_text(const session_set *s, const model_args *a)
{
    qns_bench_peak peak[QNS_BENCH_MAX_THREADS];
    for (size_t t = 0; t < a->opts.n_threads; t++)
        peak[t] = s->entry[t].peak;
    qns_bench_print_machine(peak, a->opts.n_threads, a->opts.common.cpu_mask);
    printf("\n%-25s %7s %5s %9s %15s %7s %6s\n", "model", "threads", "batch", "median ms",
           "8 of 10 runs", "GOP/s", "peak %");
    for (size_t i = 0; i < s->n; i++) {
        const qns_bench_model *m = &s->entry[i];
        const double rate = qns_bench_model_ops(m) / (m->stat.median * 1e-3);
        char range[32], percent[16];
        snprintf(range, sizeof range, "%.2f .. %.2f", m->stat.lo, m->stat.hi);
        printf("%-25.25s %7d %5lld %9.2f %15s %7.1f %6s\n", qns_bench_file_name(m->path),
               m->threads, (long long)qns_bench_model_batch(m), m->stat.median, range, rate / 1e9,
               qns_bench_percent(percent, qns_bench_model_peak_share(m)));
    }
    if (s->n > 1) {
        printf("\n");
        print_speedups(s, a);
    }
    printf("next: qns bench layers %s -j 1\n", a->model[a->n_models - 1]);
}

static qns_status to_json(json_t *results, const session_set *s, const model_args *a, qns_err *err)
{
    for (size_t i = 0; i < s->n; i++) {
        const qns_bench_model *m = &s->entry[i];
        const double ops = qns_bench_model_ops(m);
        qns_bench_layer *l = NULL;
        size_t n = 0;
        QNS_TRY(qns_bench_layers(&l, &n, m, err));
        json_array_append_new(
            results,
            json_pack("{s:s, s:b, s:i, s:I, s:o, s:f, s:o, s:o, s:o}", "model", m->path,
                      "quantized", is_quantized(m), "threads", m->threads, "batch",
                      (json_int_t)qns_bench_model_batch(m), "ms", qns_bench_stat_json(&m->stat),
                      "ops", ops, "peak_share", qns_bench_share_json(qns_bench_model_peak_share(m)),
                      "peak", qns_bench_peak_json(&m->peak), "layers",
                      qns_bench_layers_json(l, n, m)));
        qns_free(l);
    }
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    model_args a = {0};
    session_set s = {0};
    qns_err err = {0};
    qns_progress bar;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "model", a.opts.common.quiet);
    const int runs = a.opts.runs ? a.opts.runs : RUNS;
    s.json = a.opts.common.json;
    json_t *results = s.json ? json_array() : NULL;
    QNS_TRY_DONE(open_all(&s, &a, runs, &err));
    QNS_TRY_DONE(run_all(&s, runs, &bar, &err));
    qns_progress_end(&bar);
    if (s.json)
        QNS_TRY_DONE(to_json(results, &s, &a, &err));
    else
        print_text(&s, &a);
done:
    qns_progress_end(&bar);
    qns_bench_finish_json("model", results, st == QNS_OK, a.opts.common.cpu_mask);
    for (size_t i = 0; i < s.n; i++)
        qns_bench_model_close(&s.entry[i]);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

const qns_bench qns_bench_model_cmd = {"model", "FLOAT.onnx [QUANT.onnx...]",
                                       "latency of models, in turns; speed-ups", run};
