/* SPDX-License-Identifier: MIT */
#include "tools/session.h"

#include "core/base/mem.h"
#include "qns_version.h"

const char *qns_version_text(void)
{
    return QNS_VERSION;
}

static qns_status tensors(qns_tensor **out, const qns_graph *g, uint32_t n,
                          qns_vid (*at)(const qns_graph *, uint32_t), qns_err *err)
{
    QNS_TRY(qns_new((void **)out, n, sizeof **out, err));
    for (uint32_t i = 0; i < n; i++) {
        (*out)[i] = qns_graph_tensor(g, at(g, i));
        (*out)[i].layout = QNS_ROW;
        (*out)[i].data = qns_malloc64(qns_tensor_bytes(&(*out)[i]));
        if (!(*out)[i].data)
            QNS_FAIL(err, NOMEM, "cannot get memory for a tensor of shape %s",
                     qns_shape_str(&(*out)[i].shape).s);
    }
    return QNS_OK;
}

qns_status qns_session_open(qns_session *s, const char *model, const char *backend,
                            const qns_common *c, const qns_data_args *d, qns_err *err)
{
    const qns_model_opts mo = qns_model_opts_of(c, backend);
    QNS_TRY(qns_model_load(&s->model, model, &mo, err));
    const qns_graph *g = qns_model_graph(s->model);
    if (d)
        QNS_TRY(qns_source_open(&s->source, g, d->spec, d->n, d->labels, d->limit, err));
    const qns_exec_opts eo = qns_exec_opts_of(c, s->model);
    const qns_status st = qns_plan_create(&s->plan, g, &eo, err);
    if (st != QNS_OK) {
        qns_err_note(err, "'%s'", model);
        return st;
    }
    QNS_TRY(tensors(&s->in, g, qns_graph_n_inputs(g), qns_graph_input, err));
    QNS_TRY(tensors(&s->out, g, qns_graph_n_outputs(g), qns_graph_output, err));
    return qns_new((void **)&s->score, qns_tensor_count(&s->out[0]), sizeof *s->score, err);
}

qns_status qns_session_run(qns_session *s, int64_t sample, qns_err *err)
{
    QNS_TRY(qns_source_get(s->in, s->source, sample, err));
    return qns_plan_run(s->out, s->plan, s->in, sample, err);
}

static void free_tensors(qns_tensor *t, uint32_t n)
{
    for (uint32_t i = 0; t && i < n; i++)
        qns_free(t[i].data);
    qns_free(t);
}

void qns_session_close(qns_session *s)
{
    if (s->model) {
        free_tensors(s->in, qns_graph_n_inputs(qns_model_graph(s->model)));
        free_tensors(s->out, qns_graph_n_outputs(qns_model_graph(s->model)));
    }
    qns_free(s->score);
    qns_plan_free(s->plan);
    qns_source_close(s->source);
    qns_model_free(s->model);
    *s = (qns_session){0};
}
