/* SPDX-License-Identifier: MIT */
/* qns quantize: fuse, prepare, calibrate, convert, write. */
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/exec/lanes.h"
#include "core/model/onnx_write.h"
#include "core/quant/calibrate.h"
#include "core/quant/convert.h"
#include "core/quant/prepare.h"
#include "ns/capture.h"
#include "tools/cmd.h"
#include "tools/explain.h"
#include "tools/quant_args.h"
#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct quantize_args {
    qns_common common;
    qns_data_args data;
    qns_quant_args quant;
    const char *model, *record;
    bool explain;
} quantize_args;

enum { KEY_EXPLAIN = 2000, KEY_RECORD };

static const struct argp_option options[] = {
    {"record", KEY_RECORD, "FILE.h5", 0, "capture of what observers of kind 'recording' see", 1},
    {"explain", KEY_EXPLAIN, 0, 0, "print what was decided for every value, and why", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    quantize_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->data;
        state->child_inputs[1] = &a->quant;
        state->child_inputs[2] = state->child_inputs[3] = &a->common;
        return 0;
    case KEY_EXPLAIN:
        a->explain = true;
        return 0;
    case KEY_RECORD:
        a->record = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model || !a->common.out)
            argp_error(state, "a model, calibration data and a file are needed: "
                              "qns quantize MODEL -d CALIB -o QUANT.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_data_argp, 0, 0, 10},
                                             {&qns_quant_argp, 0, 0, 1},
                                             {&qns_engine_argp, 0, "Running models:", 50},
                                             {&qns_common_argp, 0, "Common options:", 90},
                                             {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL -d CALIB -o QUANT.onnx\nMODEL --dynamic|--float16 -o QUANT.onnx",
    .children = children,
    .doc =
        "Quantize a float ONNX model: fuse, choose what runs in integers, calibrate, convert.\v"
        "The result is a Q/DQ model that ONNX Runtime and others run; QNS runs it in integers. Its "
        "metadata hold backend, decisions and lineage.\n\n"
        "Example: qns quantize model.onnx -d calib.yaml -q qconfig.yaml -o quant.onnx"};

typedef struct job {
    qns_model *model;
    qns_source *source;
    qns_qconfig_set *set;
    qns_decisions *decisions;
    qns_graph *qdq;
} job;

/* The first value that is recorded, or NULL. */
static const char *recorded(const job *j)
{
    const qns_graph *g = qns_decisions_graph(j->decisions);
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        if (qns_decisions_value(j->decisions, (qns_vid){i})->recorder != QNS_NONE)
            return qns_graph_value(g, (qns_vid){i})->name;
    return NULL;
}

static qns_status check_record(const job *j, const quantize_args *a, qns_err *err)
{
    const char *name = recorded(j);
    if (name && !a->record)
        QNS_FAIL(err, CONFIG,
                 "'%s' has observer 'recording', but there is no file for it: --record FILE.h5",
                 name);
    if (!name && a->record)
        QNS_FAIL(err, CONFIG, "--record, but no rule has observer 'recording' (preset 'debug')");
    return QNS_OK;
}

/* Without observers, as for dynamic layers, there is nothing to learn from data. */
static qns_status calibrate(job *j, const quantize_args *a, qns_progress *bar, qns_err *err)
{
    if (qns_decisions_n_observers(j->decisions) == 0 && a->data.n == 0)
        return qns_decisions_settle(j->decisions, 0, err);
    if (a->data.n == 0)
        QNS_FAIL(err, CONFIG, "calibration data are needed: -d CALIB");
    QNS_TRY(qns_source_open(&j->source, qns_model_graph(j->model), a->data.spec, a->data.n,
                            a->data.labels, a->data.limit, err));
    const qns_calibration c = {.samples = qns_samples_of(j->source),
                               .exec = qns_exec_opts_of(&a->common, j->model),
                               .progress = qns_progress_at,
                               .cancelled = qns_ui_cancelled,
                               .ctx = bar,
                               .record_elsewhere = true};
    return qns_calibrate(j->decisions, &c, err);
}

/* What recording observers see, in a file: a second pass of the same float graph. */
static qns_status record(job *j, const quantize_args *a, qns_err *err)
{
    const qns_graph *g = qns_decisions_graph(j->decisions);
    const qns_exec_opts exec = qns_exec_opts_of(&a->common, j->model);
    const char **names = NULL;
    qns_plan *plan = NULL;
    size_t n = 0;
    qns_status st = QNS_OK;
    if (!a->record)
        return QNS_OK;
    QNS_TRY(qns_new((void **)&names, qns_graph_n_values(g), sizeof *names, err));
    for (uint32_t i = 0; i < qns_graph_n_values(g); i++)
        if (qns_decisions_value(j->decisions, (qns_vid){i})->recorder != QNS_NONE)
            names[n++] = qns_graph_value(g, (qns_vid){i})->name;
    qns_capture_opts opts = {.layers = names,
                             .n_layers = n,
                             .what = QNS_WHAT_OUTPUTS,
                             .model = a->model,
                             .cancelled = qns_ui_cancelled};
    QNS_TRY_DONE(qns_lanes_plan(&plan, &opts.lanes, g, &exec, qns_source_count(j->source), err));
    QNS_TRY_DONE(qns_capture_run(NULL, a->record, plan, j->source, &opts, err));
done:
    qns_plan_free(plan);
    qns_free(names);
    return st;
}

static void warn(const job *j)
{
    const qns_graph *g = qns_decisions_graph(j->decisions);
    for (uint32_t i = 0; i < qns_graph_n_nodes(g); i++) {
        const qns_decision *x = qns_decisions_node(j->decisions, (qns_nid){i});
        if (x->warning && x->choice == QNS_QUANTIZE)
            qns_log(QNS_LOG_WARN, "node '%s': %s", qns_graph_node(g, (qns_nid){i})->name,
                    x->warning);
    }
}

static qns_status quantize(job *j, const quantize_args *a, qns_progress *bar, qns_err *err)
{
    const qns_model_opts mo = qns_model_opts_of(&a->common, NULL);
    QNS_TRY(qns_model_load(&j->model, a->model, &mo, err));
    if (qns_model_is_quantized(j->model))
        QNS_FAIL(err, UNSUPPORTED, "'%s' is quantized already; give the float model", a->model);
    const qns_graph *g = qns_model_graph(j->model);
    QNS_TRY(qns_quant_settings(&j->set, &a->quant, err));
    /* Wrong names are found before any data is read. */
    QNS_TRY(qns_prepare(&j->decisions, g, j->set, err));
    QNS_TRY(check_record(j, a, err));
    QNS_TRY(calibrate(j, a, bar, err));
    QNS_TRY(record(j, a, err));
    warn(j);
    QNS_TRY(qns_convert(&j->qdq, j->decisions, err));
    return qns_onnx_write(a->common.out, j->qdq, true, err);
}

static void print_text(const job *j, const quantize_args *a, double seconds)
{
    char memory[24];
    const uint32_t n = qns_graph_n_nodes(qns_model_graph(j->model));
    const uint32_t dynamic = qns_decisions_count(j->decisions, QNS_DYNAMIC);
    const uint32_t rounded = qns_decisions_count(j->decisions, QNS_F16_ROUND);
    printf("%s: %u of %u operators in int8", a->common.out, qns_decisions_n_int8(j->decisions), n);
    if (dynamic)
        printf(", %u dynamic", dynamic);
    if (rounded)
        printf(", %u in float16", rounded);
    printf(" (%s)\n", qns_qconfig_backend(j->set)->name);
    if (qns_decisions_samples(j->decisions))
        printf("calibrated on %" PRId64 " samples in %.2f s, peak memory %s\n",
               qns_decisions_samples(j->decisions), seconds,
               qns_ui_bytes(memory, (uint64_t)qns_ui_peak_memory()));
    if (!a->explain)
        printf("next: qns run %s -d EVAL, or --explain for the decisions\n", a->common.out);
}

static qns_status print_json(const job *j, const quantize_args *a, double seconds, qns_err *err)
{
    json_t *rows = json_array();
    QNS_TRY(qns_explain_json(rows, j->decisions, err));
    json_t *out =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:I, s:f, s:I, s:o}", "qns",
                  qns_version_text(), "kind", "quantize", "model", a->model, "file", a->common.out,
                  "backend", qns_qconfig_backend(j->set)->name, "operators",
                  (int)qns_graph_n_nodes(qns_model_graph(j->model)), "operators_int8",
                  (int)qns_decisions_n_int8(j->decisions), "operators_dynamic",
                  (int)qns_decisions_count(j->decisions, QNS_DYNAMIC), "operators_float16",
                  (int)qns_decisions_count(j->decisions, QNS_F16_ROUND), "samples",
                  (json_int_t)qns_decisions_samples(j->decisions), "seconds", seconds,
                  "peak_memory", (json_int_t)qns_ui_peak_memory(), "decisions", rows);
    json_dumpf(out, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(out);
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    quantize_args a = {0};
    job j = {0};
    qns_err err = {0};
    qns_progress bar;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "calibrate", a.common.quiet);
    const double start = qns_ui_now();
    QNS_TRY_DONE(quantize(&j, &a, &bar, &err));
    qns_progress_end(&bar);
    if (a.common.json)
        QNS_TRY_DONE(print_json(&j, &a, qns_ui_now() - start, &err));
    if (a.explain && !a.common.json)
        QNS_TRY_DONE(qns_explain_print(j.decisions, &err));
    if (!a.common.json && !a.common.quiet)
        print_text(&j, &a, qns_ui_now() - start);
done:
    qns_progress_end(&bar);
    qns_graph_free(j.qdq);
    qns_decisions_free(j.decisions);
    qns_qconfig_free(j.set);
    qns_source_close(j.source);
    qns_model_free(j.model);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_quantize;
const qns_cmd qns_cmd_quantize = {"quantize",
                                  "MODEL -d CALIB -o QUANT.onnx",
                                  "make the int8 model: fuse, calibrate, convert",
                                  "the main job",
                                  &argp,
                                  run};
