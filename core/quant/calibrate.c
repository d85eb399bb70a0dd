/* SPDX-License-Identifier: MIT */
#include "core/quant/calibrate.h"

#include "core/base/mem.h"

#include <inttypes.h>

static qns_status get_from_source(qns_tensor *in, void *ctx, int64_t sample, qns_err *err)
{
    return qns_source_get(in, ctx, sample, err);
}

qns_samples qns_samples_of(qns_source *s)
{
    return (qns_samples){s, qns_source_count(s), get_from_source};
}

typedef struct feeding {
    qns_decisions *d;
    bool record;
} feeding;

static bool records(const feeding *f, const qns_value *v)
{
    return f->record && qns_decisions_value(f->d, v->id)->recorder != QNS_NONE;
}

static bool wants(void *ctx, const qns_value *v)
{
    const feeding *f = ctx;
    return qns_decisions_value(f->d, v->id)->observer != QNS_NONE || records(f, v);
}

static qns_status record(const feeding *f, const qns_value *v, const qns_tensor *t, qns_err *err)
{
    const size_t n = qns_tensor_count(t);
    float *row;
    QNS_TRY(qns_new((void **)&row, n, sizeof *row, err));
    qns_tensor_relayout(row, QNS_ROW, t);
    const qns_status st = qns_decisions_record(f->d, v->id, row, n, err);
    qns_free(row);
    return st;
}

/* Observers of ranges do not care about the order of the numbers, so the layout does not matter. */
static qns_status see(void *ctx, const qns_value *v, const qns_tensor *t, int64_t sample,
                      qns_err *err)
{
    const feeding *f = ctx;
    QNS_TRY(qns_decisions_observe(f->d, v->id, qns_cf32(t), qns_tensor_count(t), err));
    return records(f, v) ? record(f, v, t, err) : QNS_OK;
}

static qns_status make_inputs(qns_tensor **out, const qns_graph *g, qns_err *err)
{
    const uint32_t n = qns_graph_n_inputs(g);
    QNS_TRY(qns_new((void **)out, n, sizeof **out, err));
    for (uint32_t i = 0; i < n; i++) {
        qns_tensor *t = &(*out)[i];
        *t = qns_graph_tensor(g, qns_graph_input(g, i));
        t->layout = QNS_ROW; /* samples are row-major; the plan reorders */
        t->data = qns_malloc64(qns_tensor_bytes(t));
        if (!t->data)
            QNS_FAIL(err, NOMEM, "cannot get %zu bytes for a sample", qns_tensor_bytes(t));
    }
    return QNS_OK;
}

static qns_status run_all(qns_plan *p, const qns_calibration *c, qns_tensor *in, qns_tensor *out,
                          qns_err *err)
{
    for (int64_t s = 0; s < c->samples.n; s++) {
        if (c->cancelled && c->cancelled(c->ctx))
            QNS_FAIL(err, CANCELLED, "calibration stopped after %" PRId64 " of %" PRId64 " samples",
                     s, c->samples.n);
        qns_status st = c->samples.get(in, c->samples.ctx, s, err);
        if (st == QNS_OK)
            st = qns_plan_run(out, p, in, s, err);
        if (st != QNS_OK) {
            qns_err_note(err, "calibration sample %" PRId64, s);
            return st;
        }
        if (c->progress)
            c->progress(c->ctx, s + 1, c->samples.n);
    }
    return QNS_OK;
}

qns_status qns_calibration_run(const qns_graph *g, const qns_tap *tap, const qns_calibration *c,
                               qns_err *err)
{
    qns_status st = QNS_OK;
    qns_plan *plan = NULL;
    qns_tensor *in = NULL, *out = NULL;
    const qns_taps taps = {tap, 1};
    if (c->samples.n <= 0)
        QNS_FAIL(err, DATA, "there are no calibration samples");
    QNS_TRY_DONE(make_inputs(&in, g, err));
    /* Outputs are not needed: their data stays NULL. */
    QNS_TRY_DONE(qns_new((void **)&out, qns_graph_n_outputs(g), sizeof *out, err));
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++) {
        out[i] = qns_graph_tensor(g, qns_graph_output(g, i));
        out[i].layout = QNS_ROW;
        out[i].data = NULL;
    }
    QNS_TRY_DONE(qns_plan_create(&plan, g, &c->exec, err));
    QNS_TRY_DONE(qns_plan_bind(plan, &taps, err));
    QNS_TRY_DONE(run_all(plan, c, in, out, err));
done:
    qns_plan_free(plan);
    for (uint32_t i = 0; in && i < qns_graph_n_inputs(g); i++)
        qns_free(in[i].data);
    qns_free(in);
    qns_free(out);
    return st;
}

qns_status qns_calibrate(qns_decisions *d, const qns_calibration *c, qns_err *err)
{
    feeding f = {d, !c->record_elsewhere};
    const qns_tap tap = {&f, wants, see};
    QNS_TRY(qns_calibration_run(qns_decisions_graph(d), &tap, c, err));
    return qns_decisions_settle(d, c->samples.n, err);
}
