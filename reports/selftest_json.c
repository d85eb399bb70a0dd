/* SPDX-License-Identifier: MIT */
/* A selftest as a JSON document, and back. The conventions are those of reports/result_json.h. */
#include "core/base/mem.h"
#include "reports/result_parts.h"
#include "reports/selftest.h"

#include <math.h>

enum { MAX_LAYERS = 1 << 16, MAX_FAULTS = 256, STATES = QNS_TRY_SKIPPED + 1 };

static const char *const states[STATES] = {"impossible", "harmless", "missed", "caught", "skipped"};

typedef struct number_key {
    const char *key;
    size_t at;
} number_key;

static const number_key numbers[] = {
    {"local_db", offsetof(qns_fault_try, local_db)},
    {"output_db", offsetof(qns_fault_try, output_db)},
    {"local_lost_db", offsetof(qns_fault_try, local_lost_db)},
    {"activation_lost_db", offsetof(qns_fault_try, activation_lost_db)},
    {"weight_lost_db", offsetof(qns_fault_try, weight_lost_db)},
    {"output_lost_db", offsetof(qns_fault_try, output_lost_db)},
};

/* ---- writing ---- */

static json_t *try_json(qns_json_writer *w, const qns_selftest *t, uint32_t k,
                        const qns_fault_try *a)
{
    json_t *o = json_object();
    qns_json_put(w, o, "layer", qns_json_text(t->layer[k]));
    qns_json_put(w, o, "state", qns_json_text(states[a->state]));
    qns_json_put(w, o, "rule", qns_json_text(a->rule));
    qns_json_put(w, o, "text", qns_json_text(a->text));
    qns_json_put(w, o, "checks", json_integer(a->checks));
    qns_json_put(w, o, "first", json_boolean(a->first));
    qns_json_put(w, o, "named", json_boolean(a->named));
    qns_json_put(w, o, "finding", qns_json_text(a->finding));
    for (size_t i = 0; i < QNS_ARRAY_LEN(numbers); i++)
        qns_json_put_number(w, o, numbers[i].key,
                            *(const double *)(const void *)((const char *)a + numbers[i].at));
    return o;
}

static json_t *fault_json(qns_json_writer *w, const qns_selftest *t, uint32_t f)
{
    const qns_fault_line *l = &t->fault[f];
    json_t *o = json_object(), *tries = json_array();
    qns_json_put(w, o, "name", qns_json_text(l->name));
    qns_json_put(w, o, "what", qns_json_text(l->what));
    qns_json_put(w, o, "possible", json_integer(l->possible));
    qns_json_put(w, o, "caught", json_integer(l->caught));
    qns_json_put(w, o, "first", json_integer(l->first));
    qns_json_put(w, o, "named", json_integer(l->named));
    qns_json_put(w, o, "advice", qns_json_text(l->advice));
    for (uint32_t k = 0; k < t->n_layers; k++)
        qns_json_append(w, tries, try_json(w, t, k, &t->attempt[f * t->n_layers + k]));
    qns_json_put(w, o, "tries", tries);
    return o;
}

static json_t *clean_json(qns_json_writer *w, const qns_selftest *t)
{
    json_t *o = json_object();
    qns_json_put(w, o, "failed", json_integer(t->clean_failed));
    qns_json_put(w, o, "text", qns_json_text(t->clean_text));
    qns_json_put_number(w, o, "output_db", t->clean_output_db);
    qns_json_put(w, o, "local_db", qns_json_numbers(w, t->clean_local_db, t->n_layers));
    return o;
}

static qns_status to_json(qns_str *out, const void *of, bool compact, qns_err *err)
{
    const qns_selftest *t = of;
    qns_json_writer w = {false};
    json_t *doc = json_object(), *faults = json_array();
    qns_json_put(&w, doc, "qns", qns_json_text(t->qns));
    qns_json_put(&w, doc, "kind", qns_json_text("selftest"));
    qns_json_put(&w, doc, "reference", qns_side_json(&w, &t->ref));
    qns_json_put(&w, doc, "test", qns_side_json(&w, &t->test));
    qns_json_put(&w, doc, "rules", qns_json_text(t->rules));
    qns_json_put(&w, doc, "baseline", qns_json_text(t->baseline));
    qns_json_put(&w, doc, "samples", json_integer(t->samples));
    qns_json_put(&w, doc, "runs", json_integer(t->runs));
    qns_json_put(&w, doc, "possible", json_integer(t->possible));
    qns_json_put(&w, doc, "caught", json_integer(t->caught));
    qns_json_put(&w, doc, "first", json_integer(t->first));
    qns_json_put(&w, doc, "named", json_integer(t->named));
    qns_json_put(&w, doc, "skipped", json_integer(t->skipped));
    qns_json_put(&w, doc, "layers", qns_json_texts(&w, t->layer, t->n_layers));
    qns_json_put(&w, doc, "clean", clean_json(&w, t));
    for (uint32_t f = 0; f < t->n_faults; f++)
        qns_json_append(&w, faults, fault_json(&w, t, f));
    qns_json_put(&w, doc, "faults", faults);
    const qns_status st = qns_json_print(out, &w, doc, compact, err);
    json_decref(doc);
    return st;
}

/* ---- reading ---- */

static qns_status get_u32(qns_json_reader *rd, uint32_t *out, const json_t *o, const char *key,
                          const qns_json_place *up)
{
    int64_t v;
    QNS_TRY(qns_json_get_int(rd, &v, o, key, 0, UINT32_MAX, 0, up));
    *out = (uint32_t)v;
    return QNS_OK;
}

static qns_status read_try(qns_json_reader *rd, qns_fault_try *a, const json_t *o,
                           const qns_json_place *at)
{
    int state;
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_get_word(rd, &state, o, "state", states, STATES, at));
    a->state = (qns_try_state)state;
    QNS_TRY(qns_json_get_text(rd, &a->rule, o, "rule", at));
    QNS_TRY(qns_json_get_text(rd, &a->text, o, "text", at));
    QNS_TRY(get_u32(rd, &a->checks, o, "checks", at));
    QNS_TRY(qns_json_get_bool(rd, &a->first, o, "first", at));
    QNS_TRY(qns_json_get_bool(rd, &a->named, o, "named", at));
    QNS_TRY(qns_json_get_text(rd, &a->finding, o, "finding", at));
    for (size_t i = 0; i < QNS_ARRAY_LEN(numbers); i++)
        QNS_TRY(qns_json_get_number(rd, (double *)(void *)((char *)a + numbers[i].at), o,
                                    numbers[i].key, at));
    return QNS_OK;
}

static qns_status read_fault(qns_json_reader *rd, qns_fault_line *l, qns_fault_try *a, uint32_t n,
                             const json_t *o, const qns_json_place *at)
{
    const json_t *tries;
    uint32_t count;
    const qns_json_place list = {at, "tries", 0};
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_json_get_text(rd, &l->name, o, "name", at));
    QNS_TRY(qns_json_get_text(rd, &l->what, o, "what", at));
    QNS_TRY(qns_json_get_text(rd, &l->advice, o, "advice", at));
    QNS_TRY(get_u32(rd, &l->possible, o, "possible", at));
    QNS_TRY(get_u32(rd, &l->caught, o, "caught", at));
    QNS_TRY(get_u32(rd, &l->first, o, "first", at));
    QNS_TRY(get_u32(rd, &l->named, o, "named", at));
    QNS_TRY(qns_json_get_array(rd, &tries, &count, o, "tries", MAX_LAYERS, at));
    if (count != n)
        return qns_json_wrong(rd, &list, "an array with an entry for each of 'layers'");
    for (uint32_t k = 0; k < n; k++)
        QNS_TRY(read_try(rd, &a[k], json_array_get(tries, k), &(qns_json_place){&list, NULL, k}));
    return QNS_OK;
}

static qns_status get_faults(qns_json_reader *rd, qns_selftest *t, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "faults", 0};
    qns_fault_line *line;
    qns_fault_try *a;
    QNS_TRY(qns_json_get_array(rd, &list, &t->n_faults, doc, "faults", MAX_FAULTS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &line, t->n_faults, sizeof *line));
    QNS_TRY(qns_json_get_memory(rd, &a, (size_t)t->n_faults * t->n_layers, sizeof *a));
    for (uint32_t f = 0; f < t->n_faults; f++)
        QNS_TRY(read_fault(rd, &line[f], &a[(size_t)f * t->n_layers], t->n_layers,
                           json_array_get(list, f), &(qns_json_place){&at, NULL, f}));
    t->fault = line;
    t->attempt = a;
    return QNS_OK;
}

static qns_status read_document(qns_json_reader *rd, qns_selftest *t, const json_t *doc)
{
    const json_t *clean;
    const qns_json_place at = {NULL, "clean", 0};
    QNS_TRY(qns_json_get_text(rd, &t->qns, doc, "qns", NULL));
    QNS_TRY(qns_get_side(rd, &t->ref, doc, "reference"));
    QNS_TRY(qns_get_side(rd, &t->test, doc, "test"));
    QNS_TRY(qns_json_get_text(rd, &t->rules, doc, "rules", NULL));
    QNS_TRY(qns_json_get_text(rd, &t->baseline, doc, "baseline", NULL));
    QNS_TRY(qns_json_get_int(rd, &t->samples, doc, "samples", 0, INT64_MAX, 0, NULL));
    QNS_TRY(get_u32(rd, &t->runs, doc, "runs", NULL));
    QNS_TRY(get_u32(rd, &t->possible, doc, "possible", NULL));
    QNS_TRY(get_u32(rd, &t->caught, doc, "caught", NULL));
    QNS_TRY(get_u32(rd, &t->first, doc, "first", NULL));
    QNS_TRY(get_u32(rd, &t->named, doc, "named", NULL));
    QNS_TRY(get_u32(rd, &t->skipped, doc, "skipped", NULL));
    QNS_TRY(qns_json_get_texts(rd, &t->layer, &t->n_layers, doc, "layers", NULL));
    if (t->n_layers > MAX_LAYERS)
        return qns_json_wrong(rd, &(qns_json_place){NULL, "layers", 0}, "shorter");
    QNS_TRY(qns_json_get_object(rd, &clean, doc, "clean", NULL));
    QNS_TRY(get_u32(rd, &t->clean_failed, clean, "failed", &at));
    QNS_TRY(qns_json_get_text(rd, &t->clean_text, clean, "text", &at));
    QNS_TRY(qns_json_get_number(rd, &t->clean_output_db, clean, "output_db", &at));
    QNS_TRY(qns_json_get_numbers(rd, &t->clean_local_db, t->n_layers, clean, "local_db", &at));
    return get_faults(rd, t, doc);
}

static qns_status from_json(void **out, const json_t *doc, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_selftest *t = NULL;
    QNS_TRY(qns_new((void **)&t, 1, sizeof *t, err));
    QNS_TRY_DONE(qns_arena_create(&t->arena, err));
    QNS_TRY_DONE(read_document(&(qns_json_reader){t->arena, err}, t, doc));
    *out = t;
    t = NULL;
done:
    qns_selftest_free(t);
    return st;
}

static void free_selftest(void *of)
{
    qns_selftest_free(of);
}

static void gist(qns_gist *out, const void *of)
{
    const qns_selftest *t = of;
    *out = (qns_gist){.qns = t->qns,
                      .ref = t->ref.file,
                      .test = t->test.file,
                      .was = "",
                      .samples = t->samples,
                      .layers = t->n_layers};
    snprintf(out->outcome, sizeof out->outcome, "%u of %u faults caught", t->caught, t->possible);
}

static qns_status build(qns_report **out, const void *of, qns_err *err)
{
    return qns_selftest_report(out, of, err);
}

const qns_kind qns_kind_selftest = {.name = "selftest",
                                    .from_json = from_json,
                                    .to_json = to_json,
                                    .free = free_selftest,
                                    .build = build,
                                    .gist = gist};

qns_any_result qns_any_of_selftest(const qns_selftest *t)
{
    return (qns_any_result){.kind = &qns_kind_selftest, .of = (void *)(uintptr_t)t};
}
