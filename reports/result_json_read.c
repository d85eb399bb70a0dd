/* SPDX-License-Identifier: MIT */
#include "reports/result_json.h"

#include "core/base/map.h"
#include "core/base/mem.h"
#include "reports/result_parts.h"

#include <stdio.h>
#include <string.h>

enum { MAX_LAYERS = 1 << 20, MAX_BINS = 1 << 16, MAX_CHANNELS = 1 << 20 };

qns_status qns_read_diff(qns_json_reader *rd, qns_diff *d, const json_t *o,
                         const qns_json_place *at)
{
    const json_t *flags;
    uint32_t n;
    for (const qns_result_key *k = qns_diff_keys; k->key; k++)
        QNS_TRY(qns_json_get_number(rd, (double *)(void *)((char *)d + k->at), o, k->key, at));
    QNS_TRY(qns_json_get_count(rd, &d->n, o, "n", at));
    QNS_TRY(qns_json_get_count(rd, &d->nonfinite_ref, o, "nonfinite_ref", at));
    QNS_TRY(qns_json_get_count(rd, &d->nonfinite_test, o, "nonfinite_test", at));
    QNS_TRY(
        qns_json_get_int(rd, &d->worst_sample, o, "worst_sample", INT64_MIN, INT64_MAX, -1, at));
    QNS_TRY(qns_json_get_array(rd, &flags, &n, o, "flags", 64, at));
    const qns_json_place list = {at, "flags", 0};
    for (uint32_t i = 0; i < n; i++) {
        const char *s = json_string_value(json_array_get(flags, i));
        const unsigned flag = s ? qns_flag_parse(s) : 0;
        if (!flag)
            return qns_json_wrong(rd, &(qns_json_place){&list, NULL, i},
                                  "the name of a flag, such as \"EXACT\"");
        d->flags |= flag;
    }
    d->present = true;
    return QNS_OK;
}

qns_status qns_get_diff(qns_json_reader *rd, qns_diff *d, const json_t *o, const char *key,
                        const qns_json_place *up)
{
    const json_t *j;
    QNS_TRY(qns_json_get_object(rd, &j, o, key, up));
    QNS_TRY(qns_read_diff(rd, d, j, &(qns_json_place){up, key, 0}));
    d->present = j != NULL;
    return QNS_OK;
}

static qns_status get_qinfo(qns_json_reader *rd, qns_qinfo *q, const json_t *o, const char *key,
                            const qns_json_place *up)
{
    const json_t *j, *zero;
    const qns_json_place at = {up, key, 0}, list = {&at, "zero_point", 0};
    int64_t v;
    int32_t *z;
    uint32_t n;
    QNS_TRY(qns_json_get_object(rd, &j, o, key, up));
    QNS_TRY(qns_json_get_text(rd, &q->dtype, j, "dtype", &at));
    QNS_TRY(qns_json_get_int(rd, &v, j, "axis", -1, 15, -1, &at));
    q->axis = (int32_t)v;
    if (!j)
        return QNS_OK;
    QNS_TRY(qns_json_get_array(rd, &zero, &n, j, "zero_point", MAX_CHANNELS, &at));
    if (!n)
        return qns_json_wrong(rd, &list, "an array of at least one element");
    QNS_TRY(qns_json_get_numbers(rd, &q->scale, n, j, "scale", &at));
    QNS_TRY(qns_json_get_memory(rd, &z, n, sizeof *z));
    for (uint32_t i = 0; i < n; i++) {
        QNS_TRY(qns_json_to_int(rd, &v, json_array_get(zero, i), INT32_MIN, INT32_MAX,
                                &(qns_json_place){&list, NULL, i}));
        z[i] = (int32_t)v;
    }
    q->zero = z;
    q->n_scale = n;
    return QNS_OK;
}

static qns_status get_hist(qns_json_reader *rd, qns_hist *h, const json_t *o,
                           const qns_json_place *up)
{
    const json_t *j, *list;
    const qns_json_place at = {up, "histogram", 0};
    uint32_t n;
    QNS_TRY(qns_json_get_object(rd, &j, o, "histogram", up));
    QNS_TRY(qns_json_get_number(rd, &h->lo, j, "lo", &at));
    QNS_TRY(qns_json_get_number(rd, &h->hi, j, "hi", &at));
    QNS_TRY(qns_json_get_number(rd, &h->reach_lo, j, "reach_lo", &at));
    QNS_TRY(qns_json_get_number(rd, &h->reach_hi, j, "reach_hi", &at));
    QNS_TRY(qns_json_get_array(rd, &list, &n, j, "ref", MAX_BINS, &at));
    QNS_TRY(qns_json_get_counts(rd, &h->ref, n, j, "ref", &at));
    QNS_TRY(qns_json_get_counts(rd, &h->test, n, j, "test", &at));
    h->n_bins = n;
    if (!json_object_get(j, "error_rms"))
        return QNS_OK;
    QNS_TRY(qns_json_get_numbers(rd, &h->error_rms, n, j, "error_rms", &at));
    return qns_json_get_numbers(rd, &h->error_mean, n, j, "error_mean", &at);
}

static qns_status get_channels(qns_json_reader *rd, qns_channels *c, const json_t *o,
                               const char *key, const qns_json_place *up)
{
    const json_t *j, *list;
    const qns_json_place at = {up, key, 0};
    QNS_TRY(qns_json_get_object(rd, &j, o, key, up));
    if (!j)
        return QNS_OK;
    QNS_TRY(qns_json_get_array(rd, &list, &c->n, j, "ref_min", MAX_CHANNELS, &at));
    QNS_TRY(qns_json_get_numbers(rd, &c->ref_min, c->n, j, "ref_min", &at));
    QNS_TRY(qns_json_get_numbers(rd, &c->ref_max, c->n, j, "ref_max", &at));
    QNS_TRY(qns_json_get_numbers(rd, &c->reach_lo, c->n, j, "reach_lo", &at));
    QNS_TRY(qns_json_get_numbers(rd, &c->reach_hi, c->n, j, "reach_hi", &at));
    return qns_json_get_numbers(rd, &c->sqnr_db, c->n, j, "sqnr_db", &at);
}

qns_status qns_get_word(qns_json_reader *rd, int *out, const json_t *o, const char *key,
                        const char *const *word, int n, const qns_json_place *up)
{
    const char *s;
    QNS_TRY(qns_json_get_text(rd, &s, o, key, up));
    *out = 0;
    for (int i = 0; i < n; i++)
        if (strcmp(word[i], s) == 0) {
            *out = i;
            return QNS_OK;
        }
    char want[160];
    size_t used = 0;
    for (int i = 0; i < n && used < sizeof want; i++)
        used += (size_t)snprintf(want + used, sizeof want - used, "%s\"%s\"",
                                 i == 0       ? ""
                                 : i + 1 == n ? " or "
                                              : ", ",
                                 word[i]);
    return json_object_get(o, key) ? qns_json_wrong(rd, &(qns_json_place){up, key, 0}, want)
                                   : QNS_OK;
}

static qns_status read_layer(qns_json_reader *rd, qns_layer *l, const json_t *o,
                             const qns_json_place *at)
{
    const char *const verdicts[] = {"ok", "watch", "bad"};
    int64_t index;
    int verdict;
    if (!json_is_object(o))
        return qns_json_wrong(rd, at, "an object");
    QNS_TRY(qns_json_get_text(rd, &l->name, o, "name", at));
    if (!l->name[0])
        return qns_json_wrong(rd, &(qns_json_place){at, "name", 0}, "the name of a layer");
    QNS_TRY(qns_json_get_text(rd, &l->op, o, "op", at));
    QNS_TRY(qns_json_get_text(rd, &l->kept, o, "kept", at));
    QNS_TRY(qns_json_get_int(rd, &index, o, "index", INT32_MIN, INT32_MAX, -1, at));
    l->index = (int32_t)index;
    QNS_TRY(qns_json_get_texts(rd, &l->origin, &l->n_origin, o, "origin", at));
    QNS_TRY(qns_json_get_count(rd, &l->macs, o, "macs", at));
    QNS_TRY(qns_json_get_text(rd, &l->ref_dataset, o, "reference_dataset", at));
    QNS_TRY(qns_json_get_text(rd, &l->test_dataset, o, "test_dataset", at));
    QNS_TRY(qns_json_get_text(rd, &l->paired_by, o, "paired_by", at));
    QNS_TRY(qns_get_diff(rd, &l->weight, o, "weight", at));
    QNS_TRY(qns_get_diff(rd, &l->activation, o, "activation", at));
    QNS_TRY(qns_get_diff(rd, &l->local, o, "local", at));
    QNS_TRY(get_qinfo(rd, &l->weight_q, o, "weight_qparams", at));
    QNS_TRY(get_qinfo(rd, &l->activation_q, o, "activation_qparams", at));
    QNS_TRY(get_hist(rd, &l->hist, o, at));
    QNS_TRY(get_channels(rd, &l->weight_channels, o, "weight_channels", at));
    QNS_TRY(get_channels(rd, &l->activation_channels, o, "activation_channels", at));
    QNS_TRY(qns_json_get_number(rd, &l->added_db, o, "added_db", at));
    QNS_TRY(qns_get_word(rd, &verdict, o, "verdict", verdicts, 3, at));
    l->verdict = (qns_verdict_level)verdict;
    return qns_json_get_text(rd, &l->advice, o, "advice", at);
}

qns_status qns_get_side(qns_json_reader *rd, qns_side *s, const json_t *doc, const char *key)
{
    const json_t *o, *id;
    const qns_json_place at = {NULL, key, 0}, below = {&at, "identity", 0};
    QNS_TRY(qns_json_get_object(rd, &o, doc, key, NULL));
    for (const qns_result_key *k = qns_side_keys; k->key; k++)
        QNS_TRY(qns_json_get_text(rd, (const char **)(void *)((char *)s + k->at), o, k->key, &at));
    QNS_TRY(qns_json_get_object(rd, &id, o, "identity", &at));
    for (const qns_result_key *k = qns_ident_keys; k->key; k++)
        QNS_TRY(
            qns_json_get_text(rd, (const char **)(void *)((char *)s + k->at), id, k->key, &below));
    QNS_TRY(qns_json_get_bool(rd, &s->complete, o, "complete", &at));
    return qns_json_get_int(rd, &s->samples, o, "samples", 0, INT64_MAX, 0, &at);
}

static qns_status get_coverage(qns_json_reader *rd, qns_result *r, const json_t *doc)
{
    const json_t *o, *list;
    const qns_json_place at = {NULL, "coverage", 0}, below = {&at, "unmatched", 0};
    const struct {
        const char *key;
        uint32_t *to;
    } field[] = {{"ops", &r->coverage.ops},
                 {"matched", &r->coverage.matched},
                 {"folded", &r->coverage.folded},
                 {"test_only", &r->coverage.test_only}};
    qns_unmatched *u;
    QNS_TRY(qns_json_get_object(rd, &o, doc, "coverage", NULL));
    for (size_t i = 0; i < QNS_ARRAY_LEN(field); i++) {
        int64_t v;
        QNS_TRY(qns_json_get_int(rd, &v, o, field[i].key, 0, UINT32_MAX, 0, &at));
        *field[i].to = (uint32_t)v;
    }
    QNS_TRY(qns_json_get_number(rd, &r->coverage.macs_matched, o, "macs_matched", &at));
    QNS_TRY(
        qns_json_get_array(rd, &list, &r->coverage.n_unmatched, o, "unmatched", MAX_LAYERS, &at));
    QNS_TRY(qns_json_get_memory(rd, &u, r->coverage.n_unmatched, sizeof *u));
    r->coverage.unmatched = u;
    for (uint32_t i = 0; i < r->coverage.n_unmatched; i++) {
        const json_t *j = json_array_get(list, i);
        const qns_json_place one = {&below, NULL, i};
        if (!json_is_object(j))
            return qns_json_wrong(rd, &one, "an object");
        QNS_TRY(qns_json_get_text(rd, &u[i].side, j, "side", &one));
        QNS_TRY(qns_json_get_text(rd, &u[i].name, j, "name", &one));
        QNS_TRY(qns_json_get_text(rd, &u[i].op, j, "op", &one));
        QNS_TRY(qns_json_get_text(rd, &u[i].why, j, "why", &one));
        QNS_TRY(qns_json_get_count(rd, &u[i].macs, j, "macs", &one));
    }
    return QNS_OK;
}

qns_status qns_get_findings(qns_json_reader *rd, const qns_finding **out, uint32_t *n,
                            const json_t *doc)
{
    const char *const severities[] = {"note", "warning", "error"};
    const json_t *list;
    const qns_json_place at = {NULL, "findings", 0};
    qns_finding *f;
    QNS_TRY(qns_json_get_array(rd, &list, n, doc, "findings", MAX_LAYERS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &f, *n, sizeof *f));
    *out = f;
    for (uint32_t i = 0; i < *n; i++) {
        const json_t *j = json_array_get(list, i);
        const qns_json_place one = {&at, NULL, i};
        if (!json_is_object(j))
            return qns_json_wrong(rd, &one, "an object");
        QNS_TRY(qns_json_get_text(rd, &f[i].code, j, "code", &one));
        QNS_TRY(qns_get_word(rd, &f[i].severity, j, "severity", severities, 3, &one));
        QNS_TRY(qns_json_get_text(rd, &f[i].subject, j, "subject", &one));
        QNS_TRY(qns_json_get_text(rd, &f[i].text, j, "text", &one));
        QNS_TRY(qns_json_get_text(rd, &f[i].advice, j, "advice", &one));
    }
    return QNS_OK;
}

static qns_status get_layers(qns_json_reader *rd, qns_result *r, const json_t *doc)
{
    const json_t *list;
    const qns_json_place at = {NULL, "layers", 0};
    QNS_TRY(qns_json_get_array(rd, &list, &r->n_layers, doc, "layers", MAX_LAYERS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &r->layer, r->n_layers, sizeof *r->layer));
    for (uint32_t i = 0; i < r->n_layers; i++)
        QNS_TRY(
            read_layer(rd, &r->layer[i], json_array_get(list, i), &(qns_json_place){&at, NULL, i}));
    return QNS_OK;
}

qns_status qns_get_ranking(qns_json_reader *rd, const uint32_t **out, uint32_t *n,
                           const json_t *doc, const qns_map *names, uint32_t n_layers)
{
    const qns_json_place at = {NULL, "ranking", 0};
    const json_t *list;
    uint32_t *rank;
    bool *used;
    QNS_TRY(qns_json_get_array(rd, &list, n, doc, "ranking", MAX_LAYERS, NULL));
    QNS_TRY(qns_json_get_memory(rd, &rank, *n, sizeof *rank));
    QNS_TRY(qns_json_get_memory(rd, &used, n_layers, sizeof *used));
    *out = rank;
    for (uint32_t i = 0; i < *n; i++) {
        const json_t *j = json_array_get(list, i);
        const qns_json_place one = {&at, NULL, i};
        const char *s = json_string_value(j);
        int64_t v = s ? (int64_t)qns_map_get(names, s) : -1;
        if (!s)
            QNS_TRY(qns_json_to_int(rd, &v, j, 0, (int64_t)n_layers - 1, &one));
        if (v < 0 || v >= (int64_t)n_layers)
            return qns_json_wrong(rd, &one, "the name of a layer in 'layers'");
        if (used[v])
            return qns_json_wrong(rd, &one, "a layer that was not ranked before");
        used[v] = true;
        rank[i] = (uint32_t)v;
    }
    return QNS_OK;
}

/* Names of layers whose values this one reads. */
static qns_status get_inputs(qns_json_reader *rd, qns_layer *l, const json_t *o,
                             const qns_map *names, const qns_json_place *up)
{
    const json_t *list;
    const qns_json_place at = {up, "inputs", 0};
    uint32_t *from;
    QNS_TRY(qns_json_get_array(rd, &list, &l->n_from, o, "inputs", MAX_LAYERS, up));
    QNS_TRY(qns_json_get_memory(rd, &from, l->n_from, sizeof *from));
    l->from = from;
    for (uint32_t i = 0; i < l->n_from; i++) {
        const char *name;
        const qns_json_place one = {&at, NULL, i};
        QNS_TRY(qns_json_to_text(rd, &name, json_array_get(list, i), &one));
        from[i] = qns_map_get(names, name);
        if (from[i] == QNS_MAP_NONE)
            return qns_json_wrong(rd, &one, "the name of a layer in 'layers'");
    }
    return QNS_OK;
}

/* What refers to layers by name. */
static qns_status get_references(qns_json_reader *rd, qns_result *r, const json_t *doc)
{
    qns_status st = QNS_OK;
    qns_map names = {0};
    const json_t *list = json_object_get(doc, "layers");
    const qns_json_place at = {NULL, "layers", 0};
    for (uint32_t i = r->n_layers; i-- > 0;)
        QNS_TRY_DONE(qns_map_put(&names, r->layer[i].name, i, rd->err));
    for (uint32_t i = 0; i < r->n_layers; i++)
        QNS_TRY_DONE(get_inputs(rd, &r->layer[i], json_array_get(list, i), &names,
                                &(qns_json_place){&at, NULL, i}));
    QNS_TRY_DONE(qns_get_ranking(rd, &r->ranking, &r->n_ranking, doc, &names, r->n_layers));
done:
    qns_map_fini(&names);
    return st;
}

static qns_status get_output(qns_json_reader *rd, qns_result *r, const json_t *doc)
{
    const json_t *o;
    const qns_json_place at = {NULL, "output", 0};
    QNS_TRY(qns_json_get_object(rd, &o, doc, "output", NULL));
    QNS_TRY(qns_json_get_text(rd, &r->output.name, o, "name", &at));
    QNS_TRY(qns_read_diff(rd, &r->output.diff, o, &at));
    r->output.diff.present = json_object_get(o, "flags") || json_object_get(o, "sqnr_db");
    QNS_TRY(qns_json_get_number(rd, &r->output.top1_agreement, o, "top1_agreement", &at));
    QNS_TRY(qns_json_get_number(rd, &r->output.ref_top1, o, "reference_top1", &at));
    return qns_json_get_number(rd, &r->output.test_top1, o, "test_top1", &at);
}

static qns_status read_document(qns_json_reader *rd, qns_result *r, const json_t *doc)
{
    if (!json_is_object(doc))
        QNS_FAIL(rd->err, FORMAT, "not a result: the document must be an object");
    QNS_TRY(qns_json_get_text(rd, &r->qns, doc, "qns", NULL));
    QNS_TRY(qns_json_get_text(rd, &r->kind, doc, "kind", NULL));
    if (strcmp(r->kind, "comparison") != 0 && strcmp(r->kind, "shadow") != 0)
        return qns_json_wrong(rd, &(qns_json_place){NULL, "kind", 0},
                              "\"comparison\" or \"shadow\"");
    QNS_TRY(qns_get_side(rd, &r->ref, doc, "reference"));
    QNS_TRY(qns_get_side(rd, &r->test, doc, "test"));
    QNS_TRY(qns_json_get_int(rd, &r->samples, doc, "samples", 0, INT64_MAX, 0, NULL));
    QNS_TRY(get_coverage(rd, r, doc));
    QNS_TRY(get_layers(rd, r, doc));
    QNS_TRY(get_references(rd, r, doc));
    QNS_TRY(get_output(rd, r, doc));
    return qns_get_findings(rd, &r->finding, &r->n_findings, doc);
}

qns_status qns_result_from_doc(qns_result **out, const json_t *doc, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_result *r = NULL;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    QNS_TRY_DONE(read_document(&(qns_json_reader){r->arena, err}, r, doc));
    *out = r;
    r = NULL;
done:
    qns_result_free(r);
    return st;
}

qns_status qns_result_from_json(qns_result **out, const char *text, size_t n, qns_err *err)
{
    json_t *doc = NULL;
    QNS_TRY(qns_json_parse(&doc, text, n, err));
    const qns_status st = qns_result_from_doc(out, doc, err);
    json_decref(doc);
    return st;
}

qns_status qns_result_load(qns_result **out, const char *path, qns_err *err)
{
    json_t *doc = NULL;
    qns_status st = qns_json_load(&doc, path, err);
    if (st == QNS_OK)
        st = qns_result_from_doc(out, doc, err);
    if (st != QNS_OK)
        qns_err_note(err, "reading '%s'", path);
    json_decref(doc);
    return st;
}
