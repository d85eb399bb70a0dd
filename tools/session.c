/* SPDX-License-Identifier: MIT */
#include "tools/session.h"

#include "core/base/mem.h"
#include "core/exec/lanes.h"
#include "qns_version.h"
#include "tools/ui.h"

#include <inttypes.h>

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

static void free_tensors(qns_tensor *t, uint32_t n)
{
    for (uint32_t i = 0; t && i < n; i++)
        qns_free(t[i].data);
    qns_free(t);
}

static qns_status open_session(qns_session *s, const char *model, const char *backend,
                               const qns_common *c, const qns_data_args *d, bool lanes,
                               qns_err *err)
{
    const qns_model_opts mo = qns_model_opts_of(c, backend);
    QNS_TRY(qns_model_load(&s->model, model, &mo, err));
    const qns_graph *g = qns_model_graph(s->model);
    if (d)
        QNS_TRY(qns_source_open(&s->source, g, d->spec, d->n, d->labels, d->limit, err));
    const qns_exec_opts eo = qns_exec_opts_of(c, s->model);
    s->lanes = 1;
    const qns_status st =
        lanes ? qns_lanes_plan(&s->plan, &s->lanes, g, &eo, qns_source_count(s->source), err)
              : qns_plan_create(&s->plan, g, &eo, err);
    if (st != QNS_OK) {
        qns_err_note(err, "'%s'", model);
        return st;
    }
    QNS_TRY(tensors(&s->in, g, qns_graph_n_inputs(g), qns_graph_input, err));
    QNS_TRY(tensors(&s->out, g, qns_graph_n_outputs(g), qns_graph_output, err));
    return qns_new((void **)&s->score, qns_tensor_count(&s->out[0]), sizeof *s->score, err);
}

qns_status qns_session_open(qns_session *s, const char *model, const char *backend,
                            const qns_common *c, const qns_data_args *d, qns_err *err)
{
    return open_session(s, model, backend, c, d, false, err);
}

qns_status qns_session_open_lanes(qns_session *s, const char *model, const char *backend,
                                  const qns_common *c, const qns_data_args *d, qns_err *err)
{
    return open_session(s, model, backend, c, d, true, err);
}

qns_status qns_session_run(qns_session *s, int64_t sample, qns_err *err)
{
    QNS_TRY(qns_source_get(s->in, s->source, sample, err));
    return qns_plan_run(s->out, s->plan, s->in, sample, err);
}

/* ---- all samples ---- */

typedef struct lane {
    qns_plan *plan;
    qns_tensor *in, *out;
} lane;

typedef struct all {
    qns_session *s;
    lane *lane;
    qns_session_see see;
    void *ctx;
} all;

static qns_status fetch(void *ctx, int number, int64_t i, qns_err *err)
{
    const all *a = ctx;
    if (qns_ui_cancelled(NULL))
        QNS_FAIL(err, CANCELLED, "interrupted after %" PRId64 " of %" PRId64 " samples", i,
                 qns_source_count(a->s->source));
    return qns_source_get(a->lane[number].in, a->s->source, i, err);
}

static qns_status run(void *ctx, qns_lanes *lanes, int number, int64_t i, qns_err *err)
{
    const lane *l = &((const all *)ctx)->lane[number];
    (void)lanes;
    return qns_plan_run(l->out, l->plan, l->in, i, err);
}

static qns_status finish(void *ctx, int number, int64_t i, qns_err *err)
{
    const all *a = ctx;
    return a->see ? a->see(a->ctx, a->lane[number].out, i, err) : QNS_OK;
}

/* The first lane has the plan and the tensors of the session. */
static qns_status open_lanes(all *a, qns_err *err)
{
    const qns_session *s = a->s;
    const qns_graph *g = qns_model_graph(s->model);
    QNS_TRY(qns_new((void **)&a->lane, (size_t)s->lanes, sizeof *a->lane, err));
    a->lane[0] = (lane){s->plan, s->in, s->out};
    for (int i = 1; i < s->lanes; i++) {
        lane *l = &a->lane[i];
        QNS_TRY(qns_plan_share(&l->plan, s->plan, err));
        QNS_TRY(tensors(&l->in, g, qns_graph_n_inputs(g), qns_graph_input, err));
        QNS_TRY(tensors(&l->out, g, qns_graph_n_outputs(g), qns_graph_output, err));
    }
    return QNS_OK;
}

static void close_lanes(all *a)
{
    const qns_graph *g = qns_model_graph(a->s->model);
    for (int i = 1; a->lane && i < a->s->lanes; i++) {
        qns_plan_free(a->lane[i].plan);
        free_tensors(a->lane[i].in, qns_graph_n_inputs(g));
        free_tensors(a->lane[i].out, qns_graph_n_outputs(g));
    }
    qns_free(a->lane);
}

qns_status qns_session_run_all(qns_session *s, qns_session_see see, void *ctx, qns_err *err)
{
    all a = {s, NULL, see, ctx};
    const qns_lane_job job = {.ctx = &a,
                              .n = qns_source_count(s->source),
                              .lanes = s->lanes,
                              .fetch = fetch,
                              .run = run,
                              .finish = finish};
    qns_status st = open_lanes(&a, err);
    if (st == QNS_OK)
        st = qns_lanes_run(&job, err);
    close_lanes(&a);
    return st;
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
