/* SPDX-License-Identifier: MIT */
/* qns selftest: would the gate notice? Known faults in, what is caught out. */
#include "core/base/mem.h"
#include "core/base/str.h"
#include "reports/gate_yaml.h"
#include "reports/result_json.h"
#include "reports/selftest.h"
#include "tools/results.h"
#include "tools/two_models.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FAULTS = 32 };

typedef struct selftest_args {
    qns_common common;
    qns_data_args data;
    qns_result_args out;
    qns_two_args two;
    const char *rules, *baseline;
    const qns_fault *fault[MAX_FAULTS];
    size_t n_faults;
    uint32_t max_runs;
    bool list;
} selftest_args;

enum { KEY_RULES = 2000, KEY_BASELINE, KEY_LAYERS, KEY_FAULTS, KEY_RUNS, KEY_LIST, KEY_HTML };

static const struct argp_option options[] = {
    {"rules", KEY_RULES, "GATE.yaml", 0, "the gate that is tested; docs/gate.md tells the format",
     1},
    {"baseline", KEY_BASELINE, "RESULT.json", 0,
     "for rules with 'change'; default: the model as it is", 1},
    {"layers", KEY_LAYERS, "GLOB", 0,
     "layers that get faults; may be repeated; default: 4, spread over the depth", 1},
    {"faults", KEY_FAULTS, "LIST", 0, "only these faults, joined by commas", 1},
    {"runs", KEY_RUNS, "N", 0, "at most N shadow runs", 1},
    {"list", KEY_LIST, 0, 0, "list the faults", 1},
    {"html", KEY_HTML, "REPORT.html", 0, "draw the report page", 1},
    {0},
};

static void add_fault(selftest_args *a, struct argp_state *state, const char *name)
{
    const char *names[MAX_FAULTS];
    size_t n = 0;
    const qns_fault *f = qns_fault_find(name);
    for (; qns_faults[n].name; n++)
        names[n] = qns_faults[n].name;
    const int64_t near = f ? -1 : qns_nearest(name, names, n);
    if (!f)
        argp_error(state, "unknown fault '%s'%s%s%s; --list names them", name,
                   near >= 0 ? ", did you mean '" : "", near >= 0 ? names[near] : "",
                   near >= 0 ? "'?" : "");
    for (size_t i = 0; i < a->n_faults; i++)
        if (a->fault[i] == f)
            return;
    a->fault[a->n_faults++] = f;
}

static void add_faults(selftest_args *a, struct argp_state *state, const char *list)
{
    char name[64];
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < 63 ? n : 63), p);
        if (n)
            add_fault(a, state, name);
        p += n + (p[n] == ',');
    }
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    selftest_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->data;
        state->child_inputs[1] = &a->two;
        state->child_inputs[2] = state->child_inputs[3] = &a->common;
        a->out = (qns_result_args){.fail_on = -1};
        return 0;
    case KEY_RULES:
        a->rules = arg;
        return 0;
    case KEY_BASELINE:
        a->baseline = arg;
        return 0;
    case KEY_LAYERS:
        qns_take_text(state, "--layers", a->out.layers, &a->out.n_layers,
                      QNS_ARRAY_LEN(a->out.layers), arg);
        return 0;
    case KEY_FAULTS:
        add_faults(a, state, arg);
        return 0;
    case KEY_RUNS:
        a->max_runs = (uint32_t)qns_parse_count(state, "--runs", arg, 1000000);
        return 0;
    case KEY_LIST:
        a->list = true;
        return 0;
    case KEY_HTML:
        a->out.html = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_two_take(state, &a->two, arg);
        return 0;
    case ARGP_KEY_END:
        if (!a->list && (a->two.n != 2 || a->data.n == 0 || !a->rules))
            argp_error(state, "two models, data and rules are needed: qns selftest FLOAT.onnx "
                              "QUANT.onnx -d DATA --rules GATE.yaml; --list names the faults");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_data_argp, 0, 0, 10},
                                             {&qns_two_argp, 0, 0, 1},
                                             {&qns_engine_argp, 0, "Running models:", 50},
                                             {&qns_common_argp, 0, "Common options:", 90},
                                             {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FLOAT.onnx QUANT.onnx -d DATA --rules GATE.yaml",
    .children = children,
    .doc =
        "Test the gate: put known faults into layers of the quantized model, one at a time, and "
        "tell which of them the rules catch, whether the faulty layer shows first, and whether a "
        "finding names the fault.\v"
        "Exit codes: 0 all faults caught, 1 some missed.\n\n"
        "Example: qns selftest model.onnx quant.onnx -d eval.yaml --limit 20 --rules gate.yaml"};

static qns_status run_selftest(qns_selftest **t, const selftest_args *a, qns_progress *bar,
                               qns_err *err)
{
    qns_status st = QNS_OK;
    qns_two_models two = {0};
    qns_arena *arena = NULL;
    qns_result *base = NULL;
    qns_gate_rules rules;
    QNS_TRY_DONE(qns_arena_create(&arena, err));
    QNS_TRY_DONE(qns_gate_read_rules(&rules, arena, a->rules, err));
    if (a->baseline)
        QNS_TRY_DONE(qns_result_load(&base, a->baseline, err));
    QNS_TRY_DONE(qns_two_open(&two, &a->two, &a->data, &a->common, err));
    if (!qns_model_is_quantized(two.test))
        QNS_FAIL_DONE(err, MISMATCH, "'%s' is a float model; the second model is the quantized one",
                      a->two.model[1]);
    const qns_selftest_opts opts = {.rules = &rules,
                                    .baseline = base,
                                    .baseline_file = a->baseline,
                                    .layers = a->out.layers,
                                    .n_layers = a->out.n_layers,
                                    .faults = a->fault,
                                    .n_faults = a->n_faults,
                                    .max_runs = a->max_runs,
                                    .progress = qns_progress_at,
                                    .cancelled = qns_ui_cancelled,
                                    .ctx = bar};
    QNS_TRY_DONE(qns_selftest_run(t, &two.side[0], &two.side[1], two.source, &opts, err));
done:
    qns_two_close(&two);
    qns_result_free(base);
    qns_arena_free(arena);
    return st;
}

static int list_faults(void)
{
    for (const qns_fault *f = qns_faults; f->name; f++)
        printf("%-17s %s\n", f->name, f->what);
    return QNS_EXIT_OK;
}

static int run(int argc, char **argv)
{
    selftest_args a = {0};
    qns_err err = {0};
    qns_selftest *t = NULL;
    qns_progress bar;
    qns_status st = QNS_OK;
    int code = QNS_EXIT_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    if (a.list)
        return list_faults();
    qns_ui_catch_signals();
    qns_progress_start(&bar, "selftest", a.common.quiet);
    QNS_TRY_DONE(run_selftest(&t, &a, &bar, &err));
    qns_progress_end(&bar);
    const qns_any_result any = qns_any_of_selftest(t);
    QNS_TRY_DONE(qns_results_write_any(&a.common, &a.out, &any, "", &err));
    code = t->caught < t->possible ? QNS_EXIT_DIFFERENT : QNS_EXIT_OK;
done:
    qns_progress_end(&bar);
    qns_selftest_free(t);
    return st == QNS_OK ? code : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_selftest;
const qns_cmd qns_cmd_selftest = {"selftest",
                                  "FLOAT.onnx QUANT.onnx -d DATA --rules GATE.yaml",
                                  "would the gate notice? faults put in on purpose",
                                  "act on it",
                                  &argp,
                                  run};
