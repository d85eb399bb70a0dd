/* SPDX-License-Identifier: MIT */
/* Trials, and the long way to the same numbers: a Q/DQ file for every set, read back and run. */
#ifndef QNS_TEST_TRIAL_HELP_H
#define QNS_TEST_TRIAL_HELP_H

#include "core/base/mem.h"
#include "core/model/onnx_write.h"
#include "core/quant/model.h"
#include "core/quant/quantize_model.h"
#include "ns/accuracy.h"
#include "ns/compare/metric.h"
#include "ns/trial.h"
#include "tests/unit/ns/cap_help.h"

enum { MAX_UNITS = 256 };

typedef struct net {
    qns_model *model;
    qns_source *calib, *eval;
    qns_qconfig_set *set;
    qns_trials *trials;
    qns_exec_opts exec;
} net;

static inline qns_trials_spec spec_of(const net *x)
{
    return (qns_trials_spec){.fused = qns_model_graph(x->model),
                             .set = x->set,
                             .calib = qns_samples_of(x->calib),
                             .eval = qns_samples_of(x->eval),
                             .labels = qns_source_labels(x->eval),
                             .exec = x->exec};
}

/* x->set is made by the caller. */
static inline void net_open(net *x, const char *model, const char *calib, const char *eval,
                            int64_t n_calib, int64_t n_eval)
{
    qns_err err;
    x->exec = (qns_exec_opts){.engine = QNS_ENGINE_ONEDNN, .cpu_mask = ~0u};
    OK(qns_model_load(&x->model, model, NULL, &err));
    OK(qns_source_open(&x->calib, qns_model_graph(x->model), &calib, 1, NULL, n_calib, &err));
    OK(qns_source_open(&x->eval, qns_model_graph(x->model), &eval, 1, NULL, n_eval, &err));
}

static inline void net_close(net *x)
{
    qns_trials_free(x->trials);
    qns_qconfig_free(x->set);
    qns_source_close(x->calib);
    qns_source_close(x->eval);
    qns_model_free(x->model);
    *x = (net){0};
}

static inline void quantize(const net *x, const char *path, const bool *in_float)
{
    qns_err err;
    qns_qconfig_set *own;
    qns_graph *qdq;
    const qns_calibration c = {.samples = qns_samples_of(x->calib), .exec = x->exec};
    OK(qns_qconfig_copy(&own, x->set, &err));
    for (uint32_t i = 0; i < qns_trials_n(x->trials); i++)
        for (size_t k = 0; in_float[i] && k < qns_trials_unit(x->trials, i)->n_names; k++)
            OK(qns_qconfig_skip(own, qns_trials_unit(x->trials, i)->names[k], &err));
    OK(qns_quantize(&qdq, NULL, qns_model_graph(x->model), own, &c, &err));
    OK(qns_onnx_write(path, qdq, true, &err));
    qns_graph_free(qdq);
    qns_qconfig_free(own);
}

typedef struct running {
    qns_plan *plan;
    qns_tensor *out;
} running;

/* As the command line runs a file: on the backend that it names. */
static inline running running_of(const net *x, const qns_model *m)
{
    qns_err err;
    running r;
    const qns_graph *g = qns_model_graph(m);
    qns_exec_opts o = x->exec;
    o.be = qns_model_backend(m);
    OK(qns_plan_create(&r.plan, g, &o, &err));
    r.out = calloc(qns_graph_n_outputs(g), sizeof *r.out);
    for (uint32_t i = 0; i < qns_graph_n_outputs(g); i++) {
        r.out[i] = qns_graph_tensor(g, qns_graph_output(g, i));
        r.out[i].layout = QNS_ROW;
        r.out[i].data = qns_malloc64(qns_tensor_bytes(&r.out[i]));
    }
    return r;
}

static inline void running_free(running *r)
{
    for (uint32_t i = 0; i < qns_graph_n_outputs(qns_plan_graph(r->plan)); i++)
        qns_free(r->out[i].data);
    free(r->out);
    qns_plan_free(r->plan);
}

static inline qns_trial_score long_way(const net *x, const char *path, int64_t first, int64_t n)
{
    qns_err err;
    qns_model *m;
    qns_sums all, one;
    qk_table kernels;
    unsigned flags = 0;
    qns_trial_score s = {.n = n};
    const qns_graph *g = qns_model_graph(x->model);
    const int64_t *labels = qns_source_labels(x->eval);
    OK(qns_model_load(&m, path, NULL, &err));
    running ref = running_of(x, x->model), test = running_of(x, m);
    qns_tensor in = qns_graph_tensor(g, qns_graph_input(g, 0));
    in.layout = QNS_ROW;
    in.data = qns_malloc64(qns_tensor_bytes(&in));
    qk_table_init(&kernels, ~0u);
    qns_sums_init(&all);
    for (int64_t i = first; i < first + n; i++) {
        OK(qns_source_get(&in, x->eval, i, &err));
        OK(qns_plan_run(ref.out, ref.plan, &in, i, &err));
        OK(qns_plan_run(test.out, test.plan, &in, i, &err));
        for (uint32_t k = 0; k < qns_graph_n_outputs(g); k++) {
            qns_sums_init(&one);
            qns_sums_add(&one, &kernels, ref.out[k].data, test.out[k].data,
                         qns_tensor_count(&ref.out[k]), NULL);
            qns_sums_merge(&all, &one);
        }
        const size_t classes = qns_tensor_count(&ref.out[0]);
        const size_t a = qns_argmax(ref.out[0].data, classes);
        const size_t b = qns_argmax(test.out[0].data, classes);
        s.agree += a == b;
        s.ref_hit += labels && (int64_t)a == labels[i];
        s.hit += labels && (int64_t)b == labels[i];
    }
    s.output_sqnr_db = qns_sqnr_db(&flags, &all);
    if (!qns_trials_classifier(x->trials))
        s.agree = -1;
    if (!labels || s.agree < 0)
        s.hit = s.ref_hit = -1;
    qns_free(in.data);
    running_free(&ref);
    running_free(&test);
    qns_model_free(m);
    return s;
}

static inline void free_samples(qns_trial_score *s)
{
    qns_free(s->sample);
    qns_free(s->energy);
}

static inline void same_score(const qns_trial_score *a, const qns_trial_score *b, const char *what)
{
    cr_assert_eq(a->n, b->n, "%s", what);
    cr_assert_eq(a->output_sqnr_db, b->output_sqnr_db, "%s: %.17g and %.17g dB", what,
                 a->output_sqnr_db, b->output_sqnr_db);
    cr_assert_eq(a->agree, b->agree, "%s", what);
    cr_assert_eq(a->ref_hit, b->ref_hit, "%s", what);
    cr_assert_eq(a->hit, b->hit, "%s", what);
}

/* Number k of a sequence of sets: all int8, all float, then random ones. */
static inline void make_set(bool *in_float, uint32_t n, int k, uint32_t *random)
{
    cr_assert(n > 2 && n <= MAX_UNITS);
    for (uint32_t i = 0; i < n; i++) {
        *random = *random * 1664525 + 1013904223;
        in_float[i] = k == 0 ? false : k == 1 ? true : (*random >> 24) % 4 < 1 + (uint32_t)k % 3;
    }
}

#endif
