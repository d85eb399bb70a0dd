/* SPDX-License-Identifier: MIT */
#include "tools/search_job.h"

#include "core/base/mem.h"
#include "ns/accuracy.h"
#include "ns/eval_cmd.h"
#include "tools/session.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the words ---- */

/* "50" is runs, "60s", "10m" and "2h" are time. */
static qns_status read_budget(qns_search_plan *p, const char *text, qns_err *err)
{
    static const struct {
        char unit;
        double seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}};
    char *end;
    const double v = strtod(text, &end);
    if (end == text || !(v > 0) || !(v < 1e9))
        QNS_FAIL(err, CONFIG, "--budget takes runs (50) or time (60s, 10m, 2h), not '%s'", text);
    if (!*end && v == floor(v)) {
        p->max_runs = (uint32_t)v;
        return QNS_OK;
    }
    for (size_t i = 0; i < QNS_ARRAY_LEN(units); i++)
        if (end[0] == units[i].unit && !end[1]) {
            p->max_seconds = v * units[i].seconds;
            return QNS_OK;
        }
    QNS_FAIL(err, CONFIG, "--budget takes runs (50) or time (60s, 10m, 2h), not '%s'", text);
}

static qns_status read_strategy(qns_search_plan *p, const char *text, qns_err *err)
{
    char word[64];
    for (const char *s = text;; s++) {
        const size_t n = strcspn(s, ",");
        if (p->n_steps == QNS_SEARCH_MAX_STEPS || n >= sizeof word)
            QNS_FAIL(err, CONFIG, "--strategy takes up to %d strategies with commas between them",
                     QNS_SEARCH_MAX_STEPS);
        memcpy(word, s, n);
        word[n] = 0;
        QNS_TRY(qns_searcher_find(&p->step[p->n_steps++], word, err));
        s += n;
        if (!*s)
            return QNS_OK;
    }
}

qns_status qns_search_plan_make(qns_search_plan *p, const qns_search_args *a, qns_err *err)
{
    *p = (qns_search_plan){0};
    QNS_TRY(qns_target_parse(&p->target, a->target, err));
    QNS_TRY(read_strategy(p, a->strategy, err));
    QNS_TRY(qns_rank_find(&p->by, a->by, err));
    QNS_TRY(qns_cost_find(&p->cost, a->cost, err));
    if (a->budget)
        QNS_TRY(read_budget(p, a->budget, err));
    QNS_TRY(qns_search_can_write(a->common.out, err));
    if (a->html)
        QNS_TRY(qns_search_can_write(a->html, err));
    return QNS_OK;
}

/* ---- identity ---- */

/* Everything that a score in the log depends on. */
static qns_status identify(qns_digest *out, const qns_search_job *j, const qns_search_spec *s,
                           qns_err *err)
{
    qns_trials_id id;
    qns_digester *d;
    QNS_TRY(qns_trials_identify(&id, j->trials, err));
    QNS_TRY(qns_digester_create(&d, err));
    qns_digester_add_text(d, id.graph);
    qns_digester_add_text(d, id.weights);
    qns_digester_add_text(d, id.qconfig);
    qns_digester_add_text(d, id.calib);
    qns_digester_add_text(d, id.eval);
    qns_digester_add_text(d, qns_version_text());
    qns_digester_add_text(d, j->a->eval_cmd ? j->a->eval_cmd : "");
    qns_digester_add(d, &j->a->common.engine, sizeof j->a->common.engine);
    for (uint32_t i = 0; i < s->n_units; i++) /* groups */
        for (uint32_t k = 0; k < s->unit[i].n_names; k++)
            qns_digester_add_text(d, k ? s->unit[i].names[k] : s->unit[i].name);
    *out = qns_digester_result(d);
    qns_digester_free(d);
    return QNS_OK;
}

/* ---- the steps ---- */

static void show(void *ctx, const char *phase, int64_t done, int64_t total)
{
    qns_search_job *j = ctx;
    j->bar.label = phase;
    qns_progress_at(&j->bar, done, total);
}

static void show_calibration(void *ctx, int64_t done, int64_t total)
{
    qns_search_job *j = ctx;
    qns_progress_at(&j->bar, done, total);
}

static bool is_classifier(const qns_graph *g)
{
    const qns_value *v = qns_graph_value(g, qns_graph_output(g, 0));
    return v->dtype == QNS_F32 && qns_is_class_scores(&v->shape);
}

static qns_status read_settings(qns_search_job *j, qns_err *err)
{
    const qns_search_args *a = j->a;
    const qns_backend *be = a->backend ? qns_backend_find(a->backend) : NULL;
    if (a->backend && !be)
        QNS_FAIL(err, NOTFOUND, "unknown backend '%s'; there are %s", a->backend,
                 qns_backend_names());
    if (a->qconfig)
        return qns_qconfig_read(&j->set, a->qconfig, be, err);
    return qns_qconfig_create(&j->set, be ? be : qns_backend_find("fbgemm"), NULL, err);
}

/* All that can be wrong with what the user gave is found here, before anything runs. */
static qns_status open_all(qns_search_job *j, qns_err *err)
{
    const qns_search_args *a = j->a;
    const qns_model_opts mo = qns_model_opts_of(&a->common, NULL);
    QNS_TRY(qns_arena_create(&j->arena, err));
    QNS_TRY(qns_search_plan_make(&j->plan, a, err));
    QNS_TRY(qns_model_load(&j->model, a->model, &mo, err));
    if (qns_model_is_quantized(j->model))
        QNS_FAIL(err, UNSUPPORTED, "'%s' is quantized already; give the float model", a->model);
    const qns_graph *g = qns_model_graph(j->model);
    QNS_TRY(read_settings(j, err));
    QNS_TRY(qns_trial_data_open(&j->data, g, &a->data, a->calib, a->verify, err));
    return qns_search_target_check(&j->plan.target, a->eval_cmd, is_classifier(g),
                                   j->data.labels != NULL, err);
}

static qns_status make_trials(qns_search_job *j, qns_err *err)
{
    qns_trials_spec s = {.fused = qns_model_graph(j->model),
                         .set = j->set,
                         .calib = qns_samples_of(j->data.calib),
                         .eval = qns_trial_data_eval(&j->data),
                         .labels = j->data.labels,
                         .exec = qns_exec_opts_of(&j->a->common, j->model),
                         .progress = show_calibration,
                         .cancelled = qns_ui_cancelled,
                         .ctx = j};
    QNS_TRY(qns_search_groups(&s, j->a, j->arena, err));
    QNS_TRY(qns_trials_create(&j->trials, &s, err));
    if (qns_trials_n(j->trials) == 0)
        QNS_FAIL(err, CONFIG,
                 "these settings leave every layer in float: there is nothing to search");
    return QNS_OK;
}

static const char *keep(qns_search_job *j, const char *s, bool *failed)
{
    const char *k = qns_arena_strdup(j->result->arena, s ? s : "");
    *failed |= !k;
    return k;
}

static qns_status describe(qns_search_job *j, qns_err *err)
{
    qns_search_result *r = j->result;
    bool failed = false;
    r->model = keep(j, j->a->model, &failed);
    r->backend = keep(j, qns_qconfig_backend(j->set)->name, &failed);
    r->qconfig = keep(j, j->a->common.out, &failed);
    r->command = keep(j, j->a->command, &failed);
    r->eval_cmd = keep(j, j->a->eval_cmd, &failed);
    r->calib = keep(j, j->data.told[QNS_DATA_CALIB], &failed);
    r->data = keep(j, j->data.told[QNS_DATA_SEARCH], &failed);
    r->check.data = keep(j, j->data.told[QNS_DATA_CHECK], &failed);
    r->calib_samples = j->data.n_calib;
    r->samples = j->data.n_search;
    if (failed)
        QNS_FAIL(err, NOMEM, "out of memory for a result");
    return QNS_OK;
}

static qns_status search(qns_search_job *j, qns_err *err)
{
    qns_search_unit *unit;
    qns_search_spec s = {.target = j->plan.target,
                         .step = j->plan.step,
                         .n_steps = j->plan.n_steps,
                         .by = j->plan.by,
                         .by_cost = j->plan.cost,
                         .max_runs = j->plan.max_runs,
                         .max_seconds = j->plan.max_seconds,
                         .log = j->a->log};
    qns_search_world w = {.trials = j->trials,
                          .n = j->data.n_search,
                          .eval_cmd = j->a->eval_cmd,
                          .eval_timeout = j->a->eval_timeout,
                          .cancelled = qns_ui_cancelled,
                          .progress = show,
                          .ctx = j};
    QNS_TRY(qns_search_world_spec(&s, &unit, &w, j->arena, err));
    if (s.by != QNS_RANK_ONE_IN && s.by != QNS_RANK_ONE_OUT)
        QNS_TRY(qns_search_world_rank(unit, s.n_units, &w, j->data.search, s.by, err));
    if (s.by_cost == QNS_COST_LATENCY)
        QNS_TRY(qns_search_world_latency(&s, unit, &w, err));
    if (s.log)
        QNS_TRY(identify(&s.identity, j, &s, err));
    QNS_TRY(qns_search(&j->result, &s, err));
    QNS_TRY(qns_search_world_verify(j->result, &w, j->data.n_search, j->data.n_check,
                                    (uint64_t)j->a->seed, err));
    return describe(j, err);
}

qns_status qns_search_job_run(qns_search_job *j, const qns_search_args *a, qns_err *err)
{
    qns_status st = QNS_OK;
    j->a = a;
    QNS_TRY_DONE(open_all(j, err));
    qns_progress_start(&j->bar, "calibrate", a->common.quiet);
    QNS_TRY_DONE(make_trials(j, err));
    qns_progress_end(&j->bar);
    qns_progress_start(&j->bar, "search", a->common.quiet);
    QNS_TRY_DONE(search(j, err));
done:
    qns_progress_end(&j->bar);
    return st;
}

void qns_search_job_fini(qns_search_job *j)
{
    qns_search_result_free(j->result);
    qns_trials_free(j->trials);
    qns_trial_data_close(&j->data);
    qns_qconfig_free(j->set);
    qns_model_free(j->model);
    qns_arena_free(j->arena);
    *j = (qns_search_job){0};
}
