/* SPDX-License-Identifier: MIT */
#include "ns/trial.h"

#include "core/base/mem.h"
#include "core/model/onnx_write.h"
#include "ns/accuracy.h"
#include "ns/compare/metric.h"
#include "ns/trial_internal.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>

qns_status qns_trials_calibrate(qns_trials *t, qns_err *err)
{
    const qns_calibration c = {.samples = t->spec.calib,
                               .exec = t->spec.exec,
                               .progress = t->spec.progress,
                               .cancelled = t->spec.cancelled,
                               .ctx = t->spec.ctx};
    return qns_ranges_calibrate(t->ranges, &c, err);
}

static uint32_t classes_of(const qns_graph *g)
{
    const qns_value *v = qns_graph_value(g, qns_graph_output(g, 0));
    return v->dtype == QNS_F32 && qns_is_class_scores(&v->shape)
               ? (uint32_t)qns_shape_count(&v->shape)
               : 0;
}

static qns_status check_outputs(const qns_graph *g, qns_err *err)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++)
        if (qns_graph_value(g, qns_graph_output(g, i))->dtype == QNS_F32)
            return QNS_OK;
    QNS_FAIL(err, UNSUPPORTED, "no output of the model is float32: there is nothing to measure");
}

/* Every observer that the full set and the sets of one unit ask for is fed in the first pass. */
static qns_status calibrate(qns_trials *t, qns_err *err)
{
    qns_status st = QNS_OK;
    bool *in_float = NULL;
    QNS_TRY(qns_new((void **)&in_float, t->n_units ? t->n_units : 1, sizeof *in_float, err));
    for (uint32_t k = 0; st == QNS_OK && k < 2 * t->n_units; k++) {
        qns_mixed m;
        for (uint32_t i = 0; i < t->n_units; i++)
            in_float[i] = (i == k / 2) == (k % 2 == 0);
        st = qns_mixed_prepare(&m, t, in_float, NULL, err);
        qns_mixed_fini(&m);
    }
    qns_free(in_float);
    return st == QNS_OK ? qns_trials_calibrate(t, err) : st;
}

qns_status qns_trials_create(qns_trials **out, const qns_trials_spec *spec, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_trials *t = NULL;
    qns_mixed all = {0};
    QNS_TRY(check_outputs(spec->fused, err));
    QNS_TRY(qns_new((void **)&t, 1, sizeof *t, err));
    t->spec = *spec;
    t->spec.exec.be = qns_qconfig_backend(spec->set);
    t->classes = classes_of(spec->fused);
    QNS_TRY_DONE(qns_arena_create(&t->arena, err));
    QNS_TRY_DONE(qns_ranges_create(&t->ranges, spec->fused, err));
    QNS_TRY_DONE(qns_mixed_prepare(&all, t, NULL, NULL, err));
    QNS_TRY_DONE(qns_trials_find_units(t, all.decisions, err));
    QNS_TRY_DONE(calibrate(t, err));
    *out = t;
    t = NULL;
done:
    qns_mixed_fini(&all);
    qns_trials_free(t);
    return st;
}

void qns_trials_free(qns_trials *t)
{
    if (!t)
        return;
    qns_ranges_free(t->ranges);
    qns_arena_free(t->arena);
    qns_free(t);
}

uint32_t qns_trials_n(const qns_trials *t)
{
    return t->n_units;
}

const qns_trial_unit *qns_trials_unit(const qns_trials *t, uint32_t i)
{
    assert(i < t->n_units);
    return &t->unit[i];
}

bool qns_trials_classifier(const qns_trials *t)
{
    return t->classes > 0;
}

qns_status qns_trials_write_model(qns_trials *t, const char *path, const bool *in_float,
                                  qns_err *err)
{
    qns_mixed m = {0};
    qns_status st = qns_mixed_make(&m, t, in_float, false, err);
    if (st == QNS_OK)
        st = qns_onnx_write(path, m.qdq, true, err);
    qns_mixed_fini(&m);
    return st;
}

/* ---- running ---- */

typedef struct side {
    qns_plan *plan;
    qns_tensor *out;
} side;

typedef struct running {
    side ref, test;
    qns_tensor *in;
    qns_sums sums;
} running;

static qns_status tensors(qns_tensor **out, const qns_graph *g, uint32_t n,
                          qns_vid (*at)(const qns_graph *, uint32_t), qns_err *err)
{
    QNS_TRY(qns_new((void **)out, n, sizeof **out, err));
    for (uint32_t i = 0; i < n; i++) {
        (*out)[i] = qns_graph_tensor(g, at(g, i));
        (*out)[i].layout = QNS_ROW;
        if (!((*out)[i].data = qns_malloc64(qns_tensor_bytes(&(*out)[i]))))
            QNS_FAIL(err, NOMEM, "cannot get memory for a tensor");
    }
    return QNS_OK;
}

static void free_tensors(qns_tensor *t, uint32_t n)
{
    for (uint32_t i = 0; t && i < n; i++)
        qns_free(t[i].data);
    qns_free(t);
}

static void measure(qns_trial_score *s, running *r, const qns_trials *t, int64_t id, uint8_t *votes)
{
    const qns_graph *g = t->spec.fused;
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++) {
        qns_sums one;
        if (r->ref.out[i].dtype != QNS_F32)
            continue;
        qns_sums_init(&one);
        qns_sums_add(&one, r->ref.out[i].data, r->test.out[i].data,
                     qns_tensor_count(&r->ref.out[i]), NULL);
        qns_sums_merge(&r->sums, &one);
    }
    *votes = 0;
    if (!t->classes)
        return;
    const size_t x = qns_argmax(r->ref.out[0].data, t->classes);
    const size_t y = qns_argmax(r->test.out[0].data, t->classes);
    const bool ref_hit = t->spec.labels && (int64_t)x == t->spec.labels[id];
    const bool hit = t->spec.labels && (int64_t)y == t->spec.labels[id];
    *votes = (uint8_t)((x == y) | ref_hit << 1 | hit << 2);
    s->agree += x == y;
    s->ref_hit += ref_hit;
    s->hit += hit;
}

static qns_status run_samples(qns_trial_score *s, running *r, const qns_trials *t, int64_t first,
                              qns_err *err)
{
    uint8_t votes;
    for (int64_t i = 0; i < s->n; i++) {
        if (t->spec.cancelled && t->spec.cancelled(t->spec.ctx))
            QNS_FAIL(err, CANCELLED, "stopped at sample %" PRId64 " of %" PRId64, i, s->n);
        QNS_TRY(t->spec.eval.get(r->in, t->spec.eval.ctx, first + i, err));
        QNS_TRY(qns_plan_run(r->ref.out, r->ref.plan, r->in, first + i, err));
        QNS_TRY(qns_plan_run(r->test.out, r->test.plan, r->in, first + i, err));
        measure(s, r, t, first + i, &votes);
        if (s->sample)
            s->sample[i] = votes;
    }
    return QNS_OK;
}

static void finish(qns_trial_score *s, const running *r, const qns_trials *t)
{
    unsigned flags = 0;
    s->output_sqnr_db = qns_sqnr_db(&flags, &r->sums);
    s->nonfinite_ref = (int64_t)r->sums.nonfinite_ref;
    s->nonfinite = (int64_t)r->sums.nonfinite_test;
    if (!t->classes)
        s->agree = -1;
    if (!t->classes || !t->spec.labels)
        s->hit = s->ref_hit = -1;
}

qns_status qns_trials_run(qns_trial_score *out, qns_trials *t, const bool *in_float, int64_t first,
                          int64_t n, bool want_samples, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_graph *g = t->spec.fused;
    qns_mixed m = {0};
    running r = {0};
    qns_trial_score s = {.n = n};
    assert(first >= 0 && n > 0 && first + n <= t->spec.eval.n);
    qns_sums_init(&r.sums);
    QNS_TRY_DONE(qns_mixed_make(&m, t, in_float, true, err));
    QNS_TRY_DONE(qns_plan_create(&r.ref.plan, g, &t->spec.exec, err));
    QNS_TRY_DONE(qns_plan_create(&r.test.plan, m.graph, &t->spec.exec, err));
    QNS_TRY_DONE(tensors(&r.in, g, qns_graph_n_inputs(g), qns_graph_input, err));
    QNS_TRY_DONE(tensors(&r.ref.out, g, qns_graph_n_outputs(g), qns_graph_output, err));
    QNS_TRY_DONE(tensors(&r.test.out, g, qns_graph_n_outputs(g), qns_graph_output, err));
    if (want_samples)
        QNS_TRY_DONE(qns_new((void **)&s.sample, (size_t)n, 1, err));
    QNS_TRY_DONE(run_samples(&s, &r, t, first, err));
    finish(&s, &r, t);
    *out = s;
    s.sample = NULL;
done:
    qns_free(s.sample);
    free_tensors(r.in, qns_graph_n_inputs(g));
    free_tensors(r.ref.out, qns_graph_n_outputs(g));
    free_tensors(r.test.out, qns_graph_n_outputs(g));
    qns_plan_free(r.test.plan);
    qns_plan_free(r.ref.plan);
    qns_mixed_fini(&m);
    return st;
}
