/* SPDX-License-Identifier: MIT */
/* qns bench shadow, qns bench calibrate: what looking costs over the runs that it looks at. */
#include "core/quant/calibrate.h"
#include "core/quant/prepare.h"
#include "ns/shadow.h"
#include "tools/bench_flow.h"

#include <stdio.h>

static const struct argp_child children[] = {{&qns_flow_argp, 0, 0, 0}, {0}};
static const struct argp shadow_argp = {
    .args_doc = "FLOAT.onnx QUANT.onnx -d DATA",
    .children = children,
    .doc =
        "A shadow run with the cumulative and the local error of every layer, beside what it "
        "cannot do without: one run of the float model and two of the quantized one.\vMaking "
        "plans is left out: a sample for each thread is timed, too, and only what the others add "
        "counts.\n\n"
        "Example: qns bench shadow model.onnx quant.onnx -d eval.yaml --limit 16"};
static const struct argp calibrate_argp = {
    .args_doc = "FLOAT.onnx -d DATA",
    .children = children,
    .doc = "Calibration with MinMax and with Histogram observers, beside the plain float run of "
           "the same samples.\vMaking plans is left out: a sample for each thread is timed, too, "
           "and only what the others add counts.\n\n"
           "Example: qns bench calibrate model.onnx -d calib.yaml --limit 32"};

static qns_status get_sample(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    return qns_source_get(in, ctx, sample, err);
}

static qns_shadow_side side_of(const qns_session *s, const qns_exec_opts *eo)
{
    return (qns_shadow_side){
        .graph = qns_model_graph(s->model),
        .exec = eo,
        .backend = qns_model_is_quantized(s->model) ? qns_model_backend(s->model)->name : "",
        .engine = "onednn"};
}

static qns_exec_opts exec_of(const qns_flow *f, size_t model)
{
    qns_common c = f->args->opts.common;
    c.threads = f->threads;
    return qns_exec_opts_of(&c, f->session[model].model);
}

static qns_status shadow(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    const qns_exec_opts re = exec_of(f, 0), te = exec_of(f, 1);
    const qns_shadow_side ref = side_of(&f->session[0], &re), test = side_of(&f->session[1], &te);
    const qns_data_args *d = &f->args->data;
    qns_source *s = NULL;
    qns_result *r = NULL;
    qns_status st = QNS_OK;
    (void)w;
    QNS_TRY_DONE(qns_source_open(&s, ref.graph, d->spec, d->n, NULL, f->samples, err));
    QNS_TRY_DONE(qns_shadow(&r, &ref, &test, s, NULL, err));
done:
    qns_result_free(r);
    qns_source_close(s);
    return st;
}

static qns_status calibrate(qns_flow *f, qns_flow_way *w, qns_err *err)
{
    qns_qconfig_set *set = NULL;
    qns_decisions *d = NULL;
    qns_status st = QNS_OK;
    const qns_calibration c = {.samples = {f->session[0].source, f->samples, get_sample},
                               .exec = exec_of(f, 0)};
    QNS_TRY_DONE(qns_qconfig_create(&set, qns_backend_find("fbgemm"), w->text, err));
    QNS_TRY_DONE(qns_prepare(&d, qns_model_graph(f->session[0].model), set, err));
    QNS_TRY_DONE(qns_calibrate(d, &c, err));
done:
    qns_decisions_free(d);
    qns_qconfig_free(set);
    return st;
}

static qns_status prepare_shadow(qns_flow *f, qns_err *err)
{
    (void)err;
    qns_flow_add(f, "float run", qns_flow_plain);
    qns_flow_add(f, "int8 run", qns_flow_plain)->model = 1;
    qns_flow_add(f, "shadow run", shadow)->fixed_cost = true;
    return QNS_OK;
}

static qns_status prepare_calibrate(qns_flow *f, qns_err *err)
{
    (void)err;
    qns_flow_add(f, "float run", qns_flow_plain);
    qns_flow_way *w = qns_flow_add(f, "MinMax calibration", calibrate);
    w->text = "default_per_channel";
    w->fixed_cost = true;
    w = qns_flow_add(f, "Histogram calibration", calibrate);
    w->text = "fbgemm";
    w->fixed_cost = true;
    return QNS_OK;
}

static qns_status conclude_shadow(qns_flow *f, qns_err *err)
{
    char text[200];
    const double parts =
        qns_flow_per_sample(f, &f->way[0]) + 2 * qns_flow_per_sample(f, &f->way[1]);
    const double ratio = qns_flow_per_sample(f, &f->way[2]) / parts;
    (void)err;
    snprintf(text, sizeof text, "a shadow run takes %.2f x the float run and two int8 runs", ratio);
    qns_flow_say(f, "shadow_over_parts", ratio, text);
    return QNS_OK;
}

static qns_status conclude_calibrate(qns_flow *f, qns_err *err)
{
    static const char *const key[] = {"", "minmax_over_run", "histogram_over_run"};
    char text[200];
    (void)err;
    for (size_t i = 1; i < f->n_ways; i++) {
        const double ratio =
            qns_flow_per_sample(f, &f->way[i]) / qns_flow_per_sample(f, &f->way[0]);
        snprintf(text, sizeof text, "%s takes %.2f x the float run", f->way[i].name, ratio);
        qns_flow_say(f, key[i], ratio, text);
    }
    return QNS_OK;
}

static int run_shadow(int argc, char **argv)
{
    static const qns_flow_plan plan = {prepare_shadow, conclude_shadow, 5};
    qns_flow_args a = {.need = 2, .what = "shadow"};
    argp_parse(&shadow_argp, argc, argv, 0, 0, &a);
    return qns_flow_main(&a, &plan);
}

static int run_calibrate(int argc, char **argv)
{
    static const qns_flow_plan plan = {prepare_calibrate, conclude_calibrate, 5};
    qns_flow_args a = {.need = 1, .what = "calibrate"};
    argp_parse(&calibrate_argp, argc, argv, 0, 0, &a);
    return qns_flow_main(&a, &plan);
}

const qns_bench qns_bench_shadow_cmd = {"shadow", "FLOAT.onnx QUANT.onnx -d DATA",
                                        "a shadow run beside the runs it is made of", run_shadow};
const qns_bench qns_bench_calibrate_cmd = {"calibrate", "FLOAT.onnx -d DATA",
                                           "calibration beside the float run", run_calibrate};
