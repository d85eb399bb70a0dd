/* SPDX-License-Identifier: MIT */
/* qns quantize: fuse, prepare, calibrate, convert, write. */
#include "core/model/onnx_write.h"
#include "core/quant/calibrate.h"
#include "core/quant/convert.h"
#include "core/quant/prepare.h"
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
    const char *model;
    bool explain;
} quantize_args;

enum { KEY_EXPLAIN = 2000 };

static const struct argp_option options[] = {
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
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model || a->data.n == 0 || !a->common.out)
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
    .args_doc = "MODEL -d CALIB -o QUANT.onnx",
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
    QNS_TRY(qns_source_open(&j->source, g, a->data.spec, a->data.n, a->data.labels, a->data.limit,
                            err));
    const qns_calibration c = {.samples = qns_samples_of(j->source),
                               .exec = qns_exec_opts_of(&a->common, j->model),
                               .progress = qns_progress_at,
                               .cancelled = qns_ui_cancelled,
                               .ctx = bar};
    QNS_TRY(qns_calibrate(j->decisions, &c, err));
    QNS_TRY(qns_convert(&j->qdq, j->decisions, err));
    return qns_onnx_write(a->common.out, j->qdq, true, err);
}

static void print_text(const job *j, const quantize_args *a, double seconds)
{
    char memory[24];
    const uint32_t n = qns_graph_n_nodes(qns_model_graph(j->model));
    printf("%s: %u of %u operators in int8 (%s)\n"
           "calibrated on %" PRId64 " samples in %.2f s, peak memory %s\n",
           a->common.out, qns_decisions_n_int8(j->decisions), n, qns_qconfig_backend(j->set)->name,
           qns_decisions_samples(j->decisions), seconds,
           qns_ui_bytes(memory, (uint64_t)qns_ui_peak_memory()));
    if (!a->explain)
        printf("next: qns run %s -d EVAL, or --explain for the decisions\n", a->common.out);
}

static qns_status print_json(const job *j, const quantize_args *a, double seconds, qns_err *err)
{
    json_t *rows = json_array();
    QNS_TRY(qns_explain_json(rows, j->decisions, err));
    json_t *out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:f, s:I, s:o}", "qns",
                            qns_version_text(), "kind", "quantize", "model", a->model, "file",
                            a->common.out, "backend", qns_qconfig_backend(j->set)->name,
                            "operators", (int)qns_graph_n_nodes(qns_model_graph(j->model)),
                            "operators_int8", (int)qns_decisions_n_int8(j->decisions), "samples",
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
