/* SPDX-License-Identifier: MIT */
/* Rankings that one shadow run of the int8 model gives: by the error of the layers themselves, not
 * by their effect on the output. */
#include "ns/search_world.h"
#include "ns/shadow.h"
#include "ns/trial_internal.h"

#include <math.h>
#include <string.h>

static double number_of(const qns_layer *l, qns_rank_by by)
{
    const qns_diff *d = by == QNS_RANK_LOCAL    ? &l->local
                        : by == QNS_RANK_WEIGHT ? &l->weight
                                                : &l->activation;
    return d->present ? d->sqnr_db : NAN;
}

static bool is_of(const qns_layer *l, const qns_search_unit *u)
{
    for (uint32_t i = 0; i < u->n_names; i++) {
        if (strcmp(u->names[i], l->name) == 0)
            return true;
        for (uint32_t k = 0; k < l->n_origin; k++)
            if (strcmp(u->names[i], l->origin[k]) == 0)
                return true;
    }
    return false;
}

/* Of a group the worst layer counts. */
static void score(qns_search_unit *u, const qns_result *r, qns_rank_by by)
{
    for (uint32_t i = 0; i < r->n_layers; i++) {
        const double v = is_of(&r->layer[i], u) ? number_of(&r->layer[i], by) : NAN;
        if (!isnan(v) && !(u->score <= v))
            u->score = v;
    }
}

qns_status qns_search_world_rank(qns_search_unit *unit, uint32_t n, qns_search_world *w,
                                 qns_source *samples, qns_rank_by by, qns_err *err)
{
    qns_result *r = NULL;
    const qns_trials *t = w->trials;
    const qns_exec_opts exec = t->spec.exec;
    const qns_shadow_side ref = {.graph = t->spec.fused, .exec = &exec},
                          test = {.graph = t->all.graph, .exec = &exec};
    const qns_shadow_opts o = {.n_detail = 1, .cancelled = w->cancelled, .ctx = w->ctx};
    QNS_TRY(qns_shadow(&r, &ref, &test, samples, &o, err));
    for (uint32_t i = 0; i < n; i++)
        score(&unit[i], r, by);
    qns_result_free(r);
    return QNS_OK;
}
