/* SPDX-License-Identifier: MIT */
/* qns search: which layers to leave in float so that a target is met. */
#include "core/base/mem.h"
#include "reports/render.h"
#include "tools/search_job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_TARGET = 2000,
    KEY_BACKEND,
    KEY_CALIB,
    KEY_VERIFY,
    KEY_STRATEGY,
    KEY_BY,
    KEY_COST,
    KEY_GROUP,
    KEY_GROUPS,
    KEY_EVAL,
    KEY_TIMEOUT,
    KEY_BUDGET,
    KEY_LOG,
    KEY_HTML,
    KEY_SEED
};

static const struct argp_option options[] = {
    {"target", KEY_TARGET, "SPEC", 0,
     "what to reach: output-sqnr>=25, top1-agreement>=0.99, top1-drop<=0.005 (with labels), or "
     "eval>=0.71 with --eval-cmd",
     1},
    {"qconfig", 'q', "FILE.yaml", 0, "rules: observers, presets, what stays in float anyway", 1},
    {"backend", KEY_BACKEND, "NAME", 0,
     "fbgemm (default), fbgemm-avx2, fbgemm-vnni, qnnpack or onnxruntime", 1},
    {"calib", KEY_CALIB, "DATA", 0, "data to calibrate with; default: a quarter of -d", 2},
    {"verify", KEY_VERIFY, "DATA", 0,
     "data to check the answer with, unseen by the search; default: a part of -d", 2},
    {"strategy", KEY_STRATEGY, "NAMES", 0,
     "bisect, greedy, backward, ddmin, or some of them one after the other; default: "
     "bisect,backward",
     3},
    {"by", KEY_BY, "NAME", 0,
     "ranking for bisect and greedy: leave-one-in (default), leave-one-out, local, cumulative or "
     "weight",
     3},
    {"cost", KEY_COST, "NAME", 0,
     "what float layers cost: macs (default), bytes, latency or layers", 3},
    {"group", KEY_GROUP, "GLOB[,GLOB]", 0, "these layers share precision; may be repeated", 3},
    {"groups", KEY_GROUPS, "FILE.yaml", 0, "the same from a file: 'groups: [[NAME, ...], ...]'", 3},
    {"budget", KEY_BUDGET, "N|TIME", 0, "stop after N trials, or 60s, 10m, 2h; best so far", 4},
    {"log", KEY_LOG, "FILE", 0,
     "trials, one a line; read when it is there. Default: the name of -o with .jsonl", 4},
    {"eval-cmd", KEY_EVAL, "COMMAND", 0,
     "a command for the shell that prints a number as its last line; {model} becomes the model's "
     "path, in quotes",
     5},
    {"eval-timeout", KEY_TIMEOUT, "SECONDS", 0,
     "kill the command after that; default 600, 0: never", 5},
    {"html", KEY_HTML, "REPORT.html", 0, "draw the report page", 6},
    {"seed", KEY_SEED, "N", 0, "of the bootstrap; default 1", 6},
    {0},
};

static double parse_seconds(struct argp_state *state, const char *text)
{
    char *end;
    const double v = strtod(text, &end);
    if (end == text || *end || !(v >= 0) || !(v < 1e9))
        argp_error(state, "--eval-timeout takes seconds, not '%s'", text);
    return v;
}

static void check_args(qns_search_args *a, struct argp_state *state)
{
    if (!a->model || a->data.n == 0 || !a->target || !a->common.out)
        argp_error(state,
                   "a float model, data, a target and a file are needed: "
                   "qns search FLOAT.onnx -d DATA --target 'output-sqnr>=25' -o QCONFIG.yaml");
}

/* Options that are kept as they are. */
static const struct {
    int key;
    size_t at;
} texts[] = {
    {KEY_TARGET, offsetof(qns_search_args, target)},
    {'q', offsetof(qns_search_args, qconfig)},
    {KEY_BACKEND, offsetof(qns_search_args, backend)},
    {KEY_CALIB, offsetof(qns_search_args, calib)},
    {KEY_VERIFY, offsetof(qns_search_args, verify)},
    {KEY_STRATEGY, offsetof(qns_search_args, strategy)},
    {KEY_BY, offsetof(qns_search_args, by)},
    {KEY_COST, offsetof(qns_search_args, cost)},
    {KEY_GROUPS, offsetof(qns_search_args, groups_file)},
    {KEY_BUDGET, offsetof(qns_search_args, budget)},
    {KEY_LOG, offsetof(qns_search_args, log)},
    {KEY_EVAL, offsetof(qns_search_args, eval_cmd)},
    {KEY_HTML, offsetof(qns_search_args, html)},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    qns_search_args *a = state->input;
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        if (texts[i].key == key) {
            *(const char **)((char *)a + texts[i].at) = arg;
            return 0;
        }
    switch (key) {
    case ARGP_KEY_INIT:
        qns_model_child_inputs(state, &a->data, &a->common);
        return 0;
    case KEY_TIMEOUT:
        a->eval_timeout = parse_seconds(state, arg);
        return 0;
    case KEY_SEED:
        a->seed = qns_parse_count(state, "--seed", arg, INT64_MAX);
        return 0;
    case KEY_GROUP:
        if (a->n_groups == QNS_SEARCH_MAX_GROUPS)
            argp_error(state, "--group at most %d times; use --groups FILE.yaml",
                       QNS_SEARCH_MAX_GROUPS);
        a->group[a->n_groups++] = arg;
        return 0;
    case ARGP_KEY_ARG:
        qns_take_model(state, &a->model, arg);
        return 0;
    case ARGP_KEY_END:
        check_args(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FLOAT.onnx -d DATA --target SPEC -o QCONFIG.yaml",
    .children = qns_model_children,
    .doc =
        "Find the layers to leave in float so that the quantized model meets a target, at little "
        "cost.\v"
        "-o gets a qconfig.yaml with the skip list, for 'qns quantize -q' and 'qns skiplist'. "
        "The answer is measured on samples that the search did not use. Every trial is logged; "
        "the same command goes on where it was stopped. --json prints a result for 'qns "
        "report', 'qns skiplist' and 'qns inspect'.\n\n"
        "Exit code 0: the target is met. 1: it is not met (the file has the best found), or the "
        "samples of the check refute it.\n\n"
        "Example: qns search model.onnx -d eval.yaml --calib calib.yaml --target "
        "'output-sqnr>=25' -o qconfig.yaml"};

static void print_end(const qns_search_args *a, const qns_search_result *r)
{
    printf("\nwrote %s; log of the trials: %s\n", a->common.out, a->log);
    if (a->html)
        printf("report: %s\n", a->html);
    if (!qns_search_met(r))
        return;
    printf("next: qns quantize %s -d CALIB -q %s -o MIXED.onnx\n", a->model, a->common.out);
    if (qns_search_best(r)->n_units)
        printf("      qns skiplist %s --model %s --to onnxruntime\n", a->common.out, a->model);
}

static qns_status write_result(const qns_search_args *a, qns_search_result *r, qns_err *err)
{
    const qns_any_result any = {.kind = &qns_kind_search, .of = r};
    const qns_report_opts opts = {.width = (uint32_t)qns_ui_width(),
                                  .colour = qns_ui_colour(),
                                  .max_rows = qns_search_best(r)->n_units + 3};
    if (a->html)
        QNS_TRY(qns_report_write_any(a->html, "html", &any, &opts, err));
    if (a->common.json)
        return qns_report_write_any("-", "json", &any, &opts, err);
    if (a->common.quiet)
        return QNS_OK;
    QNS_TRY(qns_report_write_any("-", "text", &any, &opts, err));
    print_end(a, r);
    return QNS_OK;
}

static const char *default_log(qns_arena *arena, const char *out)
{
    qns_str t = {0};
    qns_str_addf(&t, "%s.jsonl", out);
    const char *s = t.failed ? NULL : qns_arena_strdup(arena, qns_str_get(&t));
    qns_str_fini(&t);
    return s;
}

static int run(int argc, char **argv)
{
    qns_search_args a = {.strategy = "bisect,backward",
                         .by = "leave-one-in",
                         .cost = "macs",
                         .eval_timeout = 600,
                         .seed = 1};
    qns_search_job j = {0};
    qns_err err = {0};
    qns_arena *arena = NULL;
    qns_status st = QNS_OK;
    int code = QNS_EXIT_OK;
    QNS_TRY_DONE(qns_arena_create(&arena, &err));
    a.command = qns_search_command(arena, argc, argv); /* before argp sorts them */
    argp_parse(&argp, argc, argv, 0, 0, &a);
    a.log = a.log ? a.log : default_log(arena, a.common.out);
    if (!a.command || !a.log)
        QNS_FAIL_DONE(&err, NOMEM, "out of memory for a name");
    qns_ui_catch_signals();
    QNS_TRY_DONE(qns_search_job_run(&j, &a, &err));
    QNS_TRY_DONE(qns_search_write_qconfig(a.common.out, &j, &err));
    QNS_TRY_DONE(write_result(&a, j.result, &err));
    if (!qns_search_met(j.result) || j.result->check.verdict == QNS_CHECK_REFUTED)
        code = QNS_EXIT_DIFFERENT;
done:
    qns_search_job_fini(&j);
    qns_arena_free(arena);
    return st == QNS_OK ? code : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_search;
const qns_cmd qns_cmd_search = {"search",
                                "FLOAT.onnx -d DATA --target SPEC -o QCONFIG.yaml",
                                "which layers to leave in float so that a target is met",
                                "act on it",
                                &argp,
                                run};
