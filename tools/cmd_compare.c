/* SPDX-License-Identifier: MIT */
/* qns compare: two captures in, a ranked explanation out. */
#include "ns/compare.h"
#include "reports/render.h"
#include "reports/result_json.h"
#include "tools/cmd.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>

typedef struct compare_args {
    qns_common common;
    const char *file[2], *layers[32], *scripts, *html;
    size_t n_files, n_layers;
    uint32_t n_detail;
    int64_t rows;
    bool allow_incomplete, force;
    int fail_on; /* a qns_verdict_level; -1: never */
} compare_args;

enum {
    KEY_LAYERS = 2000,
    KEY_HTML,
    KEY_DETAIL,
    KEY_ROWS,
    KEY_INCOMPLETE,
    KEY_FORCE,
    KEY_FAIL_ON,
    KEY_SCRIPTS
};

static const struct argp_option options[] = {
    {"html", KEY_HTML, "REPORT.html", 0, "draw the report page", 1},
    {"layers", KEY_LAYERS, "GLOB", 0, "only layers whose name or origin matches; may be repeated",
     1},
    {"rows", KEY_ROWS, "N", 0, "layers in the printed table, worst first; default 20, 0: all", 1},
    {"detail", KEY_DETAIL, "N", 0, "histograms and channels of the worst N layers; default 5", 1},
    {"fail-on", KEY_FAIL_ON, "LEVEL", 0,
     "exit with 1 if any layer's verdict is bad, or watch or worse", 1},
    {"allow-incomplete", KEY_INCOMPLETE, 0, 0, "compare what is there of an interrupted capture",
     1},
    {"force", KEY_FORCE, 0, 0, "compare although the captures are of different inputs or weights",
     1},
    {"plot-scripts", KEY_SCRIPTS, "FOLDER", 0, "keep the gnuplot scripts of the charts", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    compare_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        a->fail_on = -1;
        a->rows = 20;
        return 0;
    case KEY_LAYERS:
        if (a->n_layers == QNS_ARRAY_LEN(a->layers))
            argp_error(state, "--layers at most %zu times", QNS_ARRAY_LEN(a->layers));
        a->layers[a->n_layers++] = arg;
        return 0;
    case KEY_DETAIL:
        a->n_detail = (uint32_t)qns_parse_count(state, "--detail", arg, 1000);
        return 0;
    case KEY_ROWS:
        a->rows = qns_parse_count(state, "--rows", arg, 1000000);
        return 0;
    case KEY_INCOMPLETE:
        a->allow_incomplete = true;
        return 0;
    case KEY_FORCE:
        a->force = true;
        return 0;
    case KEY_HTML:
        a->html = arg;
        return 0;
    case KEY_SCRIPTS:
        a->scripts = arg;
        return 0;
    case KEY_FAIL_ON:
        if (strcmp(arg, "bad") != 0 && strcmp(arg, "watch") != 0)
            argp_error(state, "--fail-on takes bad or watch, not '%s'", arg);
        a->fail_on = strcmp(arg, "bad") == 0 ? QNS_V_BAD : QNS_V_WATCH;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_files == 2)
            argp_error(state, "two captures, please; '%s' is a third", arg);
        a->file[a->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->n_files != 2)
            argp_error(state, "two captures are needed: qns compare FLOAT.h5 QUANT.h5");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_common_argp, 0, "Common options:", 90}, {0}};
static const struct argp argp = {.options = options,
                                 .parser = parse,
                                 .args_doc = "FLOAT.h5 QUANT.h5",
                                 .children = children,
                                 .doc =
                                     "Pair the layers of two captures, measure the error, rank "
                                     "worst first, and say what to do.\v"
                                     "The first file is the reference. Layers are paired by "
                                     "lineage; captures from other frameworks by "
                                     "name. -o RESULT.json keeps the result for 'qns report'; "
                                     "--html REPORT.html draws the page.\n\n"
                                     "Example: qns compare float.h5 quant.h5 --html report.html"};

static void progress(void *ctx, uint32_t done, uint32_t total)
{
    qns_progress_at(ctx, done, total);
}

static bool too_bad(const qns_result *r, int level)
{
    for (uint32_t i = 0; level >= 0 && i < r->n_layers; i++)
        if ((int)r->layer[i].verdict >= level)
            return true;
    return false;
}

/* The command that follows the advice for up to three layers. */
static void print_next(const qns_result *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_ranking && n < 3; i++) {
        const qns_layer *l = &r->layer[r->ranking[i]];
        if (l->verdict == QNS_V_OK || !strstr(l->advice, "keep this layer in float"))
            continue;
        printf("%s --skip '%s'",
               n++ ? " \\\n     " : "next: qns quantize MODEL -d CALIB -o MIXED.onnx", l->name);
    }
    if (n)
        printf("\n");
}

static qns_status write_results(const compare_args *a, const qns_result *r, qns_err *err)
{
    const qns_report_opts opts = {.width = qns_ui_width(),
                                  .colour = qns_ui_colour(),
                                  .max_rows = a->rows ? (uint32_t)a->rows : UINT32_MAX,
                                  .script_dir = a->scripts};
    if (a->common.out)
        QNS_TRY(qns_result_save(a->common.out, r, err));
    if (a->html)
        QNS_TRY(qns_report_write(a->html, "html", r, &opts, err));
    if (a->common.json)
        QNS_TRY(qns_report_write("-", "json", r, &opts, err));
    else if (!a->common.quiet)
        QNS_TRY(qns_report_write("-", "text", r, &opts, err));
    return QNS_OK;
}

static int run(int argc, char **argv)
{
    compare_args a = {0};
    qns_err err = {0};
    qns_result *r = NULL;
    qns_progress bar;
    qns_status st = QNS_OK;
    int code = QNS_EXIT_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_progress_start(&bar, "compare", a.common.quiet);
    const qns_compare_opts opts = {.layers = a.layers,
                                   .n_layers = a.n_layers,
                                   .n_detail = a.n_detail,
                                   .threads = a.common.threads,
                                   .allow_incomplete = a.allow_incomplete,
                                   .force = a.force,
                                   .progress = progress,
                                   .ctx = &bar};
    QNS_TRY_DONE(qns_compare(&r, a.file[0], a.file[1], &opts, &err));
    qns_progress_end(&bar);
    QNS_TRY_DONE(write_results(&a, r, &err));
    if (!a.common.quiet && !a.common.json)
        print_next(r);
    if (a.html && !a.common.quiet && !a.common.json)
        printf("report: %s\n", a.html);
    code = too_bad(r, a.fail_on) ? QNS_EXIT_DIFFERENT : QNS_EXIT_OK;
done:
    qns_progress_end(&bar);
    qns_result_free(r);
    return st == QNS_OK ? code : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_compare;
const qns_cmd qns_cmd_compare = {"compare",
                                 "FLOAT.h5 QUANT.h5",
                                 "rank the layers by their error, and explain",
                                 "the main job",
                                 &argp,
                                 run};
