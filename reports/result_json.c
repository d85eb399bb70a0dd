/* SPDX-License-Identifier: MIT */
#include "reports/result_json.h"

#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "reports/result_parts.h"

#include <math.h>

void qns_put_diff(qns_json_writer *w, json_t *o, const qns_diff *d)
{
    for (const qns_result_key *k = qns_diff_keys; k->key; k++) {
        const double v = *(const double *)((const char *)d + k->at);
        if (!isnan(v) || d->flags)
            qns_json_put(w, o, k->key, qns_json_number(v));
    }
    qns_json_put(w, o, "n", qns_json_count(d->n));
    qns_json_put(w, o, "nonfinite_ref", qns_json_count(d->nonfinite_ref));
    qns_json_put(w, o, "nonfinite_test", qns_json_count(d->nonfinite_test));
    qns_json_put(w, o, "worst_sample", json_integer(d->worst_sample));
    json_t *flags = json_array();
    for (unsigned bit = 0; bit < QNS_FLAG_BITS; bit++) {
        char name[128];
        qns_flags_text(name, sizeof name, d->flags & (1u << bit));
        if (name[0])
            qns_json_append(w, flags, json_string(name));
    }
    qns_json_put(w, o, "flags", flags);
}

static void put_qinfo(qns_json_writer *w, json_t *layer, const char *key, const qns_qinfo *q)
{
    if (!q->n_scale)
        return;
    json_t *o = json_object(), *zero = json_array();
    qns_json_put(w, o, "dtype", qns_json_text(q->dtype));
    qns_json_put(w, o, "axis", json_integer(q->axis));
    qns_json_put(w, o, "scale", qns_json_numbers(w, q->scale, q->n_scale));
    for (uint32_t i = 0; i < q->n_scale; i++)
        qns_json_append(w, zero, json_integer(q->zero[i]));
    qns_json_put(w, o, "zero_point", zero);
    qns_json_put(w, layer, key, o);
}

static void put_hist(qns_json_writer *w, json_t *layer, const qns_hist *h)
{
    if (!h->n_bins)
        return;
    json_t *o = json_object();
    qns_json_put_number(w, o, "lo", h->lo);
    qns_json_put_number(w, o, "hi", h->hi);
    qns_json_put_number(w, o, "reach_lo", h->reach_lo);
    qns_json_put_number(w, o, "reach_hi", h->reach_hi);
    qns_json_put(w, o, "ref", qns_json_counts(w, h->ref, h->n_bins));
    qns_json_put(w, o, "test", qns_json_counts(w, h->test, h->n_bins));
    if (h->error_rms) {
        qns_json_put(w, o, "error_rms", qns_json_numbers(w, h->error_rms, h->n_bins));
        qns_json_put(w, o, "error_mean", qns_json_numbers(w, h->error_mean, h->n_bins));
    }
    qns_json_put(w, layer, "histogram", o);
}

static void put_channels(qns_json_writer *w, json_t *layer, const char *key, const qns_channels *c)
{
    if (!c->n)
        return;
    json_t *o = json_object();
    qns_json_put(w, o, "ref_min", qns_json_numbers(w, c->ref_min, c->n));
    qns_json_put(w, o, "ref_max", qns_json_numbers(w, c->ref_max, c->n));
    qns_json_put(w, o, "reach_lo", qns_json_numbers(w, c->reach_lo, c->n));
    qns_json_put(w, o, "reach_hi", qns_json_numbers(w, c->reach_hi, c->n));
    qns_json_put(w, o, "sqnr_db", qns_json_numbers(w, c->sqnr_db, c->n));
    qns_json_put(w, layer, key, o);
}

static json_t *layer_json(qns_json_writer *w, const qns_result *r, const qns_layer *l)
{
    json_t *o = json_object(), *inputs = json_array();
    qns_json_put(w, o, "name", qns_json_text(l->name));
    qns_json_put(w, o, "op", qns_json_text(l->op));
    qns_json_put(w, o, "kept", qns_json_text(l->kept));
    qns_json_put(w, o, "index", json_integer(l->index));
    qns_json_put(w, o, "origin", qns_json_texts(w, l->origin, l->n_origin));
    for (uint32_t i = 0; i < l->n_from; i++)
        qns_json_append(w, inputs, qns_json_text(r->layer[l->from[i]].name));
    qns_json_put(w, o, "inputs", inputs);
    qns_json_put(w, o, "macs", qns_json_count(l->macs));
    qns_json_put(w, o, "reference_dataset", qns_json_text(l->ref_dataset));
    qns_json_put(w, o, "test_dataset", qns_json_text(l->test_dataset));
    qns_json_put(w, o, "paired_by", qns_json_text(l->paired_by));
    const struct {
        const char *key;
        const qns_diff *diff;
    } side[] = {{"weight", &l->weight}, {"activation", &l->activation}, {"local", &l->local}};
    for (size_t i = 0; i < QNS_ARRAY_LEN(side); i++) {
        if (!side[i].diff->present)
            continue;
        json_t *d = json_object();
        qns_put_diff(w, d, side[i].diff);
        qns_json_put(w, o, side[i].key, d);
    }
    put_qinfo(w, o, "weight_qparams", &l->weight_q);
    put_qinfo(w, o, "activation_qparams", &l->activation_q);
    put_hist(w, o, &l->hist);
    put_channels(w, o, "weight_channels", &l->weight_channels);
    put_channels(w, o, "activation_channels", &l->activation_channels);
    qns_json_put_number(w, o, "added_db", l->added_db);
    qns_json_put(w, o, "verdict", qns_json_text(qns_verdict_text(l->verdict)));
    qns_json_put(w, o, "advice", qns_json_text(l->advice));
    return o;
}

json_t *qns_side_json(qns_json_writer *w, const qns_side *s)
{
    json_t *o = json_object(), *id = json_object();
    for (const qns_result_key *k = qns_side_keys; k->key; k++)
        qns_json_put(w, o, k->key, qns_json_text(*(const char *const *)((const char *)s + k->at)));
    for (const qns_result_key *k = qns_ident_keys; k->key; k++)
        qns_json_put(w, id, k->key, qns_json_text(*(const char *const *)((const char *)s + k->at)));
    qns_json_put(w, o, "identity", id);
    qns_json_put(w, o, "complete", json_boolean(s->complete));
    qns_json_put(w, o, "samples", json_integer(s->samples));
    return o;
}

static json_t *coverage_json(qns_json_writer *w, const qns_result *r)
{
    json_t *o = json_object(), *list = json_array();
    qns_json_put(w, o, "ops", json_integer(r->coverage.ops));
    qns_json_put(w, o, "matched", json_integer(r->coverage.matched));
    qns_json_put(w, o, "folded", json_integer(r->coverage.folded));
    qns_json_put(w, o, "test_only", json_integer(r->coverage.test_only));
    qns_json_put_number(w, o, "macs_matched", r->coverage.macs_matched);
    for (uint32_t i = 0; i < r->coverage.n_unmatched; i++) {
        const qns_unmatched *u = &r->coverage.unmatched[i];
        json_t *j = json_object();
        qns_json_put(w, j, "side", qns_json_text(u->side));
        qns_json_put(w, j, "name", qns_json_text(u->name));
        qns_json_put(w, j, "op", qns_json_text(u->op));
        qns_json_put(w, j, "why", qns_json_text(u->why));
        qns_json_put(w, j, "macs", qns_json_count(u->macs));
        qns_json_append(w, list, j);
    }
    qns_json_put(w, o, "unmatched", list);
    return o;
}

static json_t *output_json(qns_json_writer *w, const qns_result *r)
{
    json_t *o = json_object();
    qns_json_put(w, o, "name", qns_json_text(r->output.name));
    if (r->output.diff.present)
        qns_put_diff(w, o, &r->output.diff);
    qns_json_put_number(w, o, "top1_agreement", r->output.top1_agreement);
    qns_json_put_number(w, o, "reference_top1", r->output.ref_top1);
    qns_json_put_number(w, o, "test_top1", r->output.test_top1);
    return o;
}

qns_status qns_put_ranking(qns_json_writer *w, json_t *doc, const uint32_t *ranking, uint32_t n,
                           qns_err *err)
{
    qns_status st = QNS_OK;
    qns_map seen = {0};
    json_t *list = json_array(), *layers = json_object_get(doc, "layers");
    for (uint32_t i = 0; i < json_array_size(layers) && !w->failed; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(layers, i), "name"));
        const bool twice = qns_map_get(&seen, name) != QNS_MAP_NONE;
        QNS_TRY_DONE(qns_map_put(&seen, name, twice ? UINT32_MAX - 1 : i, err));
    }
    for (uint32_t i = 0; i < n && !w->failed; i++) {
        json_t *name = json_object_get(json_array_get(layers, ranking[i]), "name");
        if (qns_map_get(&seen, json_string_value(name)) == ranking[i])
            qns_json_append(w, list, json_incref(name));
        else
            qns_json_append(w, list, json_integer(ranking[i]));
    }
    qns_json_put(w, doc, "ranking", list);
    list = NULL;
done:
    json_decref(list);
    qns_map_fini(&seen);
    return st;
}

json_t *qns_findings_json(qns_json_writer *w, const qns_finding *v, uint32_t n)
{
    static const char *const severity[] = {"note", "warning", "error"};
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        const qns_finding *f = &v[i];
        json_t *o = json_object();
        qns_json_put(w, o, "code", qns_json_text(f->code));
        qns_json_put(w, o, "severity",
                     qns_json_text(severity[f->severity < 0   ? 0
                                            : f->severity > 2 ? 2
                                                              : f->severity]));
        qns_json_put(w, o, "subject", qns_json_text(f->subject));
        qns_json_put(w, o, "text", qns_json_text(f->text));
        qns_json_put(w, o, "advice", qns_json_text(f->advice));
        qns_json_append(w, list, o);
    }
    return list;
}

qns_status qns_result_to_json(qns_str *out, const qns_result *r, bool compact, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_json_writer w = {false};
    json_t *doc = json_object(), *layers = json_array();
    qns_json_put(&w, doc, "qns", qns_json_text(r->qns));
    qns_json_put(&w, doc, "kind", qns_json_text(r->kind));
    qns_json_put(&w, doc, "reference", qns_side_json(&w, &r->ref));
    qns_json_put(&w, doc, "test", qns_side_json(&w, &r->test));
    qns_json_put(&w, doc, "samples", json_integer(r->samples));
    qns_json_put(&w, doc, "coverage", coverage_json(&w, r));
    for (uint32_t i = 0; i < r->n_layers; i++)
        qns_json_append(&w, layers, layer_json(&w, r, &r->layer[i]));
    qns_json_put(&w, doc, "layers", layers);
    QNS_TRY_DONE(qns_put_ranking(&w, doc, r->ranking, r->n_ranking, err));
    qns_json_put(&w, doc, "output", output_json(&w, r));
    qns_json_put(&w, doc, "findings", qns_findings_json(&w, r->finding, r->n_findings));
    QNS_TRY_DONE(qns_json_print(out, &w, doc, compact, err));
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
