/* SPDX-License-Identifier: MIT */
/* qns bench layers: what each layer of a model costs inside of whole runs. */
#include "core/base/mem.h"
#include "tools/bench.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>

typedef struct layers_args {
    qns_bench_opts opts;
    const char *model;
    bool all;
} layers_args;

enum { KEY_ALL = 3100, RUNS = 21, SHOWN = 20 };

static const struct argp_option options[] = {
    {"all", KEY_ALL, 0, 0, "every layer, not only the 20 slowest", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    layers_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->opts;
        return 0;
    case KEY_ALL:
        a->all = true;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model)
            argp_error(state, "a model is needed: qns bench layers MODEL.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_bench_argp, 0, 0, 90}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL.onnx",
    .children = children,
    .doc =
        "What each layer of a model costs inside of whole runs, slowest first: median time, "
        "operations a second, percent of the peak of the machine, and bytes of inputs, weights "
        "and output a second.\vPercent: each run is divided by the higher of two peaks, one read "
        "right before and one right after it, because clocks change; told is the median. Inputs "
        "are random: speed depends on shapes, and with --isa avx2 also on how many codes are "
        "above 127.\n\n"
        "Example: qns bench layers quant.onnx -j 1"};

/* "64x56x56": the output without its batch. */
static void shape_text(char out[32], const qns_graph *g, const qns_node *n)
{
    const qns_shape *s = &qns_graph_value(g, n->out[0])->shape;
    size_t at = 0;
    out[0] = 0;
    for (int32_t i = s->rank > 1; i < s->rank && at < 24; i++)
        at += (size_t)snprintf(out + at, 32 - at, "%s%lld", at ? "x" : "", (long long)s->dim[i]);
}

/* The end of a long name tells more than its beginning. */
static const char *tail_of(const char *name, size_t width)
{
    const size_t n = strlen(name);
    return n > width ? name + n - width : name;
}

void qns_bench_print_layers(const qns_bench_layer *l, size_t n, size_t shown,
                            const qns_bench_model *m)
{
    const qns_graph *g = qns_model_graph(m->s.model);
    double rest = 0;
    char shape[32], percent[16];
    printf("%8s %5s %7s %6s %6s  %-11s %-12s %s\n", "ms", "run %", "GOP/s", "peak %", "GB/s", "op",
           "output", "layer");
    for (size_t i = 0; i < n; i++) {
        if (i >= shown) {
            rest += l[i].ms;
            continue;
        }
        shape_text(shape, g, l[i].node);
        printf("%8.3f %5.1f ", l[i].ms, 100 * l[i].share);
        if (l[i].ops > 0)
            printf("%7.1f %6s", l[i].ops / l[i].ms / 1e6,
                   qns_bench_percent(percent, l[i].peak_share));
        else
            printf("%7s %6s", "", "");
        printf(" %6.1f  %-11.11s %-12.12s %s\n", l[i].bytes / l[i].ms / 1e6, l[i].node->op->name,
               shape, tail_of(l[i].node->name, 17));
    }
    if (rest > 0)
        printf("%8.3f %5s %zu more\n", rest, "", n - shown);
}

json_t *qns_bench_layers_json(const qns_bench_layer *l, size_t n, const qns_bench_model *m)
{
    json_t *all = json_array();
    const qns_graph *g = qns_model_graph(m->s.model);
    char shape[32], about[64];
    for (size_t i = 0; i < n; i++) {
        const qns_node *node = l[i].node;
        shape_text(shape, g, node);
        about[0] = 0;
        if (node->op->describe)
            node->op->describe(about, sizeof about, node);
        json_array_append_new(
            all, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:f, s:f, s:f, s:f, s:o}", "name",
                           node->name, "op", node->op->name, "attributes", about, "output", shape,
                           "implementation", l[i].impl, "integer", l[i].integer, "ms", l[i].ms,
                           "share", l[i].share, "ops", l[i].ops, "bytes", l[i].bytes, "peak_share",
                           qns_bench_share_json(l[i].peak_share)));
    }
    return all;
}

static json_t *to_json(const qns_bench_layer *l, size_t n, const qns_bench_model *m)
{
    return json_pack("{s:o, s:s, s:i, s:I, s:o, s:o}", "peak", qns_bench_peak_json(&m->peak),
                     "model", m->path, "threads", m->threads, "batch",
                     (json_int_t)qns_bench_model_batch(m), "ms", qns_bench_stat_json(&m->stat),
                     "layers", qns_bench_layers_json(l, n, m));
}

static void print_text(const layers_args *a, const qns_bench_layer *l, size_t n,
                       const qns_bench_model *m)
{
    double sum = 0, at_peak = 0;
    for (size_t i = 0; i < n; i++) {
        sum += l[i].ms;
        at_peak += l[i].ms * l[i].peak_share;
    }
    printf("\n%.30s, %d thread%s, batch %lld: %.2f ms (%.2f .. %.2f)\n",
           qns_bench_file_name(m->path), m->threads, m->threads == 1 ? "" : "s",
           (long long)qns_bench_model_batch(m), m->stat.median, m->stat.lo, m->stat.hi);
    qns_bench_print_layers(l, n, a->all ? n : SHOWN, m);
    printf("layers together: %.2f ms", sum);
    if (at_peak > 0)
        printf("; their operations at peak would take %.2f ms", at_peak);
    printf("\n");
}

static qns_status measure(const layers_args *a, int threads, json_t *results, qns_err *err)
{
    const int runs = a->opts.runs ? a->opts.runs : RUNS;
    qns_bench_model m = {0};
    qns_bench_layer *l = NULL;
    size_t n = 0;
    qns_progress bar;
    qns_status st = QNS_OK;
    qns_progress_start(&bar, "layers", a->opts.common.quiet);
    QNS_TRY_DONE(qns_bench_model_open(&m, a->model, threads, &a->opts, runs, err));
    for (int i = 0; i < runs; i++) {
        qns_progress_at(&bar, i, runs);
        if (qns_ui_cancelled(NULL))
            QNS_FAIL_DONE(err, CANCELLED, "stopped after %d of %d runs", i, runs);
        QNS_TRY_DONE(qns_bench_model_turn(&m, err));
        QNS_TRY_DONE(qns_bench_model_profile(&m, err));
    }
    m.stat = qns_bench_stat_of(m.ms, (size_t)m.n_ms);
    QNS_TRY_DONE(qns_bench_layers(&l, &n, &m, err));
    qns_progress_end(&bar);
    if (results)
        json_array_append_new(results, to_json(l, n, &m));
    else {
        qns_bench_print_machine(&m.peak, 1, a->opts.common.cpu_mask);
        print_text(a, l, n, &m);
    }
done:
    qns_progress_end(&bar);
    qns_free(l);
    qns_bench_model_close(&m);
    return st;
}

static int run(int argc, char **argv)
{
    layers_args a = {0};
    qns_err err = {0};
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    json_t *results = a.opts.common.json ? json_array() : NULL;
    for (size_t i = 0; i < a.opts.n_threads && st == QNS_OK; i++)
        st = measure(&a, a.opts.threads[i], results, &err);
    qns_bench_finish_json("layers", results, st == QNS_OK, a.opts.common.cpu_mask);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

const qns_bench qns_bench_layers_cmd = {"layers", "MODEL.onnx", "what each layer of a model costs",
                                        run};
