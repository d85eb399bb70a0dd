/* SPDX-License-Identifier: MIT */
#include "reports/regression_json.h"

#include "core/base/mem.h"
#include "reports/result_parts.h"

#include <math.h>
#include <string.h>

enum { MAX_LAYERS = 1 << 20 };

static const char *const methods[] = {"bh", "by"};
static const char *const changes[] = {"unchanged", "improved", "regressed", "unmatched", "matched"};
_Static_assert(QNS_ARRAY_LEN(changes) == QNS_CHANGES, "a word for each change");

/* ---- writing ---- */

static void put_diff_at(qns_json_writer *w, json_t *o, const char *key, const qns_diff *d)
{
    if (!d->present)
        return;
    json_t *j = json_object();
    qns_put_diff(w, j, d);
    qns_json_put(w, o, key, j);
}

static void put_test(qns_json_writer *w, json_t *o, const qns_changed *l)
{
    const qns_paired *t = &l->test;
    qns_json_put_number(w, o, "change_db", l->change_db);
    if (t->n == 0)
        return;
    qns_json_put_number(w, o, "low_db", t->lo);
    qns_json_put_number(w, o, "high_db", t->hi);
    qns_json_put_number(w, o, "p", t->p);
    qns_json_put_number(w, o, "q", l->q);
    qns_json_put(w, o, "pairs", qns_json_count(t->n));
    qns_json_put(w, o, "equal_pairs", qns_json_count(t->n_zero));
    qns_json_put(w, o, "exact", json_boolean(t->exact));
    qns_json_put(w, o, "worst_sample", json_integer(l->worst_sample));
    qns_json_put_number(w, o, "worst_db", l->worst_db);
}

static json_t *layer_json(qns_json_writer *w, const qns_changed *l)
{
    json_t *o = json_object();
    qns_json_put(w, o, "name", qns_json_text(l->name));
    qns_json_put(w, o, "op", qns_json_text(l->op));
    qns_json_put(w, o, "index", json_integer(l->index));
    qns_json_put(w, o, "origin", qns_json_texts(w, l->origin, l->n_origin));
    qns_json_put(w, o, "macs", qns_json_count(l->macs));
    qns_json_put(w, o, "old_kept", qns_json_text(l->was_kept));
    qns_json_put(w, o, "new_kept", qns_json_text(l->now_kept));
    put_diff_at(w, o, "old", &l->was);
    put_diff_at(w, o, "new", &l->now);
    put_diff_at(w, o, "old_weight", &l->was_weight);
    put_diff_at(w, o, "new_weight", &l->now_weight);
    put_test(w, o, l);
    qns_json_put(w, o, "change", qns_json_text(changes[l->change]));
    qns_json_put(w, o, "advice", qns_json_text(l->advice));
    return o;
}

static void put_flips(qns_json_writer *w, json_t *o, const char *key, const qns_flips *f)
{
    if (isnan(f->p))
        return;
    json_t *j = json_object();
    qns_json_put_number(w, j, "old", f->was);
    qns_json_put_number(w, j, "new", f->now);
    qns_json_put(w, j, "lost", qns_json_count(f->lost));
    qns_json_put(w, j, "gained", qns_json_count(f->gained));
    qns_json_put_number(w, j, "p", f->p);
    qns_json_put(w, o, key, j);
}

static json_t *output_json(qns_json_writer *w, const qns_regression *r)
{
    json_t *o = json_object();
    qns_json_put(w, o, "name", qns_json_text(r->output.name));
    if (r->output.layer != UINT32_MAX)
        qns_json_put(w, o, "layer", json_integer(r->output.layer));
    put_flips(w, o, "top1_agreement", &r->output.agreement);
    put_flips(w, o, "top1", &r->output.accuracy);
    qns_json_put_number(w, o, "reference_top1", r->output.ref_top1);
    return o;
}

static json_t *coverage_json(qns_json_writer *w, const qns_regress_coverage *c)
{
    json_t *o = json_object();
    qns_json_put(w, o, "ops", json_integer(c->ops));
    qns_json_put(w, o, "matched", json_integer(c->matched));
    qns_json_put(w, o, "folded", json_integer(c->folded));
    qns_json_put_number(w, o, "macs_matched", c->macs_matched);
    return o;
}

static json_t *rules_json(qns_json_writer *w, const qns_regression *r)
{
    json_t *o = json_object();
    qns_json_put_number(w, o, "fdr", r->fdr);
    qns_json_put_number(w, o, "min_change_db", r->min_change_db);
    qns_json_put(w, o, "method", qns_json_text(methods[r->method]));
    return o;
}

static json_t *counts_json(qns_json_writer *w, const qns_regression *r)
{
    json_t *o = json_object();
    for (int i = 0; i < QNS_CHANGES; i++)
        qns_json_put(w, o, changes[i], json_integer(r->n[i]));
    return o;
}

static qns_status to_json(qns_str *out, const void *of, bool compact, qns_err *err)
{
    qns_status st = QNS_OK;
    const qns_regression *r = of;
    qns_json_writer w = {false};
    json_t *doc = json_object(), *layers = json_array(), *coverage = json_object();
    qns_json_put(&w, doc, "qns", qns_json_text(r->qns));
    qns_json_put(&w, doc, "kind", qns_json_text("regression"));
    qns_json_put(&w, doc, "reference", qns_side_json(&w, &r->ref));
    qns_json_put(&w, doc, "old", qns_side_json(&w, &r->was));
    qns_json_put(&w, doc, "new", qns_side_json(&w, &r->now));
    qns_json_put(&w, doc, "samples", json_integer(r->samples));
    qns_json_put(&w, doc, "tested", json_integer(r->tested));
    qns_json_put(&w, doc, "rules", rules_json(&w, r));
    qns_json_put(&w, doc, "counts", counts_json(&w, r));
    qns_json_put_number(&w, doc, "resolution_db", r->resolution_db);
    for (uint32_t i = 0; i < r->n_layers; i++)
        qns_json_append(&w, layers, layer_json(&w, &r->layer[i]));
    qns_json_put(&w, doc, "layers", layers);
    QNS_TRY_DONE(qns_put_ranking(&w, doc, r->ranking, r->n_layers, err));
    qns_json_put(&w, doc, "output", output_json(&w, r));
    qns_json_put(&w, coverage, "old", coverage_json(&w, &r->was_coverage));
    qns_json_put(&w, coverage, "new", coverage_json(&w, &r->now_coverage));
    qns_json_put(&w, doc, "coverage", coverage);
    coverage = NULL;
    qns_json_put(&w, doc, "findings", qns_findings_json(&w, r->finding, r->n_findings));
    QNS_TRY_DONE(qns_json_print(out, &w, doc, compact, err));
done:
    json_decref(coverage);
    json_decref(doc);
    return st;
}

/* ---- reading ---- */

static qns_status get_test(qns_json_reader *rd, qns_changed *l, const json_t *o,
                           const qns_json_place *at)
{
    qns_paired *t = &l->test;
    uint64_t n, zero;
    QNS_TRY(qns_json_get_number(rd, &l->change_db, o, "change_db", at));
    QNS_TRY(qns_json_get_number(rd, &t->lo, o, "low_db", at));
    QNS_TRY(qns_json_get_number(rd, &t->hi, o, "high_db", at));
    QNS_TRY(qns_json_get_number(rd, &t->p, o, "p", at));
    QNS_TRY(qns_json_get_number(rd, &l->q, o, "q", at));
    QNS_TRY(qns_json_get_count(rd, &n, o, "pairs", at));
    QNS_TRY(qns_json_get_count(rd, &zero, o, "equal_pairs", at));
    QNS_TRY(qns_json_get_bool(rd, &t->exact, o, "exact", at));
    QNS_TRY(
        qns_json_get_int(rd, &l->worst_sample, o, "worst_sample", INT64_MIN, INT64_MAX, -1, at));
    t->n = (size_t)n;
    t->n_zero = (size_t)zero;
    t->shift = n ? l->change_db : NAN;
    return qns_json_get_number(rd, &l->worst_db, o, "worst_db", at);
}

static qns_status read_layer(qns_json_reader *rd, qns_changed *l, const json_t *o,
                             const qns_json_place *at)
{
    int64_t index;
    int change;
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_json_get_text(rd, &l->name, o, "name", at));
    if (!l->name[0])
        return qns_json_wrong(rd, &(qns_json_place){at, "name", 0}, "the name of a layer");
    QNS_TRY(qns_json_get_text(rd, &l->op, o, "op", at));
    QNS_TRY(qns_json_get_int(rd, &index, o, "index", INT32_MIN, INT32_MAX, -1, at));
    l->index = (int32_t)index;
    QNS_TRY(qns_json_get_texts(rd, &l->origin, &l->n_origin, o, "origin", at));
    QNS_TRY(qns_json_get_count(rd, &l->macs, o, "macs", at));
    QNS_TRY(qns_json_get_text(rd, &l->was_kept, o, "old_kept", at));
    QNS_TRY(qns_json_get_text(rd, &l->now_kept, o, "new_kept", at));
    QNS_TRY(qns_get_diff(rd, &l->was, o, "old", at));
    QNS_TRY(qns_get_diff(rd, &l->now, o, "new", at));
    QNS_TRY(qns_get_diff(rd, &l->was_weight, o, "old_weight", at));
    QNS_TRY(qns_get_diff(rd, &l->now_weight, o, "new_weight", at));
    QNS_TRY(get_test(rd, l, o, at));
    QNS_TRY(qns_get_word(rd, &change, o, "change", changes, QNS_CHANGES, at));
    l->change = (qns_change)change;
    return qns_json_get_text(rd, &l->advice, o, "advice", at);
}

static qns_status get_layers(qns_json_reader *rd, qns_regression *r, const json_t *doc)
{
    qns_status st = QNS_OK;
    qns_map names = {0};
    const json_t *list;
    uint32_t ranked = 0;
    const qns_json_place at = {NULL, "layers", 0};
    QNS_TRY_DONE(qns_json_get_array(rd, &list, &r->n_layers, doc, "layers", MAX_LAYERS, NULL));
    QNS_TRY_DONE(qns_json_get_memory(rd, &r->layer, r->n_layers, sizeof *r->layer));
    for (uint32_t i = 0; i < r->n_layers; i++) {
        QNS_TRY_DONE(
            read_layer(rd, &r->layer[i], json_array_get(list, i), &(qns_json_place){&at, NULL, i}));
        r->n[r->layer[i].change]++;
    }
    for (uint32_t i = r->n_layers; i-- > 0;)
        QNS_TRY_DONE(qns_map_put(&names, r->layer[i].name, i, rd->err));
    QNS_TRY_DONE(qns_get_ranking(rd, &r->ranking, &ranked, doc, &names, r->n_layers));
    if (ranked != r->n_layers)
        st = qns_json_wrong(rd, &(qns_json_place){NULL, "ranking", 0}, "a list of all layers");
done:
    qns_map_fini(&names);
    return st;
}

static qns_status get_flips(qns_json_reader *rd, qns_flips *f, const json_t *o, const char *key,
                            const qns_json_place *up)
{
    const json_t *j;
    const qns_json_place at = {up, key, 0};
    QNS_TRY(qns_json_get_object(rd, &j, o, key, up));
    QNS_TRY(qns_json_get_number(rd, &f->was, j, "old", &at));
    QNS_TRY(qns_json_get_number(rd, &f->now, j, "new", &at));
    QNS_TRY(qns_json_get_count(rd, &f->lost, j, "lost", &at));
    QNS_TRY(qns_json_get_count(rd, &f->gained, j, "gained", &at));
    return qns_json_get_number(rd, &f->p, j, "p", &at);
}

static qns_status get_output(qns_json_reader *rd, qns_regression *r, const json_t *doc)
{
    const json_t *o;
    const qns_json_place at = {NULL, "output", 0};
    int64_t layer;
    QNS_TRY(qns_json_get_object(rd, &o, doc, "output", NULL));
    QNS_TRY(qns_json_get_text(rd, &r->output.name, o, "name", &at));
    QNS_TRY(qns_json_get_int(rd, &layer, o, "layer", 0, (int64_t)r->n_layers - 1, -1, &at));
    r->output.layer = layer < 0 ? UINT32_MAX : (uint32_t)layer;
    QNS_TRY(get_flips(rd, &r->output.agreement, o, "top1_agreement", &at));
    QNS_TRY(get_flips(rd, &r->output.accuracy, o, "top1", &at));
    return qns_json_get_number(rd, &r->output.ref_top1, o, "reference_top1", &at);
}

static qns_status get_coverage(qns_json_reader *rd, qns_regress_coverage *c, const json_t *doc,
                               const char *key)
{
    const json_t *all, *o;
    const qns_json_place up = {NULL, "coverage", 0}, at = {&up, key, 0};
    int64_t n[3];
    static const char *const keys[] = {"ops", "matched", "folded"};
    QNS_TRY(qns_json_get_object(rd, &all, doc, "coverage", NULL));
    QNS_TRY(qns_json_get_object(rd, &o, all, key, &up));
    for (int i = 0; i < 3; i++)
        QNS_TRY(qns_json_get_int(rd, &n[i], o, keys[i], 0, UINT32_MAX, 0, &at));
    c->ops = (uint32_t)n[0];
    c->matched = (uint32_t)n[1];
    c->folded = (uint32_t)n[2];
    return qns_json_get_number(rd, &c->macs_matched, o, "macs_matched", &at);
}

static qns_status get_rules(qns_json_reader *rd, qns_regression *r, const json_t *doc)
{
    const json_t *o;
    const qns_json_place at = {NULL, "rules", 0};
    int method;
    QNS_TRY(qns_json_get_object(rd, &o, doc, "rules", NULL));
    QNS_TRY(qns_json_get_number(rd, &r->fdr, o, "fdr", &at));
    QNS_TRY(qns_json_get_number(rd, &r->min_change_db, o, "min_change_db", &at));
    QNS_TRY(qns_get_word(rd, &method, o, "method", methods, QNS_ARRAY_LEN(methods), &at));
    r->method = (qns_fdr_method)method;
    return QNS_OK;
}

static qns_status read_document(qns_json_reader *rd, qns_regression *r, const json_t *doc)
{
    QNS_TRY(qns_json_get_text(rd, &r->qns, doc, "qns", NULL));
    QNS_TRY(qns_get_side(rd, &r->ref, doc, "reference"));
    QNS_TRY(qns_get_side(rd, &r->was, doc, "old"));
    QNS_TRY(qns_get_side(rd, &r->now, doc, "new"));
    QNS_TRY(qns_json_get_int(rd, &r->samples, doc, "samples", 0, INT64_MAX, 0, NULL));
    QNS_TRY(qns_json_get_int(rd, &r->tested, doc, "tested", 0, INT64_MAX, 0, NULL));
    QNS_TRY(get_rules(rd, r, doc));
    QNS_TRY(qns_json_get_number(rd, &r->resolution_db, doc, "resolution_db", NULL));
    QNS_TRY(get_layers(rd, r, doc));
    QNS_TRY(get_output(rd, r, doc));
    QNS_TRY(get_coverage(rd, &r->was_coverage, doc, "old"));
    QNS_TRY(get_coverage(rd, &r->now_coverage, doc, "new"));
    return qns_get_findings(rd, &r->finding, &r->n_findings, doc);
}

static qns_status from_json(void **out, const json_t *doc, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_regression *r = NULL;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    QNS_TRY_DONE(read_document(&(qns_json_reader){r->arena, err}, r, doc));
    *out = r;
    r = NULL;
done:
    qns_regression_free(r);
    return st;
}

/* ---- the kind ---- */

static void free_regression(void *of)
{
    qns_regression_free(of);
}

static void gist(qns_gist *out, const void *of)
{
    const qns_regression *r = of;
    *out = (qns_gist){.qns = r->qns,
                      .ref = r->ref.file,
                      .test = r->now.file,
                      .was = r->was.file,
                      .samples = r->samples,
                      .layers = r->n_layers};
    snprintf(out->outcome, sizeof out->outcome, "%u regressed, %u improved, %u unmatched",
             r->n[QNS_REGRESSED], r->n[QNS_IMPROVED], r->n[QNS_NEWLY_UNMATCHED]);
}

static qns_status build(qns_report **out, const void *of, qns_err *err)
{
    return qns_regression_report(out, of, err);
}

const qns_kind qns_kind_regression = {.name = "regression",
                                      .from_json = from_json,
                                      .to_json = to_json,
                                      .free = free_regression,
                                      .build = build,
                                      .gist = gist};

qns_any_result qns_any_of_regression(const qns_regression *r)
{
    return (qns_any_result){.kind = &qns_kind_regression, .of = (void *)(uintptr_t)r};
}
