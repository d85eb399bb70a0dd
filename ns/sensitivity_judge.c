/* SPDX-License-Identifier: MIT */
/* What sensitivities mean: verdicts, advice, ranking.
 *
 * Alone in int8 a layer is bad when the output's SQNR is below 10 dB or the answer changes for more
 * than a tenth of the samples, and to watch below 20 dB or above a twentieth: the limits of
 * ns/result.h and of the report. A gain of 3 dB means that this layer makes half of all error. */
#include "core/base/mem.h"
#include "ns/sensitivity.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double half_of_error_db = 3;

static const char *const order_texts[] = {"leave-one-in", "leave-one-out", "agreement", "top1",
                                          "execution"};

const char *qns_sens_order_text(qns_sens_order o)
{
    return order_texts[o];
}

bool qns_sens_order_parse(qns_sens_order *out, const char *text)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(order_texts); i++)
        if (strcmp(order_texts[i], text) == 0) {
            *out = (qns_sens_order)i;
            return true;
        }
    return false;
}

/* ---- verdicts ---- */

/* NaN in the float model's own outputs is not the layer's fault. */
static bool breaks(const qns_sensitivity *s, const qns_effect *e)
{
    return e->nonfinite > s->ref.nonfinite;
}

static qns_verdict_level judge(const qns_sensitivity *s, const qns_effect *e)
{
    if (breaks(s, e) || e->output_sqnr_db < QNS_SQNR_BAD_DB ||
        e->top1_agreement < QNS_AGREEMENT_BAD)
        return QNS_V_BAD;
    return e->output_sqnr_db < QNS_SQNR_WATCH_DB || e->top1_agreement < QNS_AGREEMENT_WATCH
               ? QNS_V_WATCH
               : QNS_V_OK;
}

static qns_status advise(qns_sensitivity *s, qns_sens_unit *u, qns_err *err)
{
    char text[256] = "";
    const bool gains = u->gain_db >= half_of_error_db;
    if (breaks(s, &u->in))
        snprintf(text, sizeof text,
                 "alone in int8 it makes NaN or infinite outputs: keep this "
                 "layer in float");
    else if (u->verdict != QNS_V_OK)
        snprintf(text, sizeof text, "keep this layer in float%s",
                 u->verdict == QNS_V_WATCH ? " if the output must be better" : "");
    else if (gains)
        snprintf(text, sizeof text, "fine alone, but it makes most of what is left");
    const size_t n = strlen(text);
    if (n && isfinite(u->gain_db) && u->gain_db >= 0.05)
        snprintf(text + n, sizeof text - n, ": the int8 network gains %.1f dB", u->gain_db);
    if (!(u->advice = qns_arena_strdup(s->arena, text)))
        QNS_FAIL(err, NOMEM, "cannot keep an advice");
    return QNS_OK;
}

/* ---- ranking ---- */

typedef struct place {
    double key, second; /* the lowest is the worst */
    uint32_t unit;
} place;

/* What is not a number is the worst. */
static double rank(double v)
{
    return isnan(v) ? -INFINITY : v;
}

static place place_of(const qns_sensitivity *s, uint32_t i, qns_sens_order order)
{
    const qns_sens_unit *u = &s->unit[i];
    const double in = breaks(s, &u->in) ? -INFINITY : rank(u->in.output_sqnr_db);
    const double gain = isnan(u->gain_db) ? 0 : -u->gain_db;
    switch (order) {
    case QNS_SENS_OUT:
        return (place){gain, in, i};
    case QNS_SENS_AGREEMENT:
        return (place){isnan(u->in.top1_agreement) ? in : u->in.top1_agreement, in, i};
    case QNS_SENS_TOP1:
        return (place){isnan(u->in.top1) ? in : u->in.top1, in, i};
    case QNS_SENS_EXECUTION:
        return (place){i, 0, i};
    default:
        return (place){in, gain, i};
    }
}

static int compare(const void *x, const void *y)
{
    const place *a = x, *b = y;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return a->unit < b->unit ? -1 : a->unit > b->unit;
}

qns_status qns_sensitivity_judge(qns_sensitivity *s, qns_sens_order order, qns_err *err)
{
    place *p;
    uint32_t *ranking;
    QNS_TRY(qns_arena_new((void **)&p, s->arena, s->n_units, sizeof *p, err));
    QNS_TRY(qns_arena_new((void **)&ranking, s->arena, s->n_units, sizeof *ranking, err));
    for (uint32_t i = 0; i < s->n_units; i++) {
        s->unit[i].verdict = judge(s, &s->unit[i].in);
        QNS_TRY(advise(s, &s->unit[i], err));
        p[i] = place_of(s, i, order);
    }
    qsort(p, s->n_units, sizeof *p, compare);
    for (uint32_t i = 0; i < s->n_units; i++)
        ranking[i] = p[i].unit;
    s->ranking = ranking;
    s->order = qns_sens_order_text(order);
    return QNS_OK;
}

/* ---- as layers ---- */

static void describe_side(qns_side *side, const qns_sensitivity *s)
{
    side->file = side->model = s->model;
    side->backend = side->build = side->qparams_id = "";
    side->engine = s->engine;
    side->graph_id = s->graph_id;
    side->weights_id = s->weights_id;
    side->inputs_id = s->eval_id;
    side->complete = true;
    side->samples = s->samples;
}

/* Every node of a group is a layer, in the group's rank. */
static qns_status fill_layers(qns_result *r, const qns_sensitivity *s, qns_err *err)
{
    uint32_t n = 0, *first, *ranking;
    for (uint32_t i = 0; i < s->n_units; i++)
        n += s->unit[i].n_names;
    QNS_TRY(qns_arena_new((void **)&r->layer, r->arena, n, sizeof *r->layer, err));
    QNS_TRY(qns_arena_new((void **)&first, r->arena, s->n_units, sizeof *first, err));
    QNS_TRY(qns_arena_new((void **)&ranking, r->arena, n, sizeof *ranking, err));
    for (uint32_t i = 0; i < s->n_units; i++) {
        const qns_sens_unit *u = &s->unit[i];
        first[i] = r->n_layers;
        for (uint32_t k = 0; k < u->n_names; k++)
            r->layer[r->n_layers++] = (qns_layer){.name = u->names[k],
                                                  .op = u->op,
                                                  .kept = "int8",
                                                  .index = (int32_t)u->index,
                                                  .origin = u->origin,
                                                  .n_origin = k == 0 ? u->n_origin : 0,
                                                  .macs = k == 0 ? (uint64_t)u->macs : 0,
                                                  .ref_dataset = "",
                                                  .test_dataset = "",
                                                  .paired_by = "",
                                                  .verdict = u->verdict,
                                                  .advice = u->advice};
    }
    for (uint32_t i = 0; i < s->n_units; i++)
        for (uint32_t k = 0; k < s->unit[s->ranking[i]].n_names; k++)
            ranking[r->n_ranking++] = first[s->ranking[i]] + k;
    r->ranking = ranking;
    return QNS_OK;
}

qns_status qns_sensitivity_layers(qns_result **out, const qns_sensitivity *s, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_result *r = NULL;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    r->kind = "sensitivity";
    r->qns = s->qns;
    describe_side(&r->ref, s);
    describe_side(&r->test, s);
    r->test.backend = s->backend;
    r->samples = s->samples;
    r->output.name = "";
    QNS_TRY_DONE(fill_layers(r, s, err));
    *out = r;
    r = NULL;
done:
    qns_result_free(r);
    return st;
}
