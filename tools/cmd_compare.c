/* SPDX-License-Identifier: MIT */
/* qns compare: two captures in, a ranked explanation out; or three, and what changed. */
#include "core/base/str.h"
#include "ns/compare.h"
#include "reports/regression_json.h"
#include "tools/results.h"
#include "tools/ui.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct compare_args {
    qns_common common;
    qns_result_args result;
    const char *file[3];
    size_t n_files;
    bool allow_incomplete;
    double fdr, min_change; /* NaN: not given */
    int method;             /* -1: not given */
} compare_args;

enum { KEY_INCOMPLETE = 2000, KEY_FDR, KEY_METHOD, KEY_MIN_CHANGE };

static const struct argp_option options[] = {
    {"allow-incomplete", KEY_INCOMPLETE, 0, 0, "compare what is there of an interrupted capture",
     1},
    {"fdr", KEY_FDR, "Q", 0,
     "three captures: share of the called changes that may be chance; default 0.05", 2},
    {"fdr-method", KEY_METHOD, "bh|by", 0,
     "three captures: Benjamini-Hochberg (default), or Benjamini-Yekutieli for any dependence", 2},
    {"min-change", KEY_MIN_CHANGE, "DB", 0,
     "three captures: smaller changes do not count; default 0.1", 2},
    {0},
};

static double number(struct argp_state *state, const char *option, const char *arg, double lo,
                     double hi)
{
    char *end;
    const double v = strtod(arg, &end);
    if (end == arg || *end || !(v >= lo && v <= hi))
        argp_error(state, "%s takes a number from %g to %g, not '%s'", option, lo, hi, arg);
    return v;
}

/* Options of the one view do not fit the other. */
static void check_files(const compare_args *a, struct argp_state *state)
{
    const char *level = a->result.fail_text;
    const bool of_two = level && (strcmp(level, "bad") == 0 || strcmp(level, "watch") == 0);
    if (a->n_files < 2)
        argp_error(state, "two captures are needed: qns compare FLOAT.h5 QUANT.h5; or three: "
                          "FLOAT.h5 OLD.h5 NEW.h5");
    if (a->n_files == 2 && (!isnan(a->fdr) || !isnan(a->min_change) || a->method >= 0))
        argp_error(state,
                   "--fdr, --fdr-method and --min-change are for three captures: qns compare "
                   "FLOAT.h5 OLD.h5 NEW.h5");
    if (a->n_files == 2)
        qns_results_check_two(state, &a->result);
    if (level && a->n_files == 3 && of_two)
        argp_error(state,
                   "--fail-on %s is for two captures; three take regressed, unmatched or "
                   "never",
                   level);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    compare_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->result;
        state->child_inputs[1] = &a->common;
        a->fdr = a->min_change = NAN;
        a->method = -1;
        return 0;
    case KEY_INCOMPLETE:
        a->allow_incomplete = true;
        return 0;
    case ARGP_KEY_ARG:
        if (a->n_files == 3)
            argp_error(state, "at most three captures, please; '%s' is a fourth", arg);
        a->file[a->n_files++] = arg;
        return 0;
    case ARGP_KEY_END:
        check_files(a, state);
        return 0;
    case KEY_FDR:
        a->fdr = number(state, "--fdr", arg, 1e-9, 1);
        return 0;
    case KEY_MIN_CHANGE:
        a->min_change = number(state, "--min-change", arg, 0, 1000);
        return 0;
    case KEY_METHOD:
        if (strcmp(arg, "bh") != 0 && strcmp(arg, "by") != 0)
            argp_error(state, "--fdr-method takes bh or by, not '%s'", arg);
        a->method = strcmp(arg, "by") == 0 ? QNS_FDR_BY : QNS_FDR_BH;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&qns_result_argp, 0, 0, 1}, {&qns_common_argp, 0, "Common options:", 90}, {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FLOAT.h5 QUANT.h5 [NEW.h5]",
    .children = children,
    .doc = "Pair the layers of two captures, measure the error, rank "
           "worst first, and say what to do.\v"
           "The first file is the reference. Layers are paired by "
           "lineage; captures from other frameworks by "
           "name. -o RESULT.json keeps the result for 'qns report'; "
           "--html REPORT.html draws the page.\n\n"
           "Three captures: FLOAT.h5 OLD.h5 NEW.h5. Which layers regressed, "
           "improved or lost their partner, tested sample by sample; exit code "
           "1 when something regressed.\n\n"
           "Example: qns compare float.h5 quant.h5 --html report.html\n"
           "         qns compare float.h5 main.h5 branch.h5"};

static void progress(void *ctx, uint32_t done, uint32_t total)
{
    qns_progress_at(ctx, done, total);
}

/* What to look at next. */
static void add_next(qns_str *t, const compare_args *a, const qns_regression *r)
{
    for (uint32_t i = 0; i < r->n_findings; i++)
        if (strcmp(r->finding[i].code, "BEGINS_HERE") == 0) {
            qns_str_addf(t, "next: qns compare %s %s --layers '%s' --html why.html\n", a->file[0],
                         a->file[2], r->finding[i].subject);
            return;
        }
}

static qns_status compare_three(int *code, const compare_args *a, qns_progress *bar, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_regression *r = NULL;
    qns_str next = {0};
    const char *level = a->result.fail_text ? a->result.fail_text : "unmatched";
    const qns_regress_opts opts = {.layers = a->result.layers,
                                   .n_layers = a->result.n_layers,
                                   .threads = a->common.threads,
                                   .allow_incomplete = a->allow_incomplete,
                                   .force = a->result.force,
                                   .fdr = isnan(a->fdr) ? 0 : a->fdr,
                                   .min_change_db = a->min_change,
                                   .method = a->method == QNS_FDR_BY ? QNS_FDR_BY : QNS_FDR_BH,
                                   .progress = progress,
                                   .ctx = bar};
    QNS_TRY_DONE(qns_regress(&r, a->file[0], a->file[1], a->file[2], &opts, err));
    qns_progress_end(bar);
    add_next(&next, a, r);
    const qns_any_result any = qns_any_of_regression(r);
    QNS_TRY_DONE(qns_results_write_any(&a->common, &a->result, &any, qns_str_get(&next), err));
    const bool worse = qns_regression_is_worse(r) ||
                       (strcmp(level, "unmatched") == 0 && r->n[QNS_NEWLY_UNMATCHED] > 0);
    *code = worse && strcmp(level, "never") != 0 ? QNS_EXIT_DIFFERENT : QNS_EXIT_OK;
done:
    qns_str_fini(&next);
    qns_regression_free(r);
    return st;
}

static qns_status compare_two(int *code, const compare_args *a, qns_progress *bar, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_result *r = NULL;
    const qns_compare_opts opts = {.layers = a->result.layers,
                                   .n_layers = a->result.n_layers,
                                   .n_detail = a->result.n_detail,
                                   .threads = a->common.threads,
                                   .allow_incomplete = a->allow_incomplete,
                                   .force = a->result.force,
                                   .progress = progress,
                                   .ctx = bar};
    QNS_TRY_DONE(qns_compare(&r, a->file[0], a->file[1], &opts, err));
    qns_progress_end(bar);
    QNS_TRY_DONE(qns_results_write(&a->common, &a->result, r, err));
    *code = qns_results_exit_code(&a->result, r);
done:
    qns_result_free(r);
    return st;
}

static int run(int argc, char **argv)
{
    compare_args a = {0};
    qns_err err = {0};
    qns_progress bar;
    int code = QNS_EXIT_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    qns_progress_start(&bar, "compare", a.common.quiet);
    const qns_status st =
        a.n_files == 3 ? compare_three(&code, &a, &bar, &err) : compare_two(&code, &a, &bar, &err);
    qns_progress_end(&bar);
    return st == QNS_OK ? code : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_compare;
const qns_cmd qns_cmd_compare = {"compare",
                                 "FLOAT.h5 QUANT.h5 [NEW.h5]",
                                 "rank the layers by their error, and explain",
                                 "the main job",
                                 &argp,
                                 run};
