/* SPDX-License-Identifier: MIT */
#include "ns/search_world.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/graph/op.h"
#include "ns/accuracy.h"
#include "ns/eval_cmd.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A byte of int8 is four of float32. */
enum { FLOAT_SIZE = 4 };

static double share(int64_t part, int64_t n)
{
    return part < 0 || n == 0 ? NAN : (double)part / (double)n;
}

static qns_search_score score_of(const qns_trial_score *t)
{
    qns_search_score s = {t->output_sqnr_db, share(t->agree, t->n), NAN, NAN};
    /* Values that the float model does not have make every number of the rest worthless. */
    if (t->nonfinite > t->nonfinite_ref)
        s.sqnr_db = -INFINITY;
    if (t->hit >= 0)
        s.drop = share(t->ref_hit, t->n) - share(t->hit, t->n);
    return s;
}

/* ---- a user's command ---- */

static qns_status judge_in(double *out, qns_search_world *w, const bool *in_float,
                           const char *folder, qns_err *err)
{
    qns_str path = {0};
    qns_str_addf(&path, "%s/model.onnx", folder);
    qns_status st =
        path.failed ? qns_err_set(err, QNS_E_NOMEM, __FILE__, __LINE__, "out of memory for a name")
                    : qns_trials_write_model(w->trials, path.s, in_float, err);
    if (st == QNS_OK)
        st = qns_eval_cmd_run(out, w->eval_cmd, path.s, w->eval_timeout, w->cancelled, w->ctx, err);
    if (path.s)
        unlink(path.s);
    qns_str_fini(&path);
    return st;
}

static qns_status judge_by_command(double *out, qns_search_world *w, const bool *in_float,
                                   qns_err *err)
{
    const char *tmp = getenv("TMPDIR"), *mark = "XX"; /* six of them are filled in */
    qns_str folder = {0};
    qns_status st = QNS_OK;
    qns_str_addf(&folder, "%s/qns-search-%s%s%s", tmp && *tmp ? tmp : "/tmp", mark, mark, mark);
    if (folder.failed)
        QNS_FAIL_DONE(err, NOMEM, "out of memory for a name");
    if (!mkdtemp(folder.s))
        QNS_FAIL_DONE(err, IO, "cannot make a folder for the model '%s': %s", folder.s,
                      strerror(errno));
    st = judge_in(out, w, in_float, folder.s, err);
    rmdir(folder.s);
done:
    qns_str_fini(&folder);
    return st;
}

/* ---- trials ---- */

static qns_status run(qns_search_score *out, void *ctx, const bool *in_float, bool judge,
                      qns_err *err)
{
    qns_search_world *w = ctx;
    qns_trial_score t;
    if (judge && w->eval_cmd)
        return judge_by_command(&out->eval, w, in_float, err);
    QNS_TRY(qns_trials_run(&t, w->trials, in_float, w->first, w->n, false, err));
    *out = score_of(&t);
    return QNS_OK;
}

static qns_status scan(qns_search_score *out, void *ctx, const bool *const *in_float, uint32_t n,
                       qns_err *err)
{
    qns_search_world *w = ctx;
    const qns_scan_opts o = {.first = w->first, .n = w->n};
    qns_trial_score *t;
    QNS_TRY(qns_new((void **)&t, n, sizeof *t, err));
    const qns_status st = qns_trials_scan(t, w->trials, in_float, n, &o, err);
    for (uint32_t i = 0; i < n && st == QNS_OK; i++)
        out[i] = score_of(&t[i]);
    qns_free(t);
    return st;
}

static void progress(void *ctx, const char *phase, int64_t done, int64_t total)
{
    const qns_search_world *w = ctx;
    if (w->progress)
        w->progress(w->ctx, phase, done, total);
}

qns_status qns_search_world_spec(qns_search_spec *s, qns_search_unit **out, qns_search_world *w,
                                 qns_arena *a, qns_err *err)
{
    qns_search_unit *unit;
    s->n_units = qns_trials_n(w->trials);
    s->run = run;
    s->scan = scan;
    s->progress = progress;
    s->ctx = w;
    s->total[QNS_COST_MACS] = qns_trials_macs(w->trials);
    s->total[QNS_COST_BYTES] = 0;
    s->total[QNS_COST_LATENCY] = NAN;
    s->total[QNS_COST_LAYERS] = s->n_units;
    QNS_TRY(qns_arena_new((void **)&unit, a, s->n_units, sizeof *unit, err));
    s->unit = unit;
    for (uint32_t i = 0; i < s->n_units; i++) {
        const qns_trial_unit *u = qns_trials_unit(w->trials, i);
        const double bytes = FLOAT_SIZE * (u->weight_bytes + u->activation_bytes);
        unit[i] = (qns_search_unit){.name = u->name,
                                    .op = u->op,
                                    .names = u->names,
                                    .n_names = (uint32_t)u->n_names,
                                    .index = (int32_t)u->index,
                                    .cost = {u->macs, bytes, NAN, 1},
                                    .score = NAN};
        s->total[QNS_COST_BYTES] += bytes;
    }
    *out = unit;
    return QNS_OK;
}

qns_status qns_search_target_check(const qns_target *target, const char *eval_cmd, bool classifier,
                                   bool labels, qns_err *err)
{
    const char *name = qns_target_name(target->metric);
    const bool classes =
        target->metric == QNS_TARGET_AGREEMENT || target->metric == QNS_TARGET_DROP;
    if (target->metric == QNS_TARGET_EVAL && !eval_cmd)
        QNS_FAIL(err, CONFIG,
                 "the target 'eval' is the number of a command: give it with "
                 "--eval-cmd './eval.sh {model}'");
    if (target->metric != QNS_TARGET_EVAL && eval_cmd)
        QNS_FAIL(err, CONFIG,
                 "--eval-cmd goes with a target on its number, like 'eval>=0.71', not on '%s'",
                 name);
    if (eval_cmd)
        QNS_TRY(qns_eval_cmd_check(eval_cmd, err));
    if (classes && !classifier)
        QNS_FAIL(err, CONFIG,
                 "'%s' is for classifiers, and this model's first output is no list of scores; "
                 "'output-sqnr>=25' or --eval-cmd fits any model",
                 name);
    if (target->metric == QNS_TARGET_DROP && !labels)
        QNS_FAIL(
            err, CONFIG,
            "'top1-drop' needs labels for the samples of the search and of the check: --labels "
            "FILE.npy or 'labels' in the data.yaml; 'top1-agreement' does without");
    return QNS_OK;
}

/* ---- the check ---- */

static qns_status interval_of(qns_interval *i, const qns_trial_score *t, qns_target_metric m,
                              uint64_t seed, qns_err *err)
{
    int64_t n[4] = {0};
    if (m == QNS_TARGET_AGREEMENT && t->agree >= 0) {
        *i = (qns_interval){share(t->agree, t->n), 0, 0, "Wilson's score interval"};
        qns_wilson(&i->lo, &i->hi, t->agree, t->n);
    } else if (m == QNS_TARGET_DROP && t->hit >= 0) {
        for (int64_t k = 0; k < t->n; k++)
            n[t->sample[k] >> 1 & 3]++; /* neither, the float model only, the mixed only, both */
        *i = qns_interval_paired(n[3], n[1], n[2], n[0]);
    } else if (m == QNS_TARGET_SQNR && t->nonfinite <= t->nonfinite_ref) {
        return qns_interval_sqnr(i, t->energy, t->n_energy, seed, err);
    }
    return QNS_OK;
}

void qns_search_answer(bool *in_float, const qns_search_result *r)
{
    for (uint32_t i = 0; i < r->n_units; i++)
        in_float[i] = r->unit[i].in_float;
}

qns_status qns_search_world_verify(qns_search_result *r, qns_search_world *w, int64_t first,
                                   int64_t n, uint64_t seed, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_search_check *c = &r->check;
    qns_trial_score mixed = {0}, int8 = {0};
    bool *in_float = NULL;
    QNS_TRY_DONE(qns_new((void **)&in_float, r->n_units, sizeof *in_float, err));
    QNS_TRY_DONE(qns_trials_run(&int8, w->trials, in_float, first, n, false, err));
    qns_search_answer(in_float, r);
    QNS_TRY_DONE(qns_trials_run(&mixed, w->trials, in_float, first, n, true, err));
    c->samples = n;
    c->int8 = score_of(&int8);
    c->mixed = score_of(&mixed);
    c->ref_top1 = share(mixed.ref_hit, n);
    c->int8_top1 = share(int8.hit, n);
    c->top1 = share(mixed.hit, n);
    QNS_TRY_DONE(interval_of(&c->interval, &mixed, r->target.metric, seed, err));
    c->verdict = qns_search_judge(&r->target, &c->interval);
done:
    qns_free(mixed.sample);
    qns_free(mixed.energy);
    qns_free(in_float);
    return st;
}
