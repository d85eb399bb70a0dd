/* SPDX-License-Identifier: MIT */
#include "tools/quant_args.h"

#include <string.h>

enum { KEY_BACKEND = 4000, KEY_SKIP, KEY_PRESET, KEY_DYNAMIC, KEY_FLOAT16 };

static const struct argp_option options[] = {
    {"qconfig", 'q', "FILE.yaml", 0, "rules: observers, presets, what stays in float", 1},
    {"backend", KEY_BACKEND, "NAME", 0,
     "fbgemm (x86 servers, default), fbgemm-avx2 or fbgemm-vnni (with the saturation of these "
     "CPUs), qnnpack (ARM)",
     1},
    {"preset", KEY_PRESET, "NAME", 0, "default settings by PyTorch's name; default: the backend's",
     1},
    {"dynamic", KEY_DYNAMIC, 0, 0,
     "int8 weights in linear and recurrent layers, scales of activations found in every run; needs "
     "no data (preset 'dynamic')",
     1},
    {"float16", KEY_FLOAT16, 0, 0,
     "float16 weights in linear and recurrent layers; needs no data (preset 'float16-dynamic')", 1},
    {"skip", KEY_SKIP, "NAME", 0, "keep this layer in float; may be repeated", 1},
    {0},
};

static error_t take_preset(struct argp_state *state, const char *name)
{
    qns_quant_args *a = state->input;
    if (a->preset && strcmp(a->preset, name) != 0)
        argp_error(state, "--preset, --dynamic and --float16 exclude each other");
    a->preset = name;
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
    qns_quant_args *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        *a = (qns_quant_args){0};
        return 0;
    case 'q':
        a->qconfig = arg;
        return 0;
    case KEY_BACKEND:
        a->backend = arg;
        return 0;
    case KEY_PRESET:
        return take_preset(state, arg);
    case KEY_DYNAMIC:
        return take_preset(state, "dynamic");
    case KEY_FLOAT16:
        return take_preset(state, "float16-dynamic");
    case KEY_SKIP:
        if (a->n_skip == QNS_ARRAY_LEN(a->skip))
            argp_error(state, "--skip at most %zu times; use a qconfig.yaml",
                       QNS_ARRAY_LEN(a->skip));
        a->skip[a->n_skip++] = arg;
        return 0;
    case ARGP_KEY_END:
        if (a->preset && a->qconfig)
            argp_error(state, "--preset, --dynamic, --float16 and -q exclude each other: a "
                              "qconfig.yaml has its own 'default'");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp qns_quant_argp = {.options = options, .parser = parse};

qns_status qns_quant_settings(qns_qconfig_set **out, const qns_quant_args *a, qns_err *err)
{
    qns_qconfig_set *set = NULL;
    qns_status st = QNS_OK;
    const qns_backend *be = a->backend ? qns_backend_find(a->backend) : NULL;
    if (a->backend && !be)
        QNS_FAIL(err, NOTFOUND, "unknown backend '%s'; there are %s", a->backend,
                 qns_backend_names());
    if (a->qconfig)
        QNS_TRY(qns_qconfig_read(&set, a->qconfig, be, err));
    else
        QNS_TRY(qns_qconfig_create(&set, be ? be : qns_backend_find("fbgemm"), a->preset, err));
    for (size_t i = 0; i < a->n_skip && st == QNS_OK; i++)
        st = qns_qconfig_skip(set, a->skip[i], err);
    if (st == QNS_OK)
        *out = set;
    else
        qns_qconfig_free(set);
    return st;
}
