/* SPDX-License-Identifier: MIT */
/* qns run: run a model over a data set; accuracy when there are labels, outputs to a file when
 * asked. */
#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/model/npy_stream.h"
#include "core/model/source.h"
#include "ns/accuracy.h"
#include "ns/capture.h"
#include "tools/cmd.h"
#include "tools/session.h"
#include "tools/ui.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

typedef struct run_args {
    qns_common common;
    qns_data_args data;
    const char *model, *backend;
} run_args;

enum { KEY_BACKEND = 2000 };

static const struct argp_option options[] = {
    {"backend", KEY_BACKEND, "NAME", 0,
     "run a quantized model as fbgemm, fbgemm-avx2, fbgemm-vnni, qnnpack or onnxruntime; default: "
     "what it was "
     "made for",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    run_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        qns_model_child_inputs(state, &a->data, &a->common);
        return 0;
    case KEY_BACKEND:
        a->backend = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model || a->data.n == 0)
            argp_error(state, "a model and its data are needed: qns run MODEL -d DATA");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "MODEL -d DATA",
    .children = qns_model_children,
    .doc = "Run a float or quantized ONNX model over a data set.\v"
           "With labels, prints top-1 and top-5 accuracy with a 95 % interval. -o OUT.npy stores "
           "the first output of every sample, -o OUT.h5 all of them.\n\n"
           "Example: qns run model.onnx -d eval.yaml"};

typedef struct outcome {
    qns_accuracy acc;
    double seconds;
    int64_t n, nonfinite;
} outcome;

static int64_t count_nonfinite(const float *x, size_t n)
{
    int64_t bad = 0;
    for (size_t i = 0; i < n; i++)
        bad += !(x[i] - x[i] == 0); /* inf - inf and NaN are not 0 */
    return bad;
}

typedef struct judge {
    outcome *o;
    const qns_session *s;
    qns_npy_stream *w; /* NULL: nothing is written */
    qns_progress *bar;
} judge;

static qns_status see(void *ctx, const qns_tensor *out, int64_t i, qns_err *err)
{
    const judge *j = ctx;
    const qns_source *data = j->s->source;
    const int64_t *labels = qns_source_labels(data);
    const size_t classes = qns_tensor_count(&out[0]);
    float *score = j->s->score;
    qns_tensor_to_float(score, &out[0]);
    j->o->nonfinite += count_nonfinite(score, classes);
    if (labels)
        qns_accuracy_add(&j->o->acc, score, classes, labels[i]);
    if (j->w)
        QNS_TRY(qns_npy_stream_add(j->w, score, err));
    qns_progress_at(j->bar, i + 1, qns_source_count(data));
    return QNS_OK;
}

static qns_status run_all(outcome *o, qns_session *s, qns_npy_stream *w, qns_progress *bar,
                          qns_err *err)
{
    judge j = {o, s, w, bar};
    const double start = qns_ui_now();
    QNS_TRY(qns_session_run_all(s, see, &j, err));
    o->n = qns_source_count(s->source);
    o->seconds = qns_ui_now() - start;
    return QNS_OK;
}

/* All outputs of the graph, as a capture. */
static qns_status write_h5(const run_args *a, qns_session *s, qns_err *err)
{
    const qns_graph *g = qns_model_graph(s->model);
    const char *name[QNS_MAX_OUT];
    size_t n = 0;
    for (; n < qns_graph_n_outputs(g) && n < QNS_ARRAY_LEN(name); n++)
        name[n] = qns_graph_value(g, qns_graph_output(g, (uint32_t)n))->origin;
    const qns_capture_opts opts = {.layers = name,
                                   .n_layers = n,
                                   .what = QNS_WHAT_OUTPUTS,
                                   .lanes = s->lanes,
                                   .model = a->model,
                                   .cancelled = qns_ui_cancelled};
    return qns_capture_run(NULL, a->common.out, s->plan, s->source, &opts, err);
}

static void print_rate(const char *name, int64_t hits, int64_t n)
{
    double lo, hi;
    qns_wilson(&lo, &hi, hits, n);
    printf("%-7s %6.2f %%   95 %% interval %.2f .. %.2f   (%" PRId64 " of %" PRId64 ")\n", name,
           100.0 * (double)hits / (double)n, 100 * lo, 100 * hi, hits, n);
}

static void print_text(const outcome *o, const qns_session *s, bool labels)
{
    if (labels && o->acc.n) {
        print_rate("top-1", o->acc.top1, o->acc.n);
        if (qns_tensor_count(&s->out[0]) > 5)
            print_rate("top-5", o->acc.top5, o->acc.n);
        if (o->acc.ties)
            printf("ties    %6.2f %%   of the samples share their highest score; the first class "
                   "counts\n",
                   100.0 * (double)o->acc.ties / (double)o->acc.n);
    }
    if (o->nonfinite)
        printf("warning: %" PRId64 " output values are NaN or infinite\n", o->nonfinite);
    printf("%" PRId64 " samples in %.2f s, %.3f ms each\n", o->n, o->seconds,
           1000 * o->seconds / (double)(o->n ? o->n : 1));
}

static void print_json(const outcome *o, const run_args *a, const qns_session *s, bool labels)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:I, s:f, s:I}", "qns", QNS_VERSION_TEXT, "kind", "run",
                          "model", a->model, "samples", (json_int_t)o->n, "seconds", o->seconds,
                          "nonfinite_outputs", (json_int_t)o->nonfinite);
    json_object_set_new(j, "quantized", json_boolean(qns_model_is_quantized(s->model)));
    if (labels && o->acc.n) {
        double lo, hi;
        qns_wilson(&lo, &hi, o->acc.top1, o->acc.n);
        json_object_set_new(j, "top1", json_real((double)o->acc.top1 / (double)o->acc.n));
        json_object_set_new(j, "top1_interval", json_pack("[f, f]", lo, hi));
        json_object_set_new(j, "top5", json_real((double)o->acc.top5 / (double)o->acc.n));
        json_object_set_new(j, "ties", json_integer(o->acc.ties));
    }
    json_dumpf(j, stdout, JSON_INDENT(2));
    printf("\n");
    json_decref(j);
}

static int run(int argc, char **argv)
{
    run_args a = {0};
    qns_session s = {0};
    qns_err err = {0};
    outcome o = {0};
    qns_npy_stream *w = NULL;
    qns_progress bar;
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "run", a.common.quiet);
    QNS_TRY_DONE(qns_session_open_lanes(&s, a.model, a.backend, &a.common, &a.data, &err));
    const bool npy = a.common.out && qns_has_suffix(a.common.out, ".npy");
    if (a.common.out && !npy && !qns_has_suffix(a.common.out, ".h5"))
        QNS_FAIL_DONE(&err, CONFIG, "'-o %s': outputs are written as .npy or .h5", a.common.out);
    if (npy)
        QNS_TRY_DONE(qns_npy_stream_create(&w, a.common.out, &s.out[0].shape, &err));
    QNS_TRY_DONE(run_all(&o, &s, w, &bar, &err));
    if (w)
        QNS_TRY_DONE(qns_npy_stream_commit(w, &err));
    else if (a.common.out)
        QNS_TRY_DONE(write_h5(&a, &s, &err));
    qns_progress_end(&bar);
    const bool labels = qns_source_labels(s.source) != NULL;
    if (a.common.json)
        print_json(&o, &a, &s, labels);
    else if (!a.common.quiet)
        print_text(&o, &s, labels);
done:
    qns_progress_end(&bar);
    qns_npy_stream_free(w);
    qns_session_close(&s);
    return st == QNS_OK ? (o.nonfinite ? QNS_EXIT_BAD_DATA : QNS_EXIT_OK) : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_run;
const qns_cmd qns_cmd_run = {"run",         "MODEL -d DATA", "run a model; accuracy with labels",
                             "look closer", &argp,           run};
