/* SPDX-License-Identifier: MIT */
#include "tools/two_models.h"

enum { KEY_BACKEND = 5000 };

static const struct argp_option options[] = {
    {"backend", KEY_BACKEND, "NAME", 0,
     "run the quantized model as fbgemm, fbgemm-avx2, fbgemm-vnni, qnnpack or onnxruntime", 1},
    {0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    if (key != KEY_BACKEND)
        return ARGP_ERR_UNKNOWN;
    ((qns_two_args *)state->input)->backend = arg;
    return 0;
}

const struct argp qns_two_argp = {.options = options, .parser = parse};

void qns_two_take(struct argp_state *state, qns_two_args *a, const char *arg)
{
    if (a->n == 2)
        argp_error(state, "two models, please; '%s' is a third", arg);
    a->model[a->n++] = arg;
}

static qns_shadow_side side_of(const qns_model *m, const qns_common *c, const qns_exec_opts *eo)
{
    return (qns_shadow_side){.graph = qns_model_graph(m),
                             .exec = eo,
                             .file = qns_model_path(m),
                             .model = qns_model_path(m),
                             .backend = qns_model_is_quantized(m) ? qns_model_backend(m)->name : "",
                             .engine = c->engine == QNS_ENGINE_ONEDNN ? "onednn" : "reference"};
}

qns_status qns_two_open(qns_two_models *t, const qns_two_args *a, const qns_data_args *d,
                        const qns_common *c, qns_err *err)
{
    const qns_model_opts ro = qns_model_opts_of(c, NULL), to = qns_model_opts_of(c, a->backend);
    QNS_TRY(qns_model_load(&t->ref, a->model[0], &ro, err));
    QNS_TRY(qns_model_load(&t->test, a->model[1], &to, err));
    QNS_TRY(qns_source_open(&t->source, qns_model_graph(t->ref), d->spec, d->n, d->labels, d->limit,
                            err));
    t->exec[0] = qns_exec_opts_of(c, t->ref);
    t->exec[1] = qns_exec_opts_of(c, t->test);
    t->side[0] = side_of(t->ref, c, &t->exec[0]);
    t->side[1] = side_of(t->test, c, &t->exec[1]);
    return QNS_OK;
}

void qns_two_close(qns_two_models *t)
{
    qns_source_close(t->source);
    qns_model_free(t->test);
    qns_model_free(t->ref);
    *t = (qns_two_models){0};
}
