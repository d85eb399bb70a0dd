/* SPDX-License-Identifier: MIT */
/* qns bench serve: a model that runs when it is told to, so that another program can time it in
 * turns with other engines (tools/bench/peers). */
#include "tools/bench.h"
#include "tools/ui.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct serve_args {
    qns_bench_opts opts;
    const char *model;
} serve_args;

static error_t parse(int key, char *arg, struct argp_state *state)
{
    serve_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->opts;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->model)
            argp_error(state, "a model is needed: qns bench serve MODEL.onnx -j 1");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_bench_argp, 0, 0, 90}, {0}};
static const struct argp argp = {
    .parser = parse,
    .args_doc = "MODEL.onnx",
    .children = children,
    .doc = "Run a model on request, for programs that time several engines in turns.\vPrints "
           "'ready'. Then, for every line with a number N on standard input, runs the model N "
           "times and prints one line with the milliseconds of each run. Ends with its input. "
           "Only the first number of -j counts.\n\n"
           "Example: echo 10 | qns bench serve quant.onnx -j 1"};

static qns_status answer(qns_bench_model *m, long n, qns_err *err)
{
    for (long i = 0; i < n; i++) {
        const double start = qns_ui_now();
        QNS_TRY(qns_plan_run(m->s.out, m->s.plan, m->s.in, 0, err));
        printf("%s%.4f", i ? " " : "", 1e3 * (qns_ui_now() - start));
    }
    printf("\n");
    fflush(stdout);
    return QNS_OK;
}

static qns_status serve(qns_bench_model *m, qns_err *err)
{
    char line[64], *end;
    printf("ready\n");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        errno = 0;
        const long n = strtol(line, &end, 10);
        if (errno || end == line || (*end && *end != '\n') || n < 1 || n > 1000000)
            QNS_FAIL(err, CONFIG, "a line of standard input is a number of runs, 1 to 1000000");
        QNS_TRY(answer(m, n, err));
    }
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    serve_args a = {0};
    qns_bench_model m = {0};
    qns_err err = {0};
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    QNS_TRY_DONE(qns_bench_model_open(&m, a.model, a.opts.threads[0], &a.opts, 1, &err));
    QNS_TRY_DONE(serve(&m, &err));
done:
    qns_bench_model_close(&m);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

const qns_bench qns_bench_serve_cmd = {"serve", "MODEL.onnx",
                                       "run a model on request, for comparisons with others", run};
