/* SPDX-License-Identifier: MIT */
/* The answer of a search for those who choose among layers. */
#include "core/base/mem.h"
#include "ns/search.h"

#include <math.h>

static void fill(qns_layer *layer, uint32_t *ranking, uint32_t *n, const qns_search_result *s)
{
    for (uint32_t i = 0; i < s->n_units; i++) {
        const qns_search_unit *u = &s->unit[i];
        layer[i] = (qns_layer){.name = u->name,
                               .op = u->op,
                               .kept = "int8", /* when nothing is skipped */
                               .index = u->index,
                               .origin = u->names,
                               .n_origin = u->n_names,
                               .macs = (uint64_t)fmax(u->cost[QNS_COST_MACS], 0),
                               .verdict = u->in_float ? QNS_V_BAD : QNS_V_OK,
                               .added_db = NAN,
                               .advice = ""};
        if (!u->in_float)
            continue;
        uint32_t k = (*n)++;
        for (; k > 0 && s->unit[ranking[k - 1]].rank > u->rank; k--)
            ranking[k] = ranking[k - 1];
        ranking[k] = i;
    }
}

qns_status qns_search_layers(qns_result **out, const qns_search_result *s, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_result *r = NULL;
    uint32_t *ranking;
    QNS_TRY_DONE(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_arena_create(&r->arena, err));
    QNS_TRY_DONE(qns_arena_new((void **)&r->layer, r->arena, s->n_units, sizeof *r->layer, err));
    QNS_TRY_DONE(qns_arena_new((void **)&ranking, r->arena, s->n_units, sizeof *ranking, err));
    r->kind = "search";
    r->qns = s->qns;
    r->ref = r->test = (qns_side){.file = s->model, .model = s->model, .backend = s->backend};
    r->samples = s->samples;
    r->n_layers = s->n_units;
    r->ranking = ranking;
    fill(r->layer, ranking, &r->n_ranking, s);
    *out = r;
    r = NULL;
done:
    qns_result_free(r);
    return st;
}
