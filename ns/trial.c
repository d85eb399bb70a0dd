/* SPDX-License-Identifier: MIT */
#include "ns/trial.h"

#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/model/onnx_write.h"
#include "core/graph/op.h"
#include "ns/accuracy.h"
#include "ns/trial_internal.h"

#include <assert.h>

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

qns_status qns_trials_make_pool(qns_trials *t, qns_err *err)
{
    QNS_TRY(qns_pool_create(&t->pool, &t->spec.exec, err));
    QNS_TRY(qns_pool_keep(t->pool, t->spec.fused, err));
    return qns_pool_keep(t->pool, t->all.graph, err);
}

/* Layers that the settings change, but not to codes with scales from calibration. */
static uint32_t n_otherwise(const qns_decisions *d)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < qns_graph_n_nodes(qns_decisions_graph(d)); i++) {
        const qns_decision *x = qns_decisions_node(d, (qns_nid){i});
        n +=
            x->choice == QNS_DYNAMIC || x->choice == QNS_F16_ROUND || x->why == QNS_WHY_WEIGHT_ONLY;
    }
    return n;
}

/* Trials switch units between int8 and float; layers of another kind are in every trial as they
 * are. */
static qns_status check_units(const qns_trials *t, qns_err *err)
{
    const uint32_t n = n_otherwise(t->all.decisions);
    if (n == 0)
        return QNS_OK;
    if (t->n_units == 0)
        QNS_FAIL(err, UNSUPPORTED,
                 "the settings make %u layer%s dynamic, float16 or of int8 weights only, and none "
                 "int8: there is nothing to switch between int8 and float; take settings with "
                 "calibrated scales, or look at such a model with 'qns quantize', then 'qns shadow "
                 "FLOAT.onnx QUANT.onnx'",
                 n, n == 1 ? "" : "s");
    qns_log(QNS_LOG_WARN,
            "%u layer%s dynamic, float16 or of int8 weights only: so in every trial, and never "
            "switched to float",
            n, n == 1 ? " is" : "s are");
    return QNS_OK;
}

static qns_status prepare_all(qns_trials *t, qns_err *err)
{
    QNS_TRY(qns_ranges_settle(t->ranges, t->all.decisions, err));
    QNS_TRY(qns_mixed_finish(&t->all, true, err));
    QNS_TRY(qns_trials_make_pool(t, err));
    for (uint32_t i = 0; i < qns_graph_n_nodes(t->spec.fused); i++)
        t->macs +=
            (double)qns_node_macs(t->spec.fused, qns_graph_node(t->spec.fused, (qns_nid){i}));
    return QNS_OK;
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
        if (st == QNS_OK && k % 2)
            t->unit[k / 2].company = qns_decisions_n_int8(m.decisions) == 0;
        qns_mixed_fini(&m);
    }
    qns_free(in_float);
    return st == QNS_OK ? qns_trials_calibrate(t, err) : st;
}

qns_status qns_trials_create(qns_trials **out, const qns_trials_spec *spec, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_trials *t = NULL;
    QNS_TRY(check_outputs(spec->fused, err));
    QNS_TRY(qns_new((void **)&t, 1, sizeof *t, err));
    t->spec = *spec;
    t->spec.exec.be = qns_qconfig_backend(spec->set);
    t->classes = classes_of(spec->fused);
    QNS_TRY_DONE(qns_arena_create(&t->arena, err));
    QNS_TRY_DONE(qns_ranges_create(&t->ranges, spec->fused, err));
    QNS_TRY_DONE(qns_mixed_prepare(&t->all, t, NULL, NULL, err));
    QNS_TRY_DONE(qns_trials_find_units(t, t->all.decisions, err));
    QNS_TRY_DONE(check_units(t, err));
    if (spec->cache) /* one that is not ours is refused before the work */
        QNS_TRY_DONE(qns_trial_cache_open(&t->cache, &t->id, spec->cache, t, err));
    QNS_TRY_DONE(calibrate(t, err));
    QNS_TRY_DONE(prepare_all(t, err));
    *out = t;
    t = NULL;
done:
    qns_trials_free(t);
    return st;
}

void qns_trials_free(qns_trials *t)
{
    if (!t)
        return;
    qns_trial_cache_close(t->cache);
    qns_pool_free(t->pool);
    qns_mixed_fini(&t->all);
    qns_ranges_free(t->ranges);
    qns_free(t->refs.at);
    qns_free(t->refs.known);
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

const qns_trials_spec *qns_trials_spec_of(const qns_trials *t)
{
    return &t->spec;
}

double qns_trials_macs(const qns_trials *t)
{
    return t->macs;
}

qns_trials_float_cost qns_trials_float(const qns_trials *t)
{
    return (qns_trials_float_cost){t->float_samples, t->float_seconds, t->float_worked};
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
