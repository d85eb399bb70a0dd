/* SPDX-License-Identifier: MIT */
/* Sensitivities as a JSON document, and back. */
#include "core/base/map.h"
#include "core/base/mem.h"
#include "reports/kind.h"
#include "reports/result_parts.h"
#include "reports/sensitivity_json.h"

#include <math.h>
#include <stddef.h>

enum { MAX_UNITS = 1 << 20 };

/* Texts of the head, in the order in which they are written. */
static const qns_result_key head_keys[] = {
    {"model", offsetof(qns_sensitivity, model)},
    {"backend", offsetof(qns_sensitivity, backend)},
    {"engine", offsetof(qns_sensitivity, engine)},
    {"preset", offsetof(qns_sensitivity, preset)},
    {"calibration", offsetof(qns_sensitivity, calib)},
    {"evaluation", offsetof(qns_sensitivity, eval)},
    {NULL, 0},
};
static const qns_result_key id_keys[] = {
    {"graph", offsetof(qns_sensitivity, graph_id)},
    {"weights", offsetof(qns_sensitivity, weights_id)},
    {"qconfig", offsetof(qns_sensitivity, qconfig_id)},
    {"calibration", offsetof(qns_sensitivity, calib_id)},
    {"evaluation", offsetof(qns_sensitivity, eval_id)},
    {NULL, 0},
};
static const qns_result_key effect_keys[] = {
    {"output_sqnr_db", offsetof(qns_effect, output_sqnr_db)},
    {"top1_agreement", offsetof(qns_effect, top1_agreement)},
    {"top1", offsetof(qns_effect, top1)},
    {NULL, 0},
};
static const qns_result_key gain_keys[] = {
    {"gain_db", offsetof(qns_sens_unit, gain_db)},
    {"gain_agreement", offsetof(qns_sens_unit, gain_agreement)},
    {"gain_top1", offsetof(qns_sens_unit, gain_top1)},
    {NULL, 0},
};

static double number_at(const void *of, size_t at)
{
    return *(const double *)(const void *)((const char *)of + at);
}

static const char *text_at(const void *of, size_t at)
{
    return *(const char *const *)(const void *)((const char *)of + at);
}

/* ---- writing ---- */

static json_t *effect_json(qns_json_writer *w, const qns_effect *e)
{
    json_t *o = json_object();
    for (const qns_result_key *k = effect_keys; k->key; k++)
        qns_json_put_number(w, o, k->key, number_at(e, k->at));
    if (!isnan(e->top1)) {
        const double interval[] = {e->top1_lo, e->top1_hi};
        qns_json_put(w, o, "top1_interval", qns_json_numbers(w, interval, 2));
    }
    qns_json_put(w, o, "nonfinite", json_integer(e->nonfinite));
    return o;
}

static json_t *texts(qns_json_writer *w, const char *const *text, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++)
        qns_json_append(w, list, qns_json_text(text[i]));
    return list;
}

static json_t *unit_json(qns_json_writer *w, const qns_sens_unit *u)
{
    json_t *o = json_object(), *out = effect_json(w, &u->out);
    qns_json_put(w, o, "name", qns_json_text(u->name));
    qns_json_put(w, o, "names", texts(w, u->names, u->n_names));
    qns_json_put(w, o, "origin", texts(w, u->origin, u->n_origin));
    qns_json_put(w, o, "op", qns_json_text(u->op));
    qns_json_put(w, o, "index", json_integer(u->index));
    qns_json_put_number(w, o, "macs", u->macs);
    qns_json_put(w, o, "needs_int8_neighbour", json_boolean(u->alone));
    qns_json_put(w, o, "leave_one_in", effect_json(w, &u->in));
    for (const qns_result_key *k = gain_keys; k->key; k++)
        qns_json_put_number(w, out, k->key, number_at(u, k->at));
    qns_json_put(w, o, "leave_one_out", out);
    qns_json_put(w, o, "verdict", qns_json_text(qns_verdict_text(u->verdict)));
    qns_json_put(w, o, "advice", qns_json_text(u->advice));
    return o;
}

static json_t *cost_json(qns_json_writer *w, const qns_sensitivity *s)
{
    json_t *o = json_object();
    const double n = s->n_units;
    qns_json_put(w, o, "unit", json_string("multiply-adds of one run of the float model"));
    qns_json_put_number(w, o, "macs", s->cost.macs);
    qns_json_put_number(w, o, "leave_one_in_runs", s->cost.in_runs);
    qns_json_put_number(w, o, "leave_one_out_runs", s->cost.out_runs);
    qns_json_put_number(w, o, "leave_one_in_runs_per_layer", s->cost.in_runs / n);
    qns_json_put_number(w, o, "leave_one_out_runs_per_layer", s->cost.out_runs / n);
    return o;
}

static json_t *document(qns_json_writer *w, const qns_sensitivity *s)
{
    json_t *doc = json_object(), *id = json_object(), *units = json_array(),
           *ranking = json_array();
    qns_json_put(w, doc, "qns", qns_json_text(s->qns));
    qns_json_put(w, doc, "kind", json_string("sensitivity"));
    for (const qns_result_key *k = head_keys; k->key; k++)
        qns_json_put(w, doc, k->key, qns_json_text(text_at(s, k->at)));
    for (const qns_result_key *k = id_keys; k->key; k++)
        qns_json_put(w, id, k->key, qns_json_text(text_at(s, k->at)));
    qns_json_put(w, doc, "identity", id);
    qns_json_put(w, doc, "calibration_samples", json_integer(s->calib_samples));
    qns_json_put(w, doc, "samples", json_integer(s->samples));
    qns_json_put(w, doc, "classifier", json_boolean(s->classifier));
    qns_json_put(w, doc, "labels", json_boolean(s->labels));
    qns_json_put(w, doc, "float", effect_json(w, &s->ref));
    qns_json_put(w, doc, "int8", effect_json(w, &s->int8));
    qns_json_put(w, doc, "layers_in_int8", json_integer(s->n_all));
    for (uint32_t i = 0; i < s->n_units; i++)
        qns_json_append(w, units, unit_json(w, &s->unit[i]));
    qns_json_put(w, doc, "units", units);
    qns_json_put(w, doc, "order", qns_json_text(s->order));
    for (uint32_t i = 0; i < s->n_units; i++)
        qns_json_append(w, ranking, qns_json_text(s->unit[s->ranking[i]].name));
    qns_json_put(w, doc, "ranking", ranking);
    qns_json_put(w, doc, "cost", cost_json(w, s));
    return doc;
}

static qns_status to_json(qns_str *out, const void *of, bool compact, qns_err *err)
{
    qns_json_writer w = {false};
    json_t *doc = document(&w, of);
    const qns_status st = qns_json_print(out, &w, doc, compact, err);
    json_decref(doc);
    return st;
}

/* ---- reading ---- */

static qns_status read_effect(qns_json_reader *rd, qns_effect *e, const json_t *up_object,
                              const char *key, const qns_json_place *up)
{
    const json_t *o;
    const qns_json_place at = {up, key, 0};
    const double *interval = NULL;
    QNS_TRY(qns_json_get_object(rd, &o, up_object, key, up));
    for (const qns_result_key *k = effect_keys; k->key; k++)
        QNS_TRY(qns_json_get_number(rd, (double *)(void *)((char *)e + k->at), o, k->key, &at));
    e->top1_lo = e->top1_hi = NAN;
    if (json_object_get(o, "top1_interval")) {
        QNS_TRY(qns_json_get_numbers(rd, &interval, 2, o, "top1_interval", &at));
        e->top1_lo = interval[0];
        e->top1_hi = interval[1];
    }
    return qns_json_get_int(rd, &e->nonfinite, o, "nonfinite", 0, INT64_MAX, 0, &at);
}

static qns_status read_texts(qns_json_reader *rd, const char *const **out, uint32_t *n,
                             const json_t *o, const char *key, const qns_json_place *up)
{
    const json_t *list;
    const qns_json_place at = {up, key, 0};
    const char **text;
    QNS_TRY(qns_json_get_array(rd, &list, n, o, key, MAX_UNITS, up));
    QNS_TRY(qns_json_get_memory(rd, &text, *n, sizeof *text));
    for (uint32_t i = 0; i < *n; i++)
        QNS_TRY(qns_json_to_text(rd, &text[i], json_array_get(list, i),
                                 &(qns_json_place){&at, NULL, i}));
    *out = text;
    return QNS_OK;
}

static qns_status read_unit(qns_json_reader *rd, qns_sens_unit *u, const json_t *o,
                            const qns_json_place *at)
{
    const json_t *out;
    const qns_json_place below = {at, "leave_one_out", 0};
    int64_t index;
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_json_get_text(rd, &u->name, o, "name", at));
    QNS_TRY(read_texts(rd, &u->names, &u->n_names, o, "names", at));
    QNS_TRY(read_texts(rd, &u->origin, &u->n_origin, o, "origin", at));
    if (!u->name[0] || u->n_names == 0)
        return qns_json_wrong(rd, &(qns_json_place){at, u->name[0] ? "names" : "name", 0},
                              "the name of a layer");
    QNS_TRY(qns_json_get_text(rd, &u->op, o, "op", at));
    QNS_TRY(qns_json_get_int(rd, &index, o, "index", 0, INT32_MAX, 0, at));
    u->index = (uint32_t)index;
    QNS_TRY(qns_json_get_number(rd, &u->macs, o, "macs", at));
    QNS_TRY(qns_json_get_bool(rd, &u->alone, o, "needs_int8_neighbour", at));
    QNS_TRY(read_effect(rd, &u->in, o, "leave_one_in", at));
    QNS_TRY(read_effect(rd, &u->out, o, "leave_one_out", at));
    QNS_TRY(qns_json_get_object(rd, &out, o, "leave_one_out", at));
    for (const qns_result_key *k = gain_keys; k->key; k++)
        QNS_TRY(
            qns_json_get_number(rd, (double *)(void *)((char *)u + k->at), out, k->key, &below));
    return QNS_OK;
}

static qns_status read_units(qns_json_reader *rd, qns_sensitivity *s, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "units", 0};
    QNS_TRY(qns_json_get_array(rd, &list, &s->n_units, doc, "units", MAX_UNITS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &s->unit, s->n_units, sizeof *s->unit));
    for (uint32_t i = 0; i < s->n_units; i++)
        QNS_TRY(
            read_unit(rd, &s->unit[i], json_array_get(list, i), &(qns_json_place){&at, NULL, i}));
    return QNS_OK;
}

static qns_status read_cost(qns_json_reader *rd, qns_sensitivity *s, const json_t *doc)
{
    const json_t *o;
    const qns_json_place at = {NULL, "cost", 0};
    QNS_TRY(qns_json_get_object(rd, &o, doc, "cost", NULL));
    QNS_TRY(qns_json_get_number(rd, &s->cost.macs, o, "macs", &at));
    QNS_TRY(qns_json_get_number(rd, &s->cost.in_runs, o, "leave_one_in_runs", &at));
    return qns_json_get_number(rd, &s->cost.out_runs, o, "leave_one_out_runs", &at);
}

static qns_status read_document(qns_json_reader *rd, qns_sensitivity *s, const json_t *doc)
{
    const json_t *id;
    const qns_json_place below = {NULL, "identity", 0};
    const char *text;
    qns_sens_order order = QNS_SENS_IN;
    int64_t all;
    QNS_TRY(qns_json_get_text(rd, &s->qns, doc, "qns", NULL));
    for (const qns_result_key *k = head_keys; k->key; k++)
        QNS_TRY(
            qns_json_get_text(rd, (const char **)(void *)((char *)s + k->at), doc, k->key, NULL));
    QNS_TRY(qns_json_get_object(rd, &id, doc, "identity", NULL));
    for (const qns_result_key *k = id_keys; k->key; k++)
        QNS_TRY(
            qns_json_get_text(rd, (const char **)(void *)((char *)s + k->at), id, k->key, &below));
    QNS_TRY(
        qns_json_get_int(rd, &s->calib_samples, doc, "calibration_samples", 0, INT64_MAX, 0, NULL));
    QNS_TRY(qns_json_get_int(rd, &s->samples, doc, "samples", 0, INT64_MAX, 0, NULL));
    QNS_TRY(qns_json_get_bool(rd, &s->classifier, doc, "classifier", NULL));
    QNS_TRY(qns_json_get_bool(rd, &s->labels, doc, "labels", NULL));
    QNS_TRY(read_effect(rd, &s->ref, doc, "float", NULL));
    QNS_TRY(read_effect(rd, &s->int8, doc, "int8", NULL));
    QNS_TRY(qns_json_get_int(rd, &all, doc, "layers_in_int8", 0, UINT32_MAX, 0, NULL));
    s->n_all = (uint32_t)all;
    QNS_TRY(read_units(rd, s, doc));
    QNS_TRY(read_cost(rd, s, doc));
    QNS_TRY(qns_json_get_text(rd, &text, doc, "order", NULL));
    if (text[0] && !qns_sens_order_parse(&order, text))
        return qns_json_wrong(rd, &(qns_json_place){NULL, "order", 0},
                              "\"leave-one-in\", \"leave-one-out\", \"agreement\", \"top1\" or "
                              "\"execution\"");
    /* Verdicts, advice and ranking follow from the numbers. */
    return qns_sensitivity_judge(s, order, rd->err);
}

qns_status qns_sensitivity_from_doc(qns_sensitivity **out, const json_t *doc, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_sensitivity *s = NULL;
    QNS_TRY(qns_new((void **)&s, 1, sizeof *s, err));
    QNS_TRY_DONE(qns_arena_create(&s->arena, err));
    QNS_TRY_DONE(read_document(&(qns_json_reader){s->arena, err}, s, doc));
    *out = s;
    s = NULL;
done:
    qns_sensitivity_free(s);
    return st;
}

static qns_status from_json(void **out, const json_t *doc, qns_err *err)
{
    return qns_sensitivity_from_doc((qns_sensitivity **)out, doc, err);
}

static void free_sensitivity(void *of)
{
    qns_sensitivity_free(of);
}

static qns_status build(qns_report **out, const void *of, qns_err *err)
{
    return qns_sensitivity_build(out, of, err);
}

static void gist(qns_gist *out, const void *of)
{
    const qns_sensitivity *s = of;
    *out = (qns_gist){.qns = s->qns,
                      .ref = "",
                      .test = s->model,
                      .was = "",
                      .samples = s->samples,
                      .layers = s->n_units};
}

static qns_status layers(qns_result **out, const void *of, qns_err *err)
{
    return qns_sensitivity_layers(out, of, err);
}

const qns_kind qns_kind_sensitivity = {.name = "sensitivity",
                                       .from_json = from_json,
                                       .to_json = to_json,
                                       .free = free_sensitivity,
                                       .build = build,
                                       .gist = gist,
                                       .layers = layers};
