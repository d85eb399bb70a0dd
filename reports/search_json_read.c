/* SPDX-License-Identifier: MIT */
/* Reading: a hostile document until shown otherwise. */
#include "core/base/mem.h"
#include "reports/json_get.h"
#include "reports/search_json.h"

#include <math.h>
#include <string.h>

enum { MAX_UNITS = 1 << 20, MAX_TRIALS = 1 << 20 };

static qns_status get_word(qns_json_reader *rd, int *out, const json_t *o, const char *key,
                           const char *const *word, int n, const qns_json_place *up)
{
    const char *s = json_string_value(json_object_get(o, key));
    const qns_json_place at = {up, key, 0};
    for (int i = 0; s && i < n; i++)
        if (strcmp(word[i], s) == 0) {
            *out = i;
            return QNS_OK;
        }
    qns_str want = {0};
    for (int i = 0; i < n; i++)
        qns_str_addf(&want, "%s\"%s\"", i ? ", " : "one of ", word[i]);
    qns_json_wrong(rd, &at, qns_str_get(&want));
    qns_str_fini(&want);
    return QNS_E_FORMAT;
}

static qns_status get_costs(qns_json_reader *rd, double cost[QNS_COSTS], const json_t *o,
                            const char *key, const qns_json_place *up)
{
    const json_t *j;
    const qns_json_place at = {up, key, 0};
    QNS_TRY(qns_json_get_object(rd, &j, o, key, up));
    for (int c = 0; c < QNS_COSTS; c++)
        QNS_TRY(qns_json_get_number(rd, &cost[c], j, qns_cost_name((qns_cost)c), &at));
    return QNS_OK;
}

static qns_status get_score(qns_json_reader *rd, qns_search_score *s, const json_t *o,
                            const qns_json_place *up)
{
    QNS_TRY(qns_json_get_number(rd, &s->sqnr_db, o, "sqnr_db", up));
    QNS_TRY(qns_json_get_number(rd, &s->agreement, o, "agreement", up));
    QNS_TRY(qns_json_get_number(rd, &s->drop, o, "drop", up));
    return qns_json_get_number(rd, &s->eval, o, "eval", up);
}

static qns_status get_target(qns_json_reader *rd, qns_target *t, const json_t *doc)
{
    static const char *const signs[] = {">=", "<="};
    const char *metrics[QNS_TARGET_METRICS];
    const json_t *o;
    const qns_json_place at = {NULL, "target", 0};
    int metric, sign;
    for (int i = 0; i < QNS_TARGET_METRICS; i++)
        metrics[i] = qns_target_name((qns_target_metric)i);
    QNS_TRY(qns_json_get_object(rd, &o, doc, "target", NULL));
    QNS_TRY(get_word(rd, &metric, o, "metric", metrics, QNS_TARGET_METRICS, &at));
    QNS_TRY(get_word(rd, &sign, o, "is", signs, 2, &at));
    QNS_TRY(qns_json_get_number(rd, &t->limit, o, "limit", &at));
    if (!isfinite(t->limit))
        return qns_json_wrong(rd, &(qns_json_place){&at, "limit", 0}, "a number");
    t->metric = (qns_target_metric)metric;
    t->at_most = sign == 1;
    return QNS_OK;
}

static qns_status read_unit(qns_json_reader *rd, qns_search_unit *u, const json_t *o,
                            const qns_json_place *at)
{
    static const char *const kept[] = {"int8", "float"};
    const json_t *list;
    const char **names;
    int64_t v;
    int in_float;
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_json_get_text(rd, &u->name, o, "name", at));
    QNS_TRY(qns_json_get_text(rd, &u->op, o, "op", at));
    QNS_TRY(qns_json_get_int(rd, &v, o, "index", 0, INT32_MAX, 0, at));
    u->index = (int32_t)v;
    QNS_TRY(qns_json_get_int(rd, &v, o, "rank", 0, UINT32_MAX, 0, at));
    u->rank = (uint32_t)v;
    QNS_TRY(qns_json_get_number(rd, &u->score, o, "score", at));
    QNS_TRY(get_word(rd, &in_float, o, "kept", kept, 2, at));
    u->in_float = in_float == 1;
    QNS_TRY(get_costs(rd, u->cost, o, "cost", at));
    QNS_TRY(qns_json_get_array(rd, &list, &u->n_names, o, "names", MAX_UNITS, at));
    QNS_TRY(qns_json_get_memory(rd, &names, u->n_names, sizeof *names));
    u->names = names;
    for (uint32_t i = 0; i < u->n_names; i++) {
        const qns_json_place below = {at, "names", 0}, one = {&below, NULL, i};
        QNS_TRY(qns_json_to_text(rd, &names[i], json_array_get(list, i), &one));
    }
    return QNS_OK;
}

static qns_status get_units(qns_json_reader *rd, qns_search_result *r, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "layers", 0};
    qns_search_unit *u;
    QNS_TRY(qns_json_get_array(rd, &list, &r->n_units, doc, "layers", MAX_UNITS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &u, r->n_units, sizeof *u));
    r->unit = u;
    for (uint32_t i = 0; i < r->n_units; i++)
        QNS_TRY(read_unit(rd, &u[i], json_array_get(list, i), &(qns_json_place){&at, NULL, i}));
    return QNS_OK;
}

/* The set, ascending, and its costs. */
static qns_status read_set(qns_json_reader *rd, qns_search_trial *t, const qns_search_result *r,
                           const json_t *o, const qns_json_place *at)
{
    const json_t *list;
    const qns_json_place below = {at, "float", 0};
    uint32_t *unit;
    int64_t last = -1;
    QNS_TRY(qns_json_get_array(rd, &list, &t->n_units, o, "float", MAX_UNITS, at));
    QNS_TRY(qns_json_get_memory(rd, &unit, t->n_units, sizeof *unit));
    t->unit = unit;
    for (uint32_t i = 0; i < t->n_units; i++) {
        const qns_json_place one = {&below, NULL, i};
        int64_t v;
        QNS_TRY(qns_json_to_int(rd, &v, json_array_get(list, i), 0, (int64_t)r->n_units - 1, &one));
        if (v <= last)
            return qns_json_wrong(rd, &one, "larger than the number before it");
        last = v;
        unit[i] = (uint32_t)v;
        for (int c = 0; c < QNS_COSTS; c++)
            t->cost[c] += r->unit[v].cost[c];
    }
    return QNS_OK;
}

static qns_status get_trials(qns_json_reader *rd, qns_search_result *r, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "trials", 0};
    qns_search_trial *t;
    QNS_TRY(qns_json_get_array(rd, &list, &r->n_trials, doc, "trials", MAX_TRIALS, NULL));
    if (r->n_trials == 0)
        return qns_json_wrong(rd, &at, "a list of at least one trial");
    QNS_TRY(qns_json_get_memory(rd, &t, r->n_trials, sizeof *t));
    r->trial = t;
    for (uint32_t i = 0; i < r->n_trials; i++) {
        const json_t *o = json_array_get(list, i);
        const qns_json_place one = {&at, NULL, i};
        if (!json_is_object(o))
            return qns_json_wrong(rd, &one, "an object");
        QNS_TRY(qns_json_get_text(rd, &t[i].phase, o, "phase", &one));
        QNS_TRY(read_set(rd, &t[i], r, o, &one));
        QNS_TRY(get_score(rd, &t[i].score, o, &one));
        QNS_TRY(qns_json_get_number(rd, &t[i].seconds, o, "seconds", &one));
        t[i].met = qns_target_met(&r->target, qns_search_value(&t[i].score, r->target.metric));
    }
    return QNS_OK;
}

/* int8, best and the front are places in the trials. */
static qns_status get_places(qns_json_reader *rd, qns_search_result *r, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "front", 0};
    int64_t v;
    uint32_t *front;
    QNS_TRY(qns_json_get_int(rd, &v, doc, "int8", 0, (int64_t)r->n_trials - 1, 0, NULL));
    r->int8 = (uint32_t)v;
    QNS_TRY(qns_json_get_int(rd, &v, doc, "best", 0, (int64_t)r->n_trials - 1, 0, NULL));
    r->best = (uint32_t)v;
    QNS_TRY(qns_json_get_array(rd, &list, &r->n_front, doc, "front", r->n_trials, NULL));
    QNS_TRY(qns_json_get_memory(rd, &front, r->n_front, sizeof *front));
    r->front = front;
    for (uint32_t i = 0; i < r->n_front; i++) {
        const qns_json_place one = {&at, NULL, i};
        QNS_TRY(
            qns_json_to_int(rd, &v, json_array_get(list, i), 0, (int64_t)r->n_trials - 1, &one));
        front[i] = (uint32_t)v;
    }
    return QNS_OK;
}

static qns_status get_check(qns_json_reader *rd, qns_search_check *c, const json_t *doc)
{
    const json_t *o, *side;
    const char *method;
    const qns_json_place at = {NULL, "check", 0}, before = {&at, "int8", 0},
                         after = {&at, "mixed", 0};
    int verdict;
    QNS_TRY(qns_json_get_object(rd, &o, doc, "check", NULL));
    QNS_TRY(qns_json_get_text(rd, &c->data, o, "data", &at));
    QNS_TRY(qns_json_get_int(rd, &c->samples, o, "samples", 0, INT64_MAX, 0, &at));
    QNS_TRY(get_word(rd, &verdict, o, "verdict", qns_search_check_words, 4, &at));
    c->verdict = (qns_search_verdict)verdict;
    QNS_TRY(qns_json_get_number(rd, &c->interval.value, o, "value", &at));
    QNS_TRY(qns_json_get_number(rd, &c->interval.lo, o, "lo", &at));
    QNS_TRY(qns_json_get_number(rd, &c->interval.hi, o, "hi", &at));
    QNS_TRY(qns_json_get_text(rd, &method, o, "method", &at));
    c->interval.method = method[0] ? method : NULL;
    QNS_TRY(qns_json_get_number(rd, &c->ref_top1, o, "reference_top1", &at));
    QNS_TRY(qns_json_get_object(rd, &side, o, "int8", &at));
    QNS_TRY(get_score(rd, &c->int8, side, &before));
    QNS_TRY(qns_json_get_number(rd, &c->int8_top1, side, "top1", &before));
    QNS_TRY(qns_json_get_object(rd, &side, o, "mixed", &at));
    QNS_TRY(get_score(rd, &c->mixed, side, &after));
    return qns_json_get_number(rd, &c->top1, side, "top1", &after);
}

static qns_status get_data(qns_json_reader *rd, const char **data, int64_t *n, const json_t *doc,
                           const char *key)
{
    const json_t *o;
    const qns_json_place at = {NULL, key, 0};
    QNS_TRY(qns_json_get_object(rd, &o, doc, key, NULL));
    QNS_TRY(qns_json_get_text(rd, data, o, "data", &at));
    return qns_json_get_int(rd, n, o, "samples", 0, INT64_MAX, 0, &at);
}

static qns_status get_words(qns_json_reader *rd, qns_search_result *r, const json_t *doc)
{
    const char *rank[QNS_RANKS], *cost[QNS_COSTS];
    int by, by_cost, end;
    for (int i = 0; i < QNS_RANKS; i++)
        rank[i] = qns_rank_name((qns_rank_by)i);
    for (int i = 0; i < QNS_COSTS; i++)
        cost[i] = qns_cost_name((qns_cost)i);
    QNS_TRY(get_word(rd, &by, doc, "ranking", rank, QNS_RANKS, NULL));
    QNS_TRY(get_word(rd, &by_cost, doc, "cost", cost, QNS_COSTS, NULL));
    QNS_TRY(get_word(rd, &end, doc, "end", qns_search_end_words, 3, NULL));
    r->by = (qns_rank_by)by;
    r->by_cost = (qns_cost)by_cost;
    r->end = (qns_search_end)end;
    return QNS_OK;
}

static qns_status get_head(qns_json_reader *rd, qns_search_result *r, const json_t *doc)
{
    const struct {
        const char *key, **to;
    } texts[] = {{"qns", &r->qns},          {"model", &r->model},     {"backend", &r->backend},
                 {"qconfig", &r->qconfig},  {"command", &r->command}, {"eval_cmd", &r->eval_cmd},
                 {"strategy", &r->strategy}};
    int64_t v;
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        QNS_TRY(qns_json_get_text(rd, texts[i].to, doc, texts[i].key, NULL));
    QNS_TRY(get_words(rd, r, doc));
    QNS_TRY(get_target(rd, &r->target, doc));
    QNS_TRY(get_data(rd, &r->calib, &r->calib_samples, doc, "calibration"));
    QNS_TRY(get_data(rd, &r->data, &r->samples, doc, "search"));
    QNS_TRY(qns_json_get_int(rd, &v, doc, "runs", 0, UINT32_MAX, 0, NULL));
    r->runs = (uint32_t)v;
    QNS_TRY(qns_json_get_int(rd, &v, doc, "from_log", 0, UINT32_MAX, 0, NULL));
    r->logged = (uint32_t)v;
    QNS_TRY(qns_json_get_number(rd, &r->seconds, doc, "seconds", NULL));
    return get_costs(rd, r->total, doc, "total", NULL);
}

qns_status qns_search_from_doc(qns_search_result **out, const json_t *doc, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_search_result *r = NULL;
    QNS_TRY_DONE(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    qns_json_reader rd = {r->arena, err};
    QNS_TRY_DONE(get_head(&rd, r, doc));
    QNS_TRY_DONE(get_units(&rd, r, doc));
    QNS_TRY_DONE(get_trials(&rd, r, doc));
    QNS_TRY_DONE(get_places(&rd, r, doc));
    QNS_TRY_DONE(get_check(&rd, &r->check, doc));
    *out = r;
    r = NULL;
done:
    qns_search_result_free(r);
    return st;
}
