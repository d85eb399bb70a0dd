/* SPDX-License-Identifier: MIT */
/* Writing. A jansson tree is built and printed; a failed allocation shows as NULL somewhere in the
 * tree, which put() notices, so that only the end has to ask. */
#include "reports/result_json.h"

#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "reports/label.h"
#include "reports/result_keys.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct writer {
    bool failed;
} writer;

static void put(writer *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        w->failed = true;
}

static void append(writer *w, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        w->failed = true;
}

static json_t *number(double v)
{
    if (isnan(v))
        return json_string("nan");
    if (isinf(v))
        return json_string(v > 0 ? "inf" : "-inf");
    return json_real(v);
}

/* JSON integers end at INT64_MAX here; a larger count is a string of digits. */
static json_t *count(uint64_t v)
{
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_string(digits);
}

/* Text that is not UTF-8 gets replacement characters: a document must stay readable. */
static json_t *text(const char *s)
{
    json_t *j = json_string(s ? s : "");
    if (!j) {
        qns_str t = {0};
        qns_label_add_utf8(&t, s);
        j = t.failed ? NULL : json_string(qns_str_get(&t));
        qns_str_fini(&t);
    }
    return j;
}

static void put_number(writer *w, json_t *o, const char *key, double v)
{
    if (!isnan(v))
        put(w, o, key, number(v));
}

static json_t *numbers(writer *w, const double *v, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        append(w, a, number(v[i]));
    return a;
}

static json_t *counts(writer *w, const uint64_t *v, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        append(w, a, count(v[i]));
    return a;
}

static void put_diff(writer *w, json_t *o, const qns_diff *d)
{
    for (const qns_result_key *k = qns_diff_keys; k->key; k++) {
        const double v = *(const double *)((const char *)d + k->at);
        if (!isnan(v) || d->flags)
            put(w, o, k->key, number(v));
    }
    put(w, o, "n", count(d->n));
    put(w, o, "nonfinite_ref", count(d->nonfinite_ref));
    put(w, o, "nonfinite_test", count(d->nonfinite_test));
    put(w, o, "worst_sample", json_integer(d->worst_sample));
    json_t *flags = json_array();
    for (unsigned bit = 0; bit < QNS_FLAG_BITS; bit++) {
        char name[128];
        qns_flags_text(name, sizeof name, d->flags & (1u << bit));
        if (name[0])
            append(w, flags, json_string(name));
    }
    put(w, o, "flags", flags);
}

static void put_qinfo(writer *w, json_t *layer, const char *key, const qns_qinfo *q)
{
    if (!q->n_scale)
        return;
    json_t *o = json_object(), *zero = json_array();
    put(w, o, "dtype", text(q->dtype));
    put(w, o, "axis", json_integer(q->axis));
    put(w, o, "scale", numbers(w, q->scale, q->n_scale));
    for (uint32_t i = 0; i < q->n_scale; i++)
        append(w, zero, json_integer(q->zero[i]));
    put(w, o, "zero_point", zero);
    put(w, layer, key, o);
}

static void put_hist(writer *w, json_t *layer, const qns_hist *h)
{
    if (!h->n_bins)
        return;
    json_t *o = json_object();
    put_number(w, o, "lo", h->lo);
    put_number(w, o, "hi", h->hi);
    put_number(w, o, "reach_lo", h->reach_lo);
    put_number(w, o, "reach_hi", h->reach_hi);
    put(w, o, "ref", counts(w, h->ref, h->n_bins));
    put(w, o, "test", counts(w, h->test, h->n_bins));
    put(w, layer, "histogram", o);
}

static void put_channels(writer *w, json_t *layer, const char *key, const qns_channels *c)
{
    if (!c->n)
        return;
    json_t *o = json_object();
    put(w, o, "ref_min", numbers(w, c->ref_min, c->n));
    put(w, o, "ref_max", numbers(w, c->ref_max, c->n));
    put(w, o, "reach_lo", numbers(w, c->reach_lo, c->n));
    put(w, o, "reach_hi", numbers(w, c->reach_hi, c->n));
    put(w, o, "sqnr_db", numbers(w, c->sqnr_db, c->n));
    put(w, layer, key, o);
}

static json_t *layer_json(writer *w, const qns_layer *l)
{
    json_t *o = json_object(), *origin = json_array();
    put(w, o, "name", text(l->name));
    put(w, o, "op", text(l->op));
    put(w, o, "kept", text(l->kept));
    put(w, o, "index", json_integer(l->index));
    for (uint32_t i = 0; i < l->n_origin; i++)
        append(w, origin, text(l->origin[i]));
    put(w, o, "origin", origin);
    put(w, o, "macs", count(l->macs));
    put(w, o, "reference_dataset", text(l->ref_dataset));
    put(w, o, "test_dataset", text(l->test_dataset));
    put(w, o, "paired_by", text(l->paired_by));
    const struct {
        const char *key;
        const qns_diff *diff;
    } side[] = {{"weight", &l->weight}, {"activation", &l->activation}, {"local", &l->local}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(side); i++) {
        if (!side[i].diff->present)
            continue;
        json_t *d = json_object();
        put_diff(w, d, side[i].diff);
        put(w, o, side[i].key, d);
    }
    put_qinfo(w, o, "weight_qparams", &l->weight_q);
    put_qinfo(w, o, "activation_qparams", &l->activation_q);
    put_hist(w, o, &l->hist);
    put_channels(w, o, "weight_channels", &l->weight_channels);
    put_channels(w, o, "activation_channels", &l->activation_channels);
    put_number(w, o, "added_db", l->added_db);
    put(w, o, "verdict", text(qns_verdict_text(l->verdict)));
    put(w, o, "advice", text(l->advice));
    return o;
}

static json_t *side_json(writer *w, const qns_side *s)
{
    json_t *o = json_object(), *id = json_object();
    for (const qns_result_key *k = qns_side_keys; k->key; k++)
        put(w, o, k->key, text(*(const char *const *)((const char *)s + k->at)));
    for (const qns_result_key *k = qns_ident_keys; k->key; k++)
        put(w, id, k->key, text(*(const char *const *)((const char *)s + k->at)));
    put(w, o, "identity", id);
    put(w, o, "complete", json_boolean(s->complete));
    put(w, o, "samples", json_integer(s->samples));
    return o;
}

static json_t *coverage_json(writer *w, const qns_result *r)
{
    json_t *o = json_object(), *list = json_array();
    put(w, o, "ops", json_integer(r->coverage.ops));
    put(w, o, "matched", json_integer(r->coverage.matched));
    put(w, o, "folded", json_integer(r->coverage.folded));
    put(w, o, "test_only", json_integer(r->coverage.test_only));
    put_number(w, o, "macs_matched", r->coverage.macs_matched);
    for (uint32_t i = 0; i < r->coverage.n_unmatched; i++) {
        const qns_unmatched *u = &r->coverage.unmatched[i];
        json_t *j = json_object();
        put(w, j, "side", text(u->side));
        put(w, j, "name", text(u->name));
        put(w, j, "op", text(u->op));
        put(w, j, "why", text(u->why));
        put(w, j, "macs", count(u->macs));
        append(w, list, j);
    }
    put(w, o, "unmatched", list);
    return o;
}

static json_t *output_json(writer *w, const qns_result *r)
{
    json_t *o = json_object();
    put(w, o, "name", text(r->output.name));
    if (r->output.diff.present)
        put_diff(w, o, &r->output.diff);
    put_number(w, o, "top1_agreement", r->output.top1_agreement);
    put_number(w, o, "reference_top1", r->output.ref_top1);
    put_number(w, o, "test_top1", r->output.test_top1);
    return o;
}

/* Names where they are unique, as written; numbers where they are not. */
static qns_status put_ranking(writer *w, json_t *doc, const qns_result *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_map seen = {0};
    json_t *list = json_array(), *layers = json_object_get(doc, "layers");
    for (uint32_t i = 0; i < r->n_layers && !w->failed; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(layers, i), "name"));
        const bool twice = qns_map_get(&seen, name) != QNS_MAP_NONE;
        QNS_TRY_DONE(qns_map_put(&seen, name, twice ? UINT32_MAX - 1 : i, err));
    }
    for (uint32_t i = 0; i < r->n_ranking && !w->failed; i++) {
        json_t *name = json_object_get(json_array_get(layers, r->ranking[i]), "name");
        if (qns_map_get(&seen, json_string_value(name)) == r->ranking[i])
            append(w, list, json_incref(name));
        else
            append(w, list, json_integer(r->ranking[i]));
    }
    put(w, doc, "ranking", list);
    list = NULL;
done:
    json_decref(list);
    qns_map_fini(&seen);
    return st;
}

static json_t *findings_json(writer *w, const qns_result *r)
{
    static const char *const severity[] = {"note", "warning", "error"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < r->n_findings; i++) {
        const qns_finding *f = &r->finding[i];
        json_t *o = json_object();
        put(w, o, "code", text(f->code));
        put(w, o, "severity",
            text(severity[f->severity < 0   ? 0
                          : f->severity > 2 ? 2
                                            : f->severity]));
        put(w, o, "subject", text(f->subject));
        put(w, o, "text", text(f->text));
        put(w, o, "advice", text(f->advice));
        append(w, list, o);
    }
    return list;
}

static int add_text(const char *s, size_t n, void *ctx)
{
    qns_str_add_n(ctx, s, n);
    return 0;
}

qns_status qns_result_to_json(qns_str *out, const qns_result *r, bool compact, qns_err *err)
{
    qns_status st = QNS_OK;
    writer w = {false};
    json_t *doc = json_object(), *layers = json_array();
    put(&w, doc, "qns", text(r->qns));
    put(&w, doc, "kind", text(r->kind));
    put(&w, doc, "reference", side_json(&w, &r->ref));
    put(&w, doc, "test", side_json(&w, &r->test));
    put(&w, doc, "samples", json_integer(r->samples));
    put(&w, doc, "coverage", coverage_json(&w, r));
    for (uint32_t i = 0; i < r->n_layers; i++)
        append(&w, layers, layer_json(&w, &r->layer[i]));
    put(&w, doc, "layers", layers);
    QNS_TRY_DONE(put_ranking(&w, doc, r, err));
    put(&w, doc, "output", output_json(&w, r));
    put(&w, doc, "findings", findings_json(&w, r));
    const size_t how = JSON_REAL_PRECISION(17) | (compact ? JSON_COMPACT : JSON_INDENT(1));
    if (w.failed || json_dump_callback(doc, add_text, out, how) != 0 || out->failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot write a result of %u layers", r->n_layers);
    qns_str_add(out, "\n");
done:
    json_decref(doc);
    return st;
}

qns_status qns_result_save(const char *path, const qns_result *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_str t = {0};
    QNS_TRY_DONE(qns_result_to_json(&t, r, false, err));
    QNS_TRY_DONE(qns_file_write(path, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    return st;
}
