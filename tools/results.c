/* SPDX-License-Identifier: MIT */
#include "tools/results.h"

#include "core/base/str.h"
#include "reports/render.h"
#include "tools/ui.h"

#include <stdio.h>
#include <string.h>

enum { KEY_LAYERS = 3000, KEY_HTML, KEY_DETAIL, KEY_ROWS, KEY_FORCE, KEY_FAIL_ON, KEY_SCRIPTS };

static const struct argp_option options[] = {
    {"html", KEY_HTML, "REPORT.html", 0, "draw the report page", 1},
    {"layers", KEY_LAYERS, "GLOB", 0, "only layers whose name or origin matches; may be repeated",
     1},
    {"rows", KEY_ROWS, "N", 0, "layers in the printed table, worst first; default 20, 0: all", 1},
    {"detail", KEY_DETAIL, "N", 0, "histograms and channels of the worst N layers; default 5", 1},
    {"fail-on", KEY_FAIL_ON, "LEVEL", 0,
     "exit with 1 if any layer's verdict is bad, or watch or worse; of three captures: regressed, "
     "unmatched (default, also layers that lost their partner), never",
     1},
    {"force", KEY_FORCE, 0, 0, "compare although the two sides are of different inputs or weights",
     1},
    {"plot-scripts", KEY_SCRIPTS, "FOLDER", 0, "keep the scripts of the charts (gnuplot, dot)", 1},
    {0},
};

static bool is_level(const char *s)
{
    static const char *const level[] = {"bad", "watch", "regressed", "unmatched", "never"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(level); i++)
        if (strcmp(level[i], s) == 0)
            return true;
    return false;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    qns_result_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *a = (qns_result_args){.fail_on = -1, .rows = 20};
        return 0;
    case KEY_LAYERS:
        qns_take_text(state, "--layers", a->layers, &a->n_layers, QNS_ARRAY_LEN(a->layers), arg);
        return 0;
    case KEY_DETAIL:
        a->n_detail = (uint32_t)qns_parse_count(state, "--detail", arg, 1000);
        return 0;
    case KEY_ROWS:
        a->rows = qns_parse_count(state, "--rows", arg, 1000000);
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
        if (!is_level(arg))
            argp_error(state,
                       "--fail-on takes bad or watch; of three captures regressed, "
                       "unmatched or never; not '%s'",
                       arg);
        a->fail_text = arg;
        a->fail_on = strcmp(arg, "bad") == 0 ? QNS_V_BAD : QNS_V_WATCH;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

void qns_results_check_two(struct argp_state *state, const qns_result_args *a)
{
    if (a->fail_text && strcmp(a->fail_text, "bad") != 0 && strcmp(a->fail_text, "watch") != 0)
        argp_error(state, "--fail-on %s is for three captures; here it is bad or watch",
                   a->fail_text);
}

const struct argp qns_result_argp = {.options = options, .parser = parse};

/* The command that follows the advice for up to three layers. */
static void add_next(qns_str *t, const qns_result *r)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->n_ranking && n < 3; i++) {
        const qns_layer *l = &r->layer[r->ranking[i]];
        if (l->verdict == QNS_V_OK || !strstr(l->advice, "keep this layer in float"))
            continue;
        qns_str_addf(t, "%s --skip '%s'",
                     n++ ? " \\\n     " : "next: qns quantize MODEL -d CALIB -o MIXED.onnx",
                     l->name);
    }
    if (n)
        qns_str_add(t, "\n");
}

qns_status qns_results_write_any(const qns_common *c, const qns_result_args *a,
                                 const qns_any_result *r, const char *next, qns_err *err)
{
    const qns_report_opts opts = {.width = qns_ui_width(),
                                  .colour = qns_ui_colour(),
                                  .max_rows = a->rows ? (uint32_t)a->rows : UINT32_MAX,
                                  .script_dir = a->scripts};
    if (c->out)
        QNS_TRY(qns_any_save(c->out, r, err));
    if (a->html)
        QNS_TRY(qns_report_write_any(a->html, "html", r, &opts, err));
    if (c->json)
        return qns_report_write_any("-", "json", r, &opts, err);
    if (c->quiet)
        return QNS_OK;
    QNS_TRY(qns_report_write_any("-", "text", r, &opts, err));
    fputs(next, stdout);
    if (a->html)
        printf("report: %s\n", a->html);
    return QNS_OK;
}

qns_status qns_results_write(const qns_common *c, const qns_result_args *a, const qns_result *r,
                             qns_err *err)
{
    qns_str next = {0};
    const qns_any_result any = qns_any_of(r);
    add_next(&next, r);
    const qns_status st = qns_results_write_any(c, a, &any, qns_str_get(&next), err);
    qns_str_fini(&next);
    return st;
}

int qns_results_exit_code(const qns_result_args *a, const qns_result *r)
{
    for (uint32_t i = 0; a->fail_on >= 0 && i < r->n_layers; i++)
        if ((int)r->layer[i].verdict >= a->fail_on)
            return QNS_EXIT_DIFFERENT;
    return QNS_EXIT_OK;
}
