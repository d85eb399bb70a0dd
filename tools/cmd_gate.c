/* SPDX-License-Identifier: MIT */
/* qns gate: a stored result and rules in, pass or fail out. */
#include "reports/gate_render.h"
#include "reports/gate_yaml.h"
#include "reports/kind.h"
#include "reports/result_json.h"
#include "tools/cmd.h"
#include "tools/ui.h"

#include <string.h>

typedef struct gate_args {
    qns_common common;
    const char *file, *rules, *baseline, *junit, *sarif, *markdown;
    bool github;
} gate_args;

enum { KEY_RULES = 2000, KEY_BASELINE, KEY_JUNIT, KEY_SARIF, KEY_MARKDOWN, KEY_GITHUB };

static const struct argp_option options[] = {
    {"rules", KEY_RULES, "GATE.yaml", 0, "the limits; docs/gate.md tells the format", 1},
    {"baseline", KEY_BASELINE, "OLD.json", 0,
     "result of an earlier version, for rules with 'change'", 1},
    {"junit", KEY_JUNIT, "FILE.xml", 0, "write the checks as JUnit XML", 1},
    {"sarif", KEY_SARIF, "FILE.sarif", 0, "write what failed as SARIF 2.1.0", 1},
    {"markdown", KEY_MARKDOWN, "FILE.md", 0, "write a summary", 1},
    {"github", KEY_GITHUB, 0, 0, "print annotations for GitHub Actions", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    gate_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_RULES:
        a->rules = arg;
        return 0;
    case KEY_BASELINE:
        a->baseline = arg;
        return 0;
    case KEY_JUNIT:
        a->junit = arg;
        return 0;
    case KEY_SARIF:
        a->sarif = arg;
        return 0;
    case KEY_MARKDOWN:
        a->markdown = arg;
        return 0;
    case KEY_GITHUB:
        a->github = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one result, please; '%s' is a second", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->file || !a->rules)
            argp_error(state, "a result and rules are needed: qns gate RESULT.json --rules "
                              "GATE.yaml");
        if (a->github && a->common.json)
            argp_error(state, "--json and --github both print on standard output; use -o FILE");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_common_argp, 0, "Common options:", 90}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RESULT.json --rules GATE.yaml",
    .children = children,
    .doc =
        "Pass or fail: check a stored result against rules, and against the result of an "
        "earlier version.\v"
        "Results of compare and shadow are judged by layers, output, coverage and findings, three "
        "captures by regression, too; those of sensitivity, search and selftest by sections of "
        "these names.\n\n"
        "Exit codes: 0 passed, 1 regressed, 2 the baseline is of another model or data, 3 the "
        "result is damaged or has NaN, 64 the rules are wrong.\n\n"
        "Example: qns gate result.json --rules gate.yaml --baseline main.json --junit gate.xml"};

static qns_status write_outcome(const gate_args *a, const qns_gate_outcome *g, qns_err *err)
{
    const qns_gate_opts opts = {
        .width = (uint32_t)qns_ui_width(), .colour = qns_ui_colour(), .all = a->common.verbose};
    const struct {
        const char *path, *format;
    } file[] = {{a->junit, "junit"},
                {a->sarif, "sarif"},
                {a->markdown, "markdown"},
                {a->common.out, "json"}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(file); i++)
        if (file[i].path)
            QNS_TRY(qns_gate_write(file[i].path, file[i].format, g, &opts, err));
    if (a->common.json)
        QNS_TRY(qns_gate_write("-", "json", g, &opts, err));
    else if (!a->common.quiet)
        QNS_TRY(qns_gate_write("-", "text", g, &opts, err));
    if (a->github)
        QNS_TRY(qns_gate_write("-", "github", g, NULL, err));
    return QNS_OK;
}

/* Damaged files are told in every report, too: a job that only shows those must not look fine. */
static bool is_damage(const qns_err *err)
{
    return err->code == QNS_E_FORMAT || err->code == QNS_E_DATA || err->code == QNS_E_MISMATCH;
}

static int run(int argc, char **argv)
{
    gate_args a = {0};
    qns_err err = {0}, second = {0};
    qns_arena *arena = NULL;
    qns_any_result r = {0};
    qns_result *base = NULL;
    qns_gate_outcome *g = NULL;
    qns_gate_rules rules;
    qns_status st = QNS_OK;
    int code = QNS_EXIT_OK;
    bool loading = false;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    QNS_TRY_DONE(qns_arena_create(&arena, &err));
    QNS_TRY_DONE(qns_gate_read_rules(&rules, arena, a.rules, &err));
    loading = true;
    QNS_TRY_DONE(qns_any_load(&r, a.file, &err));
    if (a.baseline)
        QNS_TRY_DONE(qns_result_load(&base, a.baseline, &err));
    loading = false;
    QNS_TRY_DONE(qns_gate_run_any(&g, &r, a.file, &rules, base, a.baseline, &err));
    QNS_TRY_DONE(write_outcome(&a, g, &err));
    code = (int)g->verdict;
done:
    if (st != QNS_OK && loading && is_damage(&err) &&
        qns_gate_refuse(&g, &err, a.file, a.rules, &second) == QNS_OK &&
        write_outcome(&a, g, &second) != QNS_OK)
        qns_report_error(&second);
    qns_gate_free(g);
    qns_result_free(base);
    qns_any_free(&r);
    qns_arena_free(arena);
    if (st == QNS_OK)
        return code;
    code = qns_report_error(&err);
    /* Rules that are not YAML are wrong usage; exit code 3 is about the result. */
    return st == QNS_E_FORMAT && !loading ? QNS_EXIT_USAGE : code;
}

extern const qns_cmd qns_cmd_gate;
const qns_cmd qns_cmd_gate = {"gate",
                              "RESULT.json --rules GATE.yaml",
                              "pass or fail in CI: limits, and change against a baseline",
                              "act on it",
                              &argp,
                              run};
