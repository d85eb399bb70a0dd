/* SPDX-License-Identifier: MIT */
/* qns capture: log what every layer computes to an HDF5 file. */
#include "ns/capture.h"
#include "tools/cmd.h"
#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct capture_args {
    qns_common common;
    qns_data_args data;
    const char *model, *backend, *layers[32];
    size_t n_layers;
    unsigned what;
    bool no_fuse;
    qns_capture_policy policy;
    int64_t sample_n;
    qns_compress compress;
} capture_args;

enum { KEY_BACKEND = 2000, KEY_LAYERS, KEY_WHAT, KEY_POLICY, KEY_COMPRESS };

static const struct argp_option options[] = {
    {"layers", KEY_LAYERS, "GLOB", 0,
     "only layers whose name, output or origin matches; may be repeated", 1},
    {"what", KEY_WHAT, "LIST", 0, "of weights, outputs, inputs; default: weights,outputs", 1},
    {"policy", KEY_POLICY, "POLICY", 0,
     "full (default), sample=N: N samples, evenly spread, or stats: ranges and histograms instead "
     "of values",
     1},
    {"compress", KEY_COMPRESS, "HOW", 0, "none (default), deflate or lz4", 1},
    {"backend", KEY_BACKEND, "NAME", 0,
     "run a quantized model as fbgemm, fbgemm-avx2, fbgemm-vnni, qnnpack or onnxruntime", 1},
    {0},
};

static unsigned parse_what(struct argp_state *state, const char *arg)
{
    static const struct {
        const char *name;
        unsigned bit;
    } table[] = {
        {"weights", QNS_WHAT_WEIGHTS}, {"outputs", QNS_WHAT_OUTPUTS}, {"inputs", QNS_WHAT_INPUTS}};
    unsigned what = 0;
    while (*arg) {
        const size_t n = strcspn(arg, ",");
        unsigned bit = 0;
        for (size_t i = 0; i < QNS_ARRAY_LEN(table); i++)
            if (strlen(table[i].name) == n && strncmp(table[i].name, arg, n) == 0)
                bit = table[i].bit;
        if (!bit)
            argp_error(state, "--what takes weights, outputs, inputs, not '%.*s'", (int)n, arg);
        what |= bit;
        arg += n + (arg[n] == ',');
    }
    return what;
}

static void parse_policy(capture_args *a, struct argp_state *state, const char *arg)
{
    if (strcmp(arg, "full") == 0)
        a->policy = QNS_CAPTURE_FULL;
    else if (strcmp(arg, "stats") == 0)
        a->policy = QNS_CAPTURE_STATS;
    else if (strncmp(arg, "sample=", 7) == 0) {
        a->policy = QNS_CAPTURE_SAMPLE;
        a->sample_n = qns_parse_count(state, "--policy sample=", arg + 7, INT64_MAX);
    } else
        argp_error(state, "--policy takes full, sample=N or stats, not '%s'", arg);
}

static qns_compress parse_compress(struct argp_state *state, const char *arg)
{
    if (strcmp(arg, "none") == 0)
        return QNS_COMPRESS_NONE;
    if (strcmp(arg, "lz4") == 0)
        return QNS_COMPRESS_LZ4;
    if (strcmp(arg, "deflate") != 0)
        argp_error(state, "--compress takes none, deflate or lz4, not '%s'", arg);
    return QNS_COMPRESS_DEFLATE;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    capture_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        qns_model_child_inputs(state, &a->data, &a->common);
        return 0;
    case KEY_LAYERS:
        qns_take_text(state, "--layers", a->layers, &a->n_layers, QNS_ARRAY_LEN(a->layers), arg);
        return 0;
    case KEY_WHAT:
        a->what = parse_what(state, arg);
        return 0;
    case KEY_POLICY:
        parse_policy(a, state, arg);
        return 0;
    case KEY_COMPRESS:
        a->compress = parse_compress(state, arg);
        return 0;
    case KEY_BACKEND:
        a->backend = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model || a->data.n == 0 || !a->common.out)
            argp_error(state,
                       "a model, data and a file are needed: qns capture MODEL -d DATA -o OUT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL -d DATA -o CAPTURE.h5",
    .children = qns_model_children,
    .doc = "Log the weights and activations of every layer to an HDF5 file.\v"
           "A float model is captured after fusion, so that its weights compare with the int8 "
           "ones; int8 "
           "activations are stored as codes with their scale and zero point. While it is written "
           "the file "
           "is called CAPTURE.h5.partial; Ctrl-C keeps the whole samples there.\n\n"
           "Example: qns capture quant.onnx -d eval.yaml --policy sample=100 -o quant.h5"};

static void print_text(const capture_args *a, const qns_capture_stats *cs, double seconds)
{
    char size[24], memory[24], speed[32] = "";
    if (a->policy != QNS_CAPTURE_STATS)
        snprintf(speed, sizeof speed, " (%.0f MB/s)",
                 (double)cs->bytes / 1e6 / (seconds > 0 ? seconds : 1));
    printf("%s: %" PRId64 " samples, %s%u activations, %u weights and biases\n"
           "%s in %.2f s%s, peak memory %s\n",
           a->common.out, cs->samples, a->policy == QNS_CAPTURE_STATS ? "statistics of " : "",
           cs->activations, cs->weights, qns_ui_bytes(size, cs->bytes), seconds, speed,
           qns_ui_bytes(memory, (uint64_t)qns_ui_peak_memory()));
}

static void print_json(const capture_args *a, const qns_capture_stats *cs, double seconds)
{
    json_t *j = json_pack(
        "{s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:i, s:f, s:I}", "qns", qns_version_text(), "kind",
        "capture", "model", a->model, "file", a->common.out, "samples", (json_int_t)cs->samples,
        "bytes", (json_int_t)cs->bytes, "activations", (int)cs->activations, "weights",
        (int)cs->weights, "seconds", seconds, "peak_memory", (json_int_t)qns_ui_peak_memory());
    json_dumpf(j, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(j);
}

static int run(int argc, char **argv)
{
    capture_args a = {0};
    qns_session s = {0};
    qns_err err = {0};
    qns_capture_stats stats;
    qns_progress bar;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "capture", a.common.quiet);
    const double start = qns_ui_now();
    QNS_TRY_DONE(qns_session_open_lanes(&s, a.model, a.backend, &a.common, &a.data, &err));
    const qns_capture_opts opts = {
        .layers = a.layers,
        .n_layers = a.n_layers,
        .what = a.what,
        .policy = a.policy,
        .sample_n = a.sample_n,
        .compress = a.compress,
        .lanes = s.lanes,
        .model = a.model,
        .backend = qns_model_is_quantized(s.model) ? qns_model_backend(s.model)->name : "",
        .engine = a.common.engine == QNS_ENGINE_ONEDNN ? "onednn" : "reference",
        .progress = qns_progress_at,
        .cancelled = qns_ui_cancelled,
        .ctx = &bar};
    QNS_TRY_DONE(qns_capture_run(&stats, a.common.out, s.plan, s.source, &opts, &err));
    qns_progress_end(&bar);
    if (a.common.json)
        print_json(&a, &stats, qns_ui_now() - start);
    else if (!a.common.quiet)
        print_text(&a, &stats, qns_ui_now() - start);
done:
    qns_progress_end(&bar);
    qns_session_close(&s);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_capture;
const qns_cmd qns_cmd_capture = {"capture",
                                 "MODEL -d DATA -o CAPTURE.h5",
                                 "log weights and activations of every layer",
                                 "the main job",
                                 &argp,
                                 run};
