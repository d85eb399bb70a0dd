/* SPDX-License-Identifier: MIT */
/* qns inspect: what is in a file. The kind is told by the first bytes, not by the name. */
#include "tools/cmd.h"
#include "tools/inspect.h"

#include <stdio.h>
#include <string.h>

typedef struct inspect_args {
    qns_common common;
    qns_data_args data;
    const char *qconfig;
    bool observers;
    char **file;
    int n;
} inspect_args;

enum { KEY_OBSERVERS = 2000 };

static const struct argp_option options[] = {
    {"observers", KEY_OBSERVERS, 0, 0,
     "calibrate a float model with -d and tell what every observer saw", 1},
    {"qconfig", 'q', "FILE.yaml", 0, "with --observers: rules, presets, observers", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    inspect_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        qns_model_child_inputs(state, &a->data, &a->common);
        return 0;
    case KEY_OBSERVERS:
        a->observers = true;
        return 0;
    case 'q':
        a->qconfig = arg;
        return 0;
    case ARGP_KEY_ARGS:
        a->file = state->argv + state->next;
        a->n = state->argc - state->next;
        return 0;
    case ARGP_KEY_END:
        if (a->observers != (a->data.n > 0) || (a->qconfig && !a->observers))
            argp_error(state, "--observers needs calibration data, and they need it: "
                              "qns inspect MODEL --observers -d CALIB [-q QCONFIG]");
        if (a->common.out)
            argp_error(state,
                       "-o is not taken: redirect what is printed, with --json for programs");
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "a file is needed: qns inspect FILE...");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {
    .options = options,
    .parser = parse,
    .args_doc = "FILE...",
    .children = qns_model_children,
    .doc = "Tell what is in a model, data file, capture or result: inputs, operators, parameters, "
           "multiply-adds, quantized share, scales, identity.\v"
           "--verbose lists every layer.\n\nExample: qns inspect quant.onnx float.h5"};

/* "" when the file cannot be opened: the reader then says why. */
static void first_bytes(char head[16], const char *path)
{
    FILE *f = fopen(path, "rb");
    memset(head, 0, 16);
    if (f && fread(head, 1, 15, f) == 0)
        head[0] = 0;
    if (f)
        fclose(f);
}

static qns_status inspect(json_t *json, const char *path, const qns_common *c, qns_err *err)
{
    char head[16];
    first_bytes(head, path);
    if (memcmp(head, "\x89HDF\r\n\x1a\n", 8) == 0)
        return qns_inspect_capture(json, path, c, err);
    if (memcmp(head, "\x93NUMPY", 6) == 0 || memcmp(head, "PK\x03\x04", 4) == 0)
        return qns_inspect_data(json, path, c, err);
    if (head[strspn(head, " \t\r\n")] == '{')
        return qns_inspect_result(json, path, c, err);
    return qns_inspect_model(json, path, c, err);
}

static int run(int argc, char **argv)
{
    inspect_args a = {0};
    qns_err err = {0};
    qns_status st = QNS_OK;
    argp_parse(&argp, argc, argv, 0, 0, &a);
    json_t *json = a.common.json ? json_array() : NULL;
    for (int i = 0; i < a.n && st == QNS_OK; i++) {
        if (i > 0 && !json)
            printf("\n");
        st = a.observers
                 ? qns_inspect_observers(json, a.file[i], &a.common, &a.data, a.qconfig, &err)
                 : inspect(json, a.file[i], &a.common, &err);
    }
    if (json && st == QNS_OK) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        printf("\n");
    }
    json_decref(json);
    return st == QNS_OK ? QNS_EXIT_OK : qns_report_error(&err);
}

extern const qns_cmd qns_cmd_inspect;
const qns_cmd qns_cmd_inspect = {
    "inspect",     "FILE...", "what is in a model, data file, capture or result",
    "look closer", &argp,     run};
