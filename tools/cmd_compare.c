/* SPDX-License-Identifier: MIT */
/* qns compare: two captures in, a ranked explanation out. */
#include "ns/compare.h"
#include "tools/results.h"
#include "tools/ui.h"

typedef struct compare_args {
    qns_common common;
    qns_result_args result;
    const char *file[2];
    size_t n_files;
    bool allow_incomplete;
} compare_args;

enum { KEY_INCOMPLETE = 2000 };

static const struct argp_option options[] = {
    {"allow-incomplete", KEY_INCOMPLETE, 0, 0, "compare what is there of an interrupted capture",
     1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    compare_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->result;
        state->child_inputs[1] = &a->common;
        return 0;
    case KEY_INCOMPLETE:
        a->allow_incomplete = true;
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

static const struct argp_child children[] = {
    {&qns_result_argp, 0, 0, 1}, {&qns_common_argp, 0, "Common options:", 90}, {0}};
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
    const qns_compare_opts opts = {.layers = a.result.layers,
                                   .n_layers = a.result.n_layers,
                                   .n_detail = a.result.n_detail,
                                   .threads = a.common.threads,
                                   .allow_incomplete = a.allow_incomplete,
                                   .force = a.result.force,
                                   .progress = progress,
                                   .ctx = &bar};
    QNS_TRY_DONE(qns_compare(&r, a.file[0], a.file[1], &opts, &err));
    qns_progress_end(&bar);
    QNS_TRY_DONE(qns_results_write(&a.common, &a.result, r, &err));
    code = qns_results_exit_code(&a.result, r);
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
