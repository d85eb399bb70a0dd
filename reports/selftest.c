/* SPDX-License-Identifier: MIT */
#include "reports/selftest.h"
#include "reports/selftest_sum.h"

#include "core/base/mem.h"
#include "core/base/str.h"
#include "qns_version.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct tester {
    const qns_shadow_side *ref, *test;
    qns_source *s;
    const qns_selftest_opts *o;
    qns_selftest *t;
    qns_result *clean;
    qns_gate_outcome *judged; /* of the clean model */
    const qns_result *base;   /* for 'change'; NULL: no rule has it */
    struct site {             /* a layer that gets faults */
        qns_nid node;
        uint32_t layer; /* of the result */
    } * site;
    const qns_fault **fault;
    qns_fault_line *line;
    qns_fault_try *attempt;
    const char **name;
    double *clean_local;
    qns_err *err;
} tester;

const char *qns_try_text(qns_try_state s)
{
    static const char *const text[] = {"impossible", "harmless", "missed", "caught", "skipped"};
    return text[s];
}

void qns_selftest_free(qns_selftest *t)
{
    if (!t)
        return;
    qns_arena_free(t->arena);
    qns_free(t);
}

/* Formatted into the arena; NULL with the error set. */
static const char *text(tester *x, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static const char *text(tester *x, const char *fmt, ...)
{
    char buf[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(buf, sizeof buf, fmt, ap);
    va_end(ap);
    const char *s = qns_arena_strdup(x->t->arena, buf);
    if (!s)
        qns_err_set(x->err, QNS_E_NOMEM, __FILE__, __LINE__, "cannot keep a result");
    return s;
}

/* ---- which layers ---- */

static bool stands_for(const qns_node *n, const qns_layer *l)
{
    for (uint32_t i = 0; i < n->n_origin; i++) {
        if (strcmp(n->origin[i], l->name) == 0)
            return true;
        for (uint32_t k = 0; k < l->n_origin; k++)
            if (strcmp(n->origin[i], l->origin[k]) == 0)
                return true;
    }
    return false;
}

static uint32_t layer_of(const tester *x, const qns_node *n)
{
    for (uint32_t i = 0; i < x->clean->n_layers; i++)
        if (x->clean->layer[i].activation.present && stands_for(n, &x->clean->layer[i]))
            return i;
    return UINT32_MAX;
}

/* Of the faults that were asked for. */
static uint32_t possible_faults(const tester *x, const qns_node *n)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < x->t->n_faults; i++)
        count += !qns_fault_reject(x->fault[i], x->test->graph, n);
    return count;
}

static bool is_wanted(const tester *x, const qns_layer *l)
{
    for (size_t i = 0; i < x->o->n_layers; i++) {
        bool hit = qns_glob(x->o->layers[i], l->name);
        for (uint32_t k = 0; k < l->n_origin && !hit; k++)
            hit = qns_glob(x->o->layers[i], l->origin[k]);
        if (hit)
            return true;
    }
    return x->o->n_layers == 0;
}

static qns_status no_layer(const tester *x)
{
    if (x->o->n_layers == 0)
        QNS_FAIL(x->err, UNSUPPORTED,
                 "no layer of '%s' can have one of these faults: is the model quantized?",
                 x->test->file ? x->test->file : "");
    const char **name = NULL;
    QNS_TRY(qns_new((void **)&name, x->clean->n_layers, sizeof *name, x->err));
    for (uint32_t i = 0; i < x->clean->n_layers; i++)
        name[i] = x->clean->layer[i].name;
    const int64_t near = qns_nearest(x->o->layers[0], name, x->clean->n_layers);
    const char *nearest = near >= 0 ? name[near] : NULL;
    qns_free(name);
    if (nearest)
        QNS_FAIL(x->err, NOTFOUND, "no quantized layer matches '%s', did you mean '%s'?",
                 x->o->layers[0], nearest);
    QNS_FAIL(x->err, NOTFOUND, "no quantized layer matches '%s'", x->o->layers[0]);
}

/* Candidates are the layers that can have the most faults; all that match, or some evenly spread
 * over the depth, the first and the last among them. */
static qns_status choose_layers(tester *x)
{
    const qns_graph *g = x->test->graph;
    const uint32_t n_nodes = qns_graph_n_nodes(g);
    uint32_t n = 0, most = 0;
    QNS_TRY(qns_new((void **)&x->site, n_nodes, sizeof *x->site, x->err));
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < n_nodes; i++) {
            const qns_node *node = qns_graph_node(g, (qns_nid){i});
            const uint32_t can = possible_faults(x, node),
                           at = can ? layer_of(x, node) : UINT32_MAX;
            const bool all = x->o->n_layers > 0;
            if (at == UINT32_MAX || !is_wanted(x, &x->clean->layer[at]))
                continue;
            most = can > most ? can : most;
            if (pass == 1 && (all || 2 * can > most))
                x->site[n++] = (struct site){{i}, at};
        }
    if (n == 0)
        return no_layer(x);
    const uint32_t kept = x->o->n_layers == 0 && n > QNS_SELFTEST_LAYERS ? QNS_SELFTEST_LAYERS : n;
    for (uint32_t i = 0; i < kept && kept < n; i++)
        x->site[i] = x->site[i * (n - 1) / (kept - 1)];
    x->t->n_layers = kept;
    return QNS_OK;
}

/* ---- one run ---- */

static qns_status shadow(qns_result **r, tester *x, const qns_graph *g)
{
    qns_shadow_side test = *x->test;
    const qns_shadow_opts o = {
        .n_detail = UINT32_MAX, .cancelled = x->o->cancelled, .ctx = x->o->ctx};
    test.graph = g;
    x->t->runs++;
    return qns_shadow(r, x->ref, &test, x->s, &o, x->err);
}

static qns_status judge(qns_gate_outcome **out, const tester *x, const qns_result *r)
{
    return qns_gate_run(out, r, x->test->file ? x->test->file : "", x->o->rules, x->base,
                        x->o->baseline_file ? x->o->baseline_file : "the model as it is", x->err);
}

static bool fails_clean(const tester *x, const qns_gate_check *c)
{
    for (uint32_t i = 0; i < x->judged->n_failed; i++)
        if (strcmp(x->judged->check[i].id, c->id) == 0 &&
            strcmp(x->judged->check[i].subject, c->subject) == 0)
            return true;
    return false;
}

static double lost(double clean, double now)
{
    if (isnan(clean) || isnan(now))
        return NAN;
    return clean == now ? 0 : clean - now;
}

static double local_loss(const tester *x, const qns_result *r, uint32_t i)
{
    return i < r->n_layers ? lost(x->clean->layer[i].local.sqnr_db, r->layer[i].local.sqnr_db)
                           : NAN;
}

static void find_numbers(const tester *x, qns_fault_try *a, const qns_result *r, uint32_t k)
{
    const qns_layer *was = &x->clean->layer[k], *now = &r->layer[k];
    a->local_db = now->local.sqnr_db;
    a->output_db = r->output.diff.sqnr_db;
    a->local_lost_db = local_loss(x, r, k);
    a->activation_lost_db = lost(was->activation.sqnr_db, now->activation.sqnr_db);
    a->weight_lost_db = lost(was->weight.sqnr_db, now->weight.sqnr_db);
    a->output_lost_db = lost(x->clean->output.diff.sqnr_db, r->output.diff.sqnr_db);
    a->first = a->local_lost_db > 0;
    for (uint32_t i = 0; i < x->clean->n_layers; i++)
        if (i != k && local_loss(x, r, i) > a->local_lost_db)
            a->first = false;
}

static bool has_word(const char *list, const char *word)
{
    const size_t n = strlen(word);
    for (const char *p = list; (p = strstr(p, word)); p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || p[n] == 0))
            return true;
    return false;
}

static bool is_known(const tester *x, const qns_finding *f)
{
    for (uint32_t i = 0; i < x->clean->n_findings; i++)
        if (strcmp(x->clean->finding[i].code, f->code) == 0 &&
            strcmp(x->clean->finding[i].subject, f->subject) == 0)
            return true;
    return false;
}

/* The code that names the fault, else the first new one about the layer. */
static qns_status find_name(tester *x, qns_fault_try *a, const qns_fault *f, const qns_result *r,
                            uint32_t k)
{
    const char *code = "";
    for (uint32_t i = 0; i < r->n_findings && !a->named; i++) {
        const qns_finding *g = &r->finding[i];
        if (strcmp(g->subject, r->layer[k].name) != 0 || is_known(x, g))
            continue;
        a->named = has_word(f->findings, g->code);
        code = a->named || !code[0] ? g->code : code;
    }
    a->finding = text(x, "%s", code);
    return a->finding ? QNS_OK : QNS_E_NOMEM;
}

static qns_status find_check(tester *x, qns_fault_try *a, const qns_gate_outcome *g)
{
    const qns_gate_check *first = NULL;
    for (uint32_t i = 0; i < g->n_failed; i++)
        if (!fails_clean(x, &g->check[i])) {
            first = first ? first : &g->check[i];
            a->checks++;
        }
    a->state = first ? QNS_TRY_CAUGHT : QNS_TRY_MISSED;
    a->rule = first ? text(x, "%s", first->id) : "";
    a->text =
        first ? text(x, "%s%s%s", first->subject, first->subject[0] ? ": " : "", first->text) : "";
    return a->rule && a->text ? QNS_OK : QNS_E_NOMEM;
}

static qns_status try_fault(tester *x, qns_fault_try *a, const qns_fault *f, const struct site *at)
{
    qns_status st = QNS_OK;
    qns_graph *g = NULL;
    qns_result *r = NULL;
    qns_gate_outcome *judged = NULL;
    QNS_TRY_DONE(qns_fault_apply(&g, f, x->test->graph, at->node, x->err));
    QNS_TRY_DONE(shadow(&r, x, g));
    if (r->n_layers != x->clean->n_layers)
        QNS_FAIL_DONE(x->err, UNSUPPORTED, "%u layers could be compared, without the fault %u",
                      r->n_layers, x->clean->n_layers);
    QNS_TRY_DONE(judge(&judged, x, r));
    find_numbers(x, a, r, at->layer);
    QNS_TRY_DONE(find_name(x, a, f, r, at->layer));
    QNS_TRY_DONE(find_check(x, a, judged));
    if (a->state == QNS_TRY_MISSED && a->local_lost_db == 0 && a->activation_lost_db == 0)
        a->state = QNS_TRY_HARMLESS;
done:
    qns_gate_free(judged);
    qns_result_free(r);
    qns_graph_free(g);
    return st;
}

/* ---- the whole ---- */

static qns_status all_tries(tester *x)
{
    qns_selftest *t = x->t;
    const uint32_t most = x->o->max_runs ? x->o->max_runs : UINT32_MAX;
    int64_t total = 0, done = 0;
    for (uint32_t f = 0; f < t->n_faults; f++)
        for (uint32_t k = 0; k < t->n_layers; k++)
            total += !qns_fault_reject(x->fault[f], x->test->graph,
                                       qns_graph_node(x->test->graph, x->site[k].node));
    /* Layer by layer of the order of faults: a small budget still tries every fault. */
    for (uint32_t k = 0; k < t->n_layers; k++)
        for (uint32_t f = 0; f < t->n_faults; f++) {
            qns_fault_try *a = &x->attempt[f * t->n_layers + k];
            const char *why = qns_fault_reject(x->fault[f], x->test->graph,
                                               qns_graph_node(x->test->graph, x->site[k].node));
            *a = (qns_fault_try){QNS_TRY_IMPOSSIBLE,
                                 why ? why : "",
                                 "",
                                 0,
                                 NAN,
                                 NAN,
                                 NAN,
                                 NAN,
                                 NAN,
                                 NAN,
                                 false,
                                 false,
                                 ""};
            if (why)
                continue;
            a->state = QNS_TRY_SKIPPED;
            if (t->runs < most) {
                const qns_status st = try_fault(x, a, x->fault[f], &x->site[k]);
                if (st != QNS_OK) {
                    qns_err_note(x->err, "layer '%s'", x->name[k]);
                    return st;
                }
            }
            if (x->o->progress)
                x->o->progress(x->o->ctx, ++done, total);
        }
    return QNS_OK;
}

static qns_status keep_side(tester *x, qns_side *to, const qns_side *s)
{
    *to = *s;
    const char **const at[] = {&to->file,       &to->model,     &to->backend,
                               &to->engine,     &to->build,     &to->graph_id,
                               &to->weights_id, &to->inputs_id, &to->qparams_id};
    for (size_t i = 0; i < QNS_ARRAY_LEN(at); i++)
        if (!(*at[i] = text(x, "%s", *at[i])))
            return QNS_E_NOMEM;
    return QNS_OK;
}

static qns_status begin(tester *x)
{
    const qns_selftest_opts *o = x->o;
    QNS_TRY(qns_new((void **)&x->t, 1, sizeof *x->t, x->err));
    QNS_TRY(qns_arena_create(&x->t->arena, x->err));
    uint32_t all = 0;
    while (qns_faults[all].name)
        all++;
    x->t->n_faults = o->n_faults ? (uint32_t)o->n_faults : all;
    x->t->qns = QNS_VERSION;
    QNS_TRY(qns_new((void **)&x->fault, x->t->n_faults, sizeof *x->fault, x->err));
    for (uint32_t i = 0; i < x->t->n_faults; i++)
        x->fault[i] = o->n_faults ? o->faults[i] : &qns_faults[i];
    x->t->rules = text(x, "%s", o->rules->file);
    x->t->baseline = text(x, "%s", o->baseline_file ? o->baseline_file : "");
    return x->t->rules && x->t->baseline ? QNS_OK : QNS_E_NOMEM;
}

static qns_status run_clean(tester *x)
{
    qns_selftest *t = x->t;
    QNS_TRY(shadow(&x->clean, x, x->test->graph));
    x->base = x->o->baseline ? x->o->baseline : qns_gate_uses_change(x->o->rules) ? x->clean : NULL;
    QNS_TRY(judge(&x->judged, x, x->clean));
    if (x->judged->verdict == QNS_GATE_NOT_COMPARABLE)
        QNS_FAIL(x->err, MISMATCH, "%s", x->judged->check[0].text);
    t->clean_failed = x->judged->n_failed;
    t->clean_text = t->clean_failed
                        ? text(x, "%s%s%s", x->judged->check[0].subject,
                               x->judged->check[0].subject[0] ? ": " : "", x->judged->check[0].text)
                        : "";
    t->samples = x->clean->samples;
    t->clean_output_db = x->clean->output.diff.sqnr_db;
    QNS_TRY(keep_side(x, &t->ref, &x->clean->ref));
    return t->clean_text ? keep_side(x, &t->test, &x->clean->test) : QNS_E_NOMEM;
}

static qns_status describe(tester *x)
{
    qns_selftest *t = x->t;
    const size_t n = t->n_layers;
    QNS_TRY(qns_arena_new((void **)&x->name, t->arena, n, sizeof *x->name, x->err));
    QNS_TRY(qns_arena_new((void **)&x->clean_local, t->arena, n, sizeof(double), x->err));
    QNS_TRY(qns_arena_new((void **)&x->line, t->arena, t->n_faults, sizeof *x->line, x->err));
    QNS_TRY(
        qns_arena_new((void **)&x->attempt, t->arena, n * t->n_faults, sizeof *x->attempt, x->err));
    t->layer = x->name;
    t->clean_local_db = x->clean_local;
    t->fault = x->line;
    t->attempt = x->attempt;
    for (size_t k = 0; k < n; k++) {
        x->clean_local[k] = x->clean->layer[x->site[k].layer].local.sqnr_db;
        if (!(x->name[k] = text(x, "%s", x->clean->layer[x->site[k].layer].name)))
            return QNS_E_NOMEM;
    }
    for (uint32_t f = 0; f < t->n_faults; f++)
        x->line[f] = (qns_fault_line){.name = x->fault[f]->name, .what = x->fault[f]->what};
    return QNS_OK;
}

static qns_status run(tester *x)
{
    QNS_TRY(begin(x));
    QNS_TRY(run_clean(x));
    QNS_TRY(choose_layers(x));
    QNS_TRY(describe(x));
    QNS_TRY(all_tries(x));
    return qns_selftest_sum(x->t, x->line, x->err);
}

qns_status qns_selftest_run(qns_selftest **out, const qns_shadow_side *ref,
                            const qns_shadow_side *test, qns_source *s,
                            const qns_selftest_opts *opts, qns_err *err)
{
    tester x = {.ref = ref, .test = test, .s = s, .o = opts, .err = err};
    const qns_status st = run(&x);
    if (st == QNS_OK)
        *out = x.t;
    else
        qns_selftest_free(x.t);
    qns_gate_free(x.judged);
    qns_result_free(x.clean);
    qns_free(x.site);
    qns_free(x.fault);
    return st;
}
