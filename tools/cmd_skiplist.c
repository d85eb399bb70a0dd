/* SPDX-License-Identifier: MIT */
/* qns skiplist: the layers that stay in float, for another tool. */
#include "core/base/file.h"
#include "ns/skiplist.h"
#include "reports/kind.h"
#include "tools/cmd.h"

#include <stdio.h>
#include <string.h>

typedef struct skiplist_args {
    qns_common common;
    const char *file, *to, *model, *glob[64];
    qns_skip_select which;
    int selections; /* kinds of selection that were given */
    bool list;
} skiplist_args;

enum { KEY_TO = 2000, KEY_MODEL, KEY_WORST, KEY_VERDICT, KEY_LAYERS, KEY_LIST };

static const struct argp_option options[] = {
    {"to", KEY_TO, "FORMAT", 0, "the tool that is to skip the layers", 1},
    {"list-formats", KEY_LIST, 0, 0, "list the formats", 1},
    {"model", KEY_MODEL, "FLOAT.onnx", 0,
     "take names from this model and check them; needed for a qconfig.yaml and for tensor names",
     1},
    {"worst", KEY_WORST, "N", 0, "the N worst layers of the result", 2},
    {"verdict", KEY_VERDICT, "LEVEL", 0, "layers that are bad (default), or watch and bad", 2},
    {"layers", KEY_LAYERS, "GLOB", 0, "layers of this name; may be repeated", 2},
    {0},
};

static void check_args(const skiplist_args *a, struct argp_state *state)
{
    if (a->list)
        return;
    if (!a->file || !a->to)
        argp_error(state, "a file and a format are needed: qns skiplist RESULT.json --to FORMAT");
    if (a->selections > 1)
        argp_error(state, "--worst, --verdict and --layers exclude each other");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    skiplist_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = state->child_inputs[1] = &a->common;
        return 0;
    case KEY_TO:
        a->to = arg;
        return 0;
    case KEY_LIST:
        a->list = true;
        return 0;
    case KEY_MODEL:
        a->model = arg;
        return 0;
    case KEY_WORST:
        a->which.worst = (uint32_t)qns_parse_count(state, "--worst", arg, INT32_MAX);
        if (a->which.worst == 0)
            argp_error(state, "--worst takes a number from 1");
        a->selections++;
        return 0;
    case KEY_VERDICT:
        if (strcmp(arg, "bad") != 0 && strcmp(arg, "watch") != 0)
            argp_error(state, "--verdict takes bad or watch, not '%s'", arg);
        a->which.verdict = strcmp(arg, "bad") == 0 ? QNS_V_BAD : QNS_V_WATCH;
        a->selections++;
        return 0;
    case KEY_LAYERS:
        if (a->which.n_glob == QNS_ARRAY_LEN(a->glob))
            argp_error(state, "--layers at most %zu times", QNS_ARRAY_LEN(a->glob));
        a->selections += a->which.n_glob == 0;
        a->glob[a->which.n_glob++] = arg;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "one file, please; '%s' is a second", arg);
        a->file = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->common.json)
            argp_error(state,
                       "--json is not taken: --to names the format, several of them are JSON");
        check_args(a, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&qns_engine_argp, 0, "Reading models:", 50},
                                             {&qns_common_argp, 0, "Common options:", 90},
                                             {0}};
static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "RESULT.json|QCONFIG.yaml --to FORMAT",
    .children = children,
    .doc = "Write the layers that stay in float for another tool: in its format, by the names it "
           "knows.\vA result gives its worst layers, a qconfig.yaml what its rules "
           "keep in float.\n\n"
           "Example: qns skiplist result.json --model model.onnx --worst 3 --to pytorch-fx"};

static void list_formats(void)
{
    for (const qns_skip_format *f = qns_skip_formats(); f->name; f++)
        printf("%-18s %-7s %-7s %s\n", f->name, f->kind, qns_skip_space_text(f->space), f->what);
}

static qns_status make_list(qns_skiplist **out, const skiplist_args *a, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_model *model = NULL;
    qns_any_result any = {0};
    const qns_result *r = NULL;
    qns_qconfig_set *set = NULL;
    const bool yaml = qns_has_suffix(a->file, ".yaml") || qns_has_suffix(a->file, ".yml");
    const qns_model_opts mo = qns_model_opts_of(&a->common, NULL);
    if (yaml && a->selections)
        QNS_FAIL_DONE(err, CONFIG,
                      "--worst, --verdict and --layers choose from a result, and '%s' "
                      "is a qconfig.yaml",
                      a->file);
    if (yaml && !a->model)
        QNS_FAIL_DONE(err, CONFIG, "the rules of '%s' are about a model: give it with --model",
                      a->file);
    if (yaml)
        QNS_TRY_DONE(qns_qconfig_read(&set, a->file, NULL, err));
    else
        QNS_TRY_DONE(qns_any_load(&any, a->file, err));
    if (!yaml)
        QNS_TRY_DONE(qns_any_layers(&r, &any, err));
    if (a->model)
        QNS_TRY_DONE(qns_model_load(&model, a->model, &mo, err));
    st = yaml ? qns_skiplist_from_qconfig(out, set, model, err)
              : qns_skiplist_from_result(out, r, &a->which, model, err);
    if (st != QNS_OK)
        qns_err_note(err, "%s", a->file);
done:
    qns_qconfig_free(set);
    qns_any_free(&any);
    qns_model_free(model);
    return st;
}

/* What the list does not say itself. */
static void print_notes(const skiplist_args *a, const qns_skip_format *f, const qns_skiplist *l)
{
    if (l->n_layers == 0)
        fprintf(stderr, "qns: the list is empty: no layer of '%s' is to stay in float%s\n", a->file,
                a->selections ? "" : "; --verdict watch and --worst N choose more");
    if (l->n_float)
        fprintf(stderr, "qns: %u chosen layer%s left out: in float already\n", l->n_float,
                l->n_float == 1 ? " is" : "s are");
    if (!l->checked && l->n_layers && f->space != QNS_SKIP_LAYERS)
        fprintf(stderr, "qns: names come from the result, unchecked; --model FLOAT.onnx checks "
                        "them\n");
    for (uint32_t i = 0; i < l->n_layers; i++)
        if (!qns_skip_has_name(f, &l->layer[i]))
            fprintf(stderr, "qns: '%s' (%s) is not in the list: it is no %s\n", l->layer[i].name,
                    l->layer[i].op, qns_skip_space_text(f->space));
}

static int run(int argc, char **argv)
{
    skiplist_args a = {.which.verdict = QNS_V_BAD};
    qns_err err = {0};
    qns_skiplist *list = NULL;
    const qns_skip_format *format;
    qns_str t = {0};
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    a.which.glob = a.glob;
    if (a.list) {
        list_formats();
        return QNS_EXIT_OK;
    }
    QNS_TRY_DONE(qns_skip_format_find(&format, a.to, &err));
    QNS_TRY_DONE(make_list(&list, &a, &err));
    QNS_TRY_DONE(qns_skiplist_write(&t, format, list, &err));
    QNS_TRY_DONE(qns_file_put(a.common.out ? a.common.out : "-", qns_str_get(&t), t.len, &err));
    if (!a.common.quiet)
        print_notes(&a, format, list);
done:
    qns_str_fini(&t);
    qns_skiplist_free(list);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_skiplist;
const qns_cmd qns_cmd_skiplist = {"skiplist",
                                  "RESULT.json|QCONFIG.yaml --to FORMAT",
                                  "the layers to leave in float, for another tool",
                                  "act on it",
                                  &argp,
                                  run};
