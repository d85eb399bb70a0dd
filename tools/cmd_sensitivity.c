/* SPDX-License-Identifier: MIT */
/* qns sensitivity: what every layer alone does to the output. */
#include "core/base/mem.h"
#include "core/model/source.h"
#include "reports/render.h"
#include "reports/sensitivity_json.h"
#include "tools/quant_args.h"
#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef struct sensitivity_args {
    qns_common common;
    qns_data_args data;
    qns_quant_args quant;
    const char *model, *calib[16], *layers[32], *html, *cache;
    size_t n_calib, n_layers;
    int64_t calib_limit, rows;
    qns_sens_order order;
} sensitivity_args;

enum { KEY_CALIB = 2000, KEY_CALIB_LIMIT, KEY_LAYERS, KEY_SORT, KEY_ROWS, KEY_HTML, KEY_CACHE };

static const struct argp_option options[] = {
    {"calib", KEY_CALIB, "DATA", 0,
     "calibration samples, as -d; default: those of -d, with which the figures look better than "
     "they are",
     10},
    {"calib-limit", KEY_CALIB_LIMIT, "N", 0, "only the first N calibration samples", 10},
    {"layers", KEY_LAYERS, "GLOB", 0, "only layers whose name matches; may be repeated", 20},
    {"sort", KEY_SORT, "BY", 0,
     "leave-one-in (default), leave-one-out, agreement, top1 or execution", 20},
    {"rows", KEY_ROWS, "N", 0, "layers in the printed table, worst first; default 20, 0: all", 20},
    {"html", KEY_HTML, "REPORT.html", 0, "draw the report page", 20},
    {"cache", KEY_CACHE, "FILE", 0,
     "keep what was run in FILE and take what is there: an interrupted scan goes on", 20},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    sensitivity_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->data;
        state->child_inputs[1] = &a->quant;
        state->child_inputs[2] = state->child_inputs[3] = &a->common;
        return 0;
    case KEY_CALIB:
        qns_take_text(state, "--calib", a->calib, &a->n_calib, QNS_ARRAY_LEN(a->calib), arg);
        return 0;
    case KEY_CALIB_LIMIT:
        a->calib_limit = qns_parse_count(state, "--calib-limit", arg, INT64_MAX);
        return 0;
    case KEY_LAYERS:
        qns_take_text(state, "--layers", a->layers, &a->n_layers, QNS_ARRAY_LEN(a->layers), arg);
        return 0;
    case KEY_SORT:
        if (!qns_sens_order_parse(&a->order, arg))
            argp_error(state,
                       "--sort takes leave-one-in, leave-one-out, agreement, top1 or execution, "
                       "not '%s'",
                       arg);
        return 0;
    case KEY_ROWS:
        a->rows = qns_parse_count(state, "--rows", arg, 1000000);
        return 0;
    case KEY_HTML:
        a->html = arg;
        return 0;
    case KEY_CACHE:
        a->cache = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model || a->data.n == 0)
            argp_error(state, "a float model and data are needed: "
                              "qns sensitivity FLOAT.onnx -d EVAL --calib CALIB");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_data_argp, 0, 0, 10},
                                             {&qns_quant_argp, 0, "What is quantized:", 15},
                                             {&qns_engine_argp, 0, "Running models:", 50},
                                             {&qns_common_argp, 0, "Common options:", 90},
                                             {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FLOAT.onnx -d EVAL --calib CALIB",
    .children = children,
    .doc = "What every layer alone does to the network's output: only this layer in int8 "
           "(leave-one-in), and only this layer in float (leave-one-out).\v"
           "Each figure is that of the model which 'qns quantize' makes with the same layers left "
           "in float, against the float model: SQNR of the outputs, agreement of the answers, and "
           "with labels top-1. The model is calibrated once; what two networks compute alike is "
           "computed once.\n\n"
           "-o RESULT.json keeps the result for 'qns report' and 'qns skiplist'.\n\n"
           "Example: qns sensitivity model.onnx -d eval.yaml --calib calib.yaml -o sens.json"};

typedef struct job {
    qns_model *model;
    qns_source *eval, *calib;
    qns_qconfig_set *set;
    qns_trials *trials;
    qns_sensitivity *s;
} job;

static qns_status open_job(job *j, const sensitivity_args *a, qns_err *err)
{
    const qns_model_opts mo = qns_model_opts_of(&a->common, NULL);
    QNS_TRY(qns_model_load(&j->model, a->model, &mo, err));
    if (qns_model_is_quantized(j->model))
        QNS_FAIL(err, UNSUPPORTED, "'%s' is quantized already; give the float model", a->model);
    const qns_graph *g = qns_model_graph(j->model);
    QNS_TRY(qns_quant_settings(&j->set, &a->quant, err));
    QNS_TRY(qns_qconfig_check(j->set, g, err)); /* before any data is read */
    QNS_TRY(
        qns_source_open(&j->eval, g, a->data.spec, a->data.n, a->data.labels, a->data.limit, err));
    return qns_source_open(&j->calib, g, a->n_calib ? a->calib : a->data.spec,
                           a->n_calib ? a->n_calib : a->data.n, NULL, a->calib_limit, err);
}

static qns_status scan(job *j, const sensitivity_args *a, qns_progress *bar, qns_err *err)
{
    qns_trials_spec spec = {.fused = qns_model_graph(j->model),
                            .set = j->set,
                            .calib = qns_samples_of(j->calib),
                            .eval = qns_samples_of(j->eval),
                            .labels = qns_source_labels(j->eval),
                            .exec = qns_exec_opts_of(&a->common, j->model),
                            .cache = a->cache,
                            .progress = qns_progress_at,
                            .cancelled = qns_ui_cancelled,
                            .ctx = bar};
    const qns_sens_opts so = {.layers = a->layers,
                              .n_layers = a->n_layers,
                              .order = a->order,
                              .model = a->model,
                              .calib = qns_source_describe(j->calib),
                              .eval = qns_source_describe(j->eval),
                              .progress = qns_progress_at,
                              .ctx = bar};
    if (spec.eval.n == 0)
        QNS_FAIL(err, DATA, "there are no samples to run");
    QNS_TRY(qns_trials_create(&j->trials, &spec, err));
    qns_progress_end(bar);
    qns_progress_start(bar, "scan", a->common.quiet);
    return qns_sensitivity_run(&j->s, j->trials, &so, err);
}

static void print_runs(const char *by, double in, double out, uint32_t n)
{
    printf("%-11s only int8 %7.1f = %.2f each     if float %7.1f = %.2f each\n", by, in, in / n,
           out, out / n);
}

/* Of both scans with the baseline that belongs to it, in runs of the whole network. */
static void print_cost(const qns_sensitivity *s)
{
    const double *sec = s->spent.seconds, *work = s->spent.worked;
    if (!s->n_units)
        return;
    printf("cost of the scans in runs of the network, and for each of %u layers:\n", s->n_units);
    if (s->spent.cached) {
        print_runs("by MACs", s->cost.in_runs, s->cost.out_runs, s->n_units);
        printf("from cache  %" PRId64 " of %" PRId64 " samples\n", s->spent.cached, s->samples);
        return;
    }
    if (work[0] > 0)
        print_runs("by MACs", 1 + work[2] / work[0], (work[1] + work[3]) / work[0], s->n_units);
    print_runs("by time", 1 + sec[2] / sec[0], 1 + sec[3] / sec[1], s->n_units);
    printf("a run       %.2f ms in float, %.2f ms in int8; both scans %.1f s\n",
           1000 * sec[0] / (double)s->spent.samples, 1000 * sec[1] / (double)s->samples,
           sec[0] + sec[1] + sec[2] + sec[3]);
}

static void print_next(const sensitivity_args *a, const qns_sensitivity *s)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_units; i++)
        n += s->unit[i].verdict != QNS_V_OK;
    if (!s->n_units)
        return;
    if (n && a->common.out)
        printf("next: qns skiplist %s --worst %u --to qns > qconfig.yaml\n", a->common.out,
               n < 3 ? n : 3);
    else if (n)
        printf("next: qns quantize %s -d CALIB -o MIXED.onnx --skip '%s'\n", a->model,
               s->unit[s->ranking[0]].name);
    else
        printf("next: no layer is bad alone; qns search finds what together must stay in float\n");
}

static qns_status write_all(const sensitivity_args *a, const qns_sensitivity *s, qns_err *err)
{
    const qns_any_result any = {&qns_kind_sensitivity, (void *)(uintptr_t)s, NULL};
    const qns_report_opts opts = {.width = qns_ui_width(),
                                  .colour = qns_ui_colour(),
                                  .max_rows = a->rows ? (uint32_t)a->rows : UINT32_MAX};
    if (a->common.out)
        QNS_TRY(qns_any_save(a->common.out, &any, err));
    if (a->html)
        QNS_TRY(qns_report_write_any(a->html, "html", &any, &opts, err));
    if (a->common.json)
        return qns_report_write_any("-", "json", &any, &opts, err);
    if (a->common.quiet)
        return QNS_OK;
    QNS_TRY(qns_report_write_any("-", "text", &any, &opts, err));
    printf("\n");
    print_cost(s);
    if (!a->n_calib)
        printf("note: calibrated on the samples that were measured; --calib takes others\n");
    print_next(a, s);
    if (a->html)
        printf("report: %s\n", a->html);
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    sensitivity_args a = {.rows = 20};
    job j = {0};
    qns_err err = {0};
    qns_progress bar;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "calibrate", a.common.quiet);
    QNS_TRY_DONE(open_job(&j, &a, &err));
    QNS_TRY_DONE(scan(&j, &a, &bar, &err));
    qns_progress_end(&bar);
    st = write_all(&a, j.s, &err);
done:
    qns_progress_end(&bar);
    qns_sensitivity_free(j.s);
    qns_trials_free(j.trials);
    qns_qconfig_free(j.set);
    qns_source_close(j.eval);
    qns_source_close(j.calib);
    qns_model_free(j.model);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_sensitivity;
const qns_cmd qns_cmd_sensitivity = {"sensitivity",
                                     "FLOAT.onnx -d EVAL --calib CALIB",
                                     "what every layer alone does to the output",
                                     "look closer",
                                     &argp,
                                     run};
