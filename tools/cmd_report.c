/* SPDX-License-Identifier: MIT */
/* qns report: a stored result drawn again. */
#include "reports/render.h"
#include "tools/cmd.h"
#include "tools/ui.h"

#include <string.h>

typedef struct report_args {
    qns_common common;
    const char *file, *format, *scripts;
} report_args;

enum { KEY_FORMAT = 2000, KEY_SCRIPTS };

static const struct argp_option options[] = {
    {"format", KEY_FORMAT, "NAME", 0,
     "html, text or json; default: from the name of the output, else text", 1},
    {"plot-scripts", KEY_SCRIPTS, "FOLDER", 0, "keep the scripts of the charts (gnuplot, dot)", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    report_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_FORMAT:
        if (!qns_render_find(arg))
            argp_error(state, "--format takes html, text or json, not '%s'", arg);
        a->format = arg;
        return 0;
    case KEY_SCRIPTS:
        a->scripts = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one result, please; '%s' is a second", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "a result is needed: qns report RESULT.json -o REPORT.html");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_common_argp, 0, "Common options:", 90}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RESULT.json -o REPORT.html",
    .children = children,
    .doc = "Draw a stored result: one self-contained HTML page, a text table, or JSON.\v"
           "Example: qns report result.json -o report.html"};

/* html unless the name of the output ends like another format. */
static const char *format_of(const report_args *a)
{
    if (a->format)
        return a->format;
    if (a->common.json)
        return "json";
    if (!a->common.out)
        return "text";
    const char *dot = strrchr(a->common.out, '.');
    if (dot && strcmp(dot, ".json") == 0)
        return "json";
    return dot && strcmp(dot, ".txt") == 0 ? "text" : "html";
}

static int run(int argc, char **argv)
{
    report_args a = {0};
    qns_err err = {0};
    qns_any_result r = {0};
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    const char *path = a.common.out ? a.common.out : "-";
    const bool screen = strcmp(path, "-") == 0;
    const qns_report_opts opts = {.width = screen ? qns_ui_width() : 80,
                                  .colour = screen && qns_ui_colour(),
                                  .script_dir = a.scripts};
    QNS_TRY_DONE(qns_any_load(&r, a.file, &err));
    QNS_TRY_DONE(qns_report_write_any(path, format_of(&a), &r, &opts, &err));
done:
    qns_any_free(&r);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_report;
const qns_cmd qns_cmd_report = {"report",
                                "RESULT.json -o REPORT.html",
                                "draw the page of a stored result",
                                "the main job",
                                &argp,
                                run};
