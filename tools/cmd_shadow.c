/* SPDX-License-Identifier: MIT */
/* qns shadow: both models side by side over the data, nothing on disk. */
#include "tools/results.h"
#include "tools/two_models.h"
#include "tools/ui.h"

typedef struct shadow_args {
    qns_common common;
    qns_data_args data;
    qns_result_args result;
    qns_two_args two;
    bool per_channel;
} shadow_args;

enum { KEY_PER_CHANNEL = 2000 };

static const struct argp_option options[] = {
    {"per-channel", KEY_PER_CHANNEL, 0, 0, "activations by channel, too, of the worst layers", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    shadow_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->data;
        state->child_inputs[1] = &a->result;
        state->child_inputs[2] = &a->two;
        state->child_inputs[3] = state->child_inputs[4] = &a->common;
        return 0;
    case KEY_PER_CHANNEL:
        a->per_channel = true;
        return 0;
    case ARGP_KEY_ARG:
        qns_two_take(state, &a->two, arg);
        return 0;
    case ARGP_KEY_END:
        if (a->two.n != 2 || a->data.n == 0)
            argp_error(state,
                       "two models and data are needed: qns shadow FLOAT.onnx QUANT.onnx -d DATA");
        qns_results_check_two(state, &a->result);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_data_argp, 0, 0, 10},
                                             {&qns_result_argp, 0, 0, 1},
                                             {&qns_two_argp, 0, 0, 1},
                                             {&qns_engine_argp, 0, "Running models:", 50},
                                             {&qns_common_argp, 0, "Common options:", 90},
                                             {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FLOAT.onnx QUANT.onnx -d DATA",
    .children = children,
    .doc = "Run a float and a quantized model side by side, one pass, nothing on disk: the "
           "cumulative error of every layer, and its local error.\v"
           "Cumulative: each model on its own values, as 'qns compare' of two captures measures "
           "it. Local: the quantized layer on the float model's inputs, quantized as the "
           "quantized model does; only this layer's own error is left. A layer that was left in "
           "float is exact there. -o RESULT.json keeps the result for 'qns "
           "report'.\n\n"
           "Example: qns shadow model.onnx quant.onnx -d eval.yaml --html report.html"};

static qns_status run_shadow(qns_result **r, const shadow_args *a, qns_progress *bar, qns_err *err)
{
    qns_two_models two = {0};
    const qns_shadow_opts opts = {.layers = a->result.layers,
                                  .n_layers = a->result.n_layers,
                                  .n_detail = a->result.n_detail,
                                  .per_channel = a->per_channel,
                                  .force = a->result.force,
                                  .progress = qns_progress_at,
                                  .cancelled = qns_ui_cancelled,
                                  .ctx = bar};
    qns_status st = qns_two_open(&two, &a->two, &a->data, &a->common, err);
    if (st == QNS_OK)
        st = qns_shadow(r, &two.side[0], &two.side[1], two.source, &opts, err);
    qns_two_close(&two);
    return st;
}

static int run(int argc, char **argv)
{
    shadow_args a = {0};
    qns_err err = {0};
    qns_result *r = NULL;
    qns_progress bar;
    qns_status st = QNS_OK;
    int code = QNS_EXIT_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_ui_catch_signals();
    qns_progress_start(&bar, "shadow", a.common.quiet);
    QNS_TRY_DONE(run_shadow(&r, &a, &bar, &err));
    qns_progress_end(&bar);
    QNS_TRY_DONE(qns_results_write(&a.common, &a.result, r, &err));
    code = qns_results_exit_code(&a.result, r);
done:
    qns_progress_end(&bar);
    qns_result_free(r);
    return st == QNS_OK ? code : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_shadow;
const qns_cmd qns_cmd_shadow = {"shadow",
                                "FLOAT.onnx QUANT.onnx -d DATA",
                                "cumulative and local error of every layer, in one pass",
                                "look closer",
                                &argp,
                                run};
