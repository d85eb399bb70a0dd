/* SPDX-License-Identifier: MIT */
/* Writing. Sets of layers are lists of numbers: places in "layers". What can be computed from the
 * rest ("cost", "met", "skip", the value of the target's metric) is written for readers, and
 * computed again by ours. */
#include "reports/search_json.h"

#include "reports/json_put.h"

#include <math.h>

const char *const qns_search_end_words[3] = {"done", "budget", "impossible"};
const char *const qns_search_check_words[4] = {"not checked", "verified", "undecided", "refuted"};

static json_t *costs(qns_json_writer *w, const double cost[QNS_COSTS])
{
    json_t *o = json_object();
    for (int c = 0; c < QNS_COSTS; c++)
        qns_json_put_number(w, o, qns_cost_name((qns_cost)c), cost[c]);
    return o;
}

static void put_score(qns_json_writer *w, json_t *o, const qns_search_score *s)
{
    qns_json_put_number(w, o, "sqnr_db", s->sqnr_db);
    qns_json_put_number(w, o, "agreement", s->agreement);
    qns_json_put_number(w, o, "drop", s->drop);
    qns_json_put_number(w, o, "eval", s->eval);
}

static json_t *target_json(qns_json_writer *w, const qns_target *t)
{
    json_t *o = json_object();
    char text[64];
    qns_json_put(w, o, "metric", qns_json_text(qns_target_name(t->metric)));
    qns_json_put(w, o, "is", qns_json_text(t->at_most ? "<=" : ">="));
    qns_json_put(w, o, "limit", qns_json_number(t->limit));
    qns_json_put(w, o, "text", qns_json_text(qns_target_text(text, t)));
    return o;
}

static json_t *unit_json(qns_json_writer *w, const qns_search_unit *u)
{
    json_t *o = json_object(), *names = json_array();
    qns_json_put(w, o, "name", qns_json_text(u->name));
    qns_json_put(w, o, "op", qns_json_text(u->op));
    qns_json_put(w, o, "index", json_integer(u->index));
    for (uint32_t i = 0; i < u->n_names; i++)
        qns_json_append(w, names, qns_json_text(u->names[i]));
    qns_json_put(w, o, "names", names);
    qns_json_put(w, o, "kept", qns_json_text(u->in_float ? "float" : "int8"));
    qns_json_put(w, o, "cost", costs(w, u->cost));
    if (u->rank)
        qns_json_put(w, o, "rank", json_integer(u->rank));
    qns_json_put_number(w, o, "score", u->score);
    return o;
}

static json_t *trial_json(qns_json_writer *w, const qns_search_trial *t)
{
    json_t *o = json_object(), *set = json_array();
    qns_json_put(w, o, "phase", qns_json_text(t->phase));
    for (uint32_t i = 0; i < t->n_units; i++)
        qns_json_append(w, set, json_integer(t->unit[i]));
    qns_json_put(w, o, "float", set);
    qns_json_put(w, o, "cost", costs(w, t->cost));
    put_score(w, o, &t->score);
    qns_json_put(w, o, "met", json_boolean(t->met));
    qns_json_put(w, o, "seconds", qns_json_number(t->seconds));
    return o;
}

static json_t *check_json(qns_json_writer *w, const qns_search_check *c)
{
    json_t *o = json_object(), *before = json_object(), *after = json_object();
    qns_json_put(w, o, "data", qns_json_text(c->data));
    qns_json_put(w, o, "samples", json_integer(c->samples));
    qns_json_put(w, o, "verdict", qns_json_text(qns_search_check_words[c->verdict]));
    qns_json_put_number(w, o, "value", c->interval.value);
    if (c->interval.method) {
        qns_json_put_number(w, o, "lo", c->interval.lo);
        qns_json_put_number(w, o, "hi", c->interval.hi);
        qns_json_put(w, o, "method", qns_json_text(c->interval.method));
    }
    qns_json_put_number(w, o, "reference_top1", c->ref_top1);
    put_score(w, before, &c->int8);
    qns_json_put_number(w, before, "top1", c->int8_top1);
    put_score(w, after, &c->mixed);
    qns_json_put_number(w, after, "top1", c->top1);
    qns_json_put(w, o, "int8", before);
    qns_json_put(w, o, "mixed", after);
    return o;
}

static json_t *data_json(qns_json_writer *w, const char *data, int64_t samples)
{
    json_t *o = json_object();
    qns_json_put(w, o, "data", qns_json_text(data));
    qns_json_put(w, o, "samples", json_integer(samples));
    return o;
}

static void put_head(qns_json_writer *w, json_t *doc, const qns_search_result *r)
{
    const struct {
        const char *key, *text;
    } texts[] = {{"qns", r->qns},           {"kind", "search"},       {"model", r->model},
                 {"backend", r->backend},   {"qconfig", r->qconfig},  {"command", r->command},
                 {"eval_cmd", r->eval_cmd}, {"strategy", r->strategy}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(texts); i++)
        qns_json_put(w, doc, texts[i].key, qns_json_text(texts[i].text));
    qns_json_put(w, doc, "ranking", qns_json_text(qns_rank_name(r->by)));
    qns_json_put(w, doc, "cost", qns_json_text(qns_cost_name(r->by_cost)));
    qns_json_put(w, doc, "target", target_json(w, &r->target));
    qns_json_put(w, doc, "calibration", data_json(w, r->calib, r->calib_samples));
    qns_json_put(w, doc, "search", data_json(w, r->data, r->samples));
    qns_json_put(w, doc, "end", qns_json_text(qns_search_end_words[r->end]));
    qns_json_put(w, doc, "met", json_boolean(qns_search_met(r)));
    qns_json_put(w, doc, "runs", json_integer(r->runs));
    qns_json_put(w, doc, "from_log", json_integer(r->logged));
    qns_json_put(w, doc, "seconds", qns_json_number(r->seconds));
    qns_json_put(w, doc, "total", costs(w, r->total));
}

qns_status qns_search_to_json(qns_str *out, const qns_search_result *r, bool compact, qns_err *err)
{
    qns_json_writer w = {false};
    json_t *doc = json_object(), *skip = json_array(), *layers = json_array();
    json_t *trials = json_array(), *front = json_array();
    put_head(&w, doc, r);
    for (uint32_t i = 0; i < r->n_units; i++) {
        qns_json_append(&w, layers, unit_json(&w, &r->unit[i]));
        for (uint32_t k = 0; r->unit[i].in_float && k < r->unit[i].n_names; k++)
            qns_json_append(&w, skip, qns_json_text(r->unit[i].names[k]));
    }
    for (uint32_t i = 0; i < r->n_trials; i++)
        qns_json_append(&w, trials, trial_json(&w, &r->trial[i]));
    for (uint32_t i = 0; i < r->n_front; i++)
        qns_json_append(&w, front, json_integer(r->front[i]));
    qns_json_put(&w, doc, "skip", skip);
    qns_json_put(&w, doc, "check", check_json(&w, &r->check));
    qns_json_put(&w, doc, "layers", layers);
    qns_json_put(&w, doc, "trials", trials);
    qns_json_put(&w, doc, "int8", json_integer(r->int8));
    qns_json_put(&w, doc, "best", json_integer(r->best));
    qns_json_put(&w, doc, "front", front);
    const qns_status st = qns_json_print(out, &w, doc, compact, err);
    json_decref(doc);
    return st;
}
