/* SPDX-License-Identifier: MIT */
/* The options that every command, or every command with data, understands. */
#include "kernels/cpu.h"
#include "tools/cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int64_t qns_parse_count(struct argp_state *state, const char *option, const char *text, int64_t max)
{
    char *end;
    errno = 0;
    const long long v = strtoll(text, &end, 10);
    if (errno || end == text || *end || v < 0 || v > max)
        argp_error(state, "%s takes a number from 0 to %" PRId64 ", not '%s'", option, max, text);
    return v;
}

void qns_take_text(struct argp_state *state, const char *option, const char **list, size_t *n,
                   size_t max, const char *arg)
{
    if (*n == max)
        argp_error(state, "%s at most %zu times", option, max);
    list[(*n)++] = arg;
}

enum {
    KEY_JSON = 1000,
    KEY_QUIET,
    KEY_VERBOSE,

    KEY_ENGINE,
    KEY_ISA,
    KEY_DIM,
    KEY_LABELS,
    KEY_LIMIT
};

static const struct argp_option common_options[] = {
    {"threads", 'j', "N", 0, "threads; default: all cores", 90},
    {"json", KEY_JSON, 0, 0, "print the result as JSON on standard output", 90},
    {"output", 'o', "FILE", 0, "write the result to FILE", 90},
    {"quiet", KEY_QUIET, 0, 0, "no progress, no summary", 90},
    {"verbose", KEY_VERBOSE, 0, 0, "say more", 90},
    {0},
};

static qns_engine parse_engine(struct argp_state *state, const char *arg)
{
    if (strcmp(arg, "onednn") != 0 && strcmp(arg, "reference") != 0)
        argp_error(state, "--float-engine takes onednn or reference, not '%s'", arg);
    return strcmp(arg, "onednn") == 0 ? QNS_ENGINE_ONEDNN : QNS_ENGINE_REFERENCE;
}

static unsigned parse_isa(struct argp_state *state, const char *arg)
{
    unsigned mask = ~0u;
    if (!qk_cpu_mask_of(&mask, arg))
        argp_error(state, "--isa takes scalar, avx2, vnni or all, not '%s'", arg);
    return mask;
}

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
    qns_common *c = state->input;
    switch (key) {
    case ARGP_KEY_INIT: /* before any option of any parser is read */
        *c = (qns_common){.cpu_mask = ~0u};
        return 0;
    case 'j':
        c->threads = (int)qns_parse_count(state, "-j", arg, 1024);
        return 0;
    case 'o':
        c->out = arg;
        return 0;
    case KEY_JSON:
        c->json = true;
        return 0;
    case KEY_QUIET:
        c->quiet = true;
        return 0;
    case KEY_VERBOSE:
        c->verbose = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp qns_common_argp = {.options = common_options, .parser = parse_common};

static const struct argp_option engine_options[] = {
    {"dim", KEY_DIM, "NAME=N", 0, "value of a symbolic axis of the model", 50},
    {"float-engine", KEY_ENGINE, "NAME", 0,
     "onednn (default) or reference: slow, the same bits everywhere", 50},
    {"isa", KEY_ISA, "NAME", 0, "scalar, avx2, vnni or all (default): speed only, never results",
     50},
    {0},
};

/* Initialized by the common parser, which every command has. */
static error_t parse_engine_option(int key, char *arg, struct argp_state *state)
{
    qns_common *c = state->input;
    switch (key) {
    case KEY_ENGINE:
        c->engine = parse_engine(state, arg);
        return 0;
    case KEY_ISA:
        c->cpu_mask = parse_isa(state, arg);
        return 0;
    case KEY_DIM:
        if (c->n_dim == QNS_ARRAY_LEN(c->dim) || !strchr(arg, '='))
            argp_error(state, "--dim takes NAME=N, at most %zu times", QNS_ARRAY_LEN(c->dim));
        c->dim[c->n_dim++] = arg;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp qns_engine_argp = {.options = engine_options, .parser = parse_engine_option};

static const struct argp_option data_options[] = {
    {"data", 'd', "DATA", 0,
     "input samples: FILE.npy, FILE.npz, FILE.h5, data.yaml, or INPUT=FILE repeated", 10},
    {"labels", KEY_LABELS, "FILE.npy", 0, "class numbers, one for each sample", 10},
    {"limit", KEY_LIMIT, "N", 0, "only the first N samples", 10},
    {0},
};

static error_t parse_data(int key, char *arg, struct argp_state *state)
{
    qns_data_args *d = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *d = (qns_data_args){0};
        return 0;
    case 'd':
        if (d->n == QNS_ARRAY_LEN(d->spec))
            argp_error(state, "-d at most %zu times", QNS_ARRAY_LEN(d->spec));
        d->spec[d->n++] = arg;
        return 0;
    case KEY_LABELS:
        d->labels = arg;
        return 0;
    case KEY_LIMIT:
        d->limit = qns_parse_count(state, "--limit", arg, INT64_MAX);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp qns_data_argp = {.options = data_options, .parser = parse_data};

const struct argp_child qns_model_children[] = {{&qns_data_argp, 0, 0, 10},
                                                {&qns_engine_argp, 0, "Running models:", 50},
                                                {&qns_common_argp, 0, "Common options:", 90},
                                                {0}};

void qns_model_child_inputs(struct argp_state *state, qns_data_args *d, qns_common *c)
{
    state->child_inputs[0] = d;
    state->child_inputs[1] = state->child_inputs[2] = c;
}

void qns_take_model(struct argp_state *state, const char **model, const char *arg)
{
    if (*model)
        argp_error(state, "one model, please; '%s' is a second", arg);
    *model = arg;
}

qns_model_opts qns_model_opts_of(const qns_common *c, const char *backend)
{
    return (qns_model_opts){.onnx = {.dim = c->dim, .n_dim = c->n_dim}, .backend = backend};
}

qns_exec_opts qns_exec_opts_of(const qns_common *c, const qns_model *m)
{
    return (qns_exec_opts){.be = qns_model_backend(m),
                           .engine = c->engine,
                           .cpu_mask = c->cpu_mask,
                           .threads = c->threads};
}
