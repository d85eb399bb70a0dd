/* SPDX-License-Identifier: MIT */
/* Which layers a layer reads: the float side's values, followed backwards over those that are no
 * layer of the result (filtered, unmatched) to the nearest ones that are. */
#include "core/base/map.h"
#include "core/base/vec.h"
#include "ns/cmp.h"

typedef struct walk {
    qns_cmp *c;
    qns_map data;      /* value_origin -> data of the float side */
    uint32_t *layer;   /* by data: its layer; QNS_CMP_NONE */
    uint32_t *visited; /* by data: 1 + the layer for which it was last seen */
    struct {
        uint32_t *at;
        size_t n, cap;
    } open, found;
} walk;

static qns_status index_values(walk *w, qns_err *err)
{
    const uint32_t n = qns_capture_n(w->c->ref);
    QNS_TRY(qns_new((void **)&w->layer, n, sizeof *w->layer, err));
    QNS_TRY(qns_new((void **)&w->visited, n, sizeof *w->visited, err));
    for (uint32_t i = 0; i < n; i++) {
        const qns_cap_data *d = qns_capture_at(w->c->ref, i);
        w->layer[i] = QNS_CMP_NONE;
        if (qns_group_by_sample(d->group) && d->value_origin[0])
            QNS_TRY(qns_map_put(&w->data, d->value_origin, i, err));
    }
    for (uint32_t k = 0; k < w->c->layer.n; k++)
        if (w->c->layer.at[k].ref != QNS_CMP_NONE)
            w->layer[w->c->layer.at[k].ref] = k;
    return QNS_OK;
}

static qns_status open_inputs(walk *w, uint32_t data, uint32_t mark, qns_err *err)
{
    const qns_cap_data *d = qns_capture_at(w->c->ref, data);
    for (uint32_t i = 0; i < d->n_inputs; i++) {
        const uint32_t at = qns_map_get(&w->data, d->inputs[i]);
        if (at == QNS_MAP_NONE || w->visited[at] == mark)
            continue;
        w->visited[at] = mark;
        QNS_VEC_PUSH(&w->open, at, err);
    }
    return QNS_OK;
}

static qns_status find_from(walk *w, uint32_t k, qns_err *err)
{
    qns_layer *l = &w->c->r->layer[k];
    const uint32_t self = w->c->layer.at[k].ref, mark = k + 1;
    uint32_t *from;
    w->open.n = w->found.n = 0;
    if (self == QNS_CMP_NONE)
        return QNS_OK;
    w->visited[self] = mark;
    QNS_TRY(open_inputs(w, self, mark, err));
    while (w->open.n) {
        const uint32_t at = w->open.at[--w->open.n];
        if (w->layer[at] != QNS_CMP_NONE)
            QNS_VEC_PUSH(&w->found, w->layer[at], err);
        else
            QNS_TRY(open_inputs(w, at, mark, err));
    }
    QNS_TRY(qns_arena_new((void **)&from, w->c->a, w->found.n, sizeof *from, err));
    for (size_t i = 0; i < w->found.n; i++)
        from[i] = w->found.at[w->found.n - 1 - i]; /* in the order of the inputs */
    l->from = from;
    l->n_from = (uint32_t)w->found.n;
    return QNS_OK;
}

qns_status qns_cmp_edges(qns_cmp *c, qns_err *err)
{
    qns_status st = QNS_OK;
    walk w = {.c = c};
    QNS_TRY_DONE(index_values(&w, err));
    for (uint32_t k = 0; k < c->layer.n; k++)
        QNS_TRY_DONE(find_from(&w, k, err));
done:
    qns_map_fini(&w.data);
    qns_free(w.layer);
    qns_free(w.visited);
    qns_free(w.open.at);
    qns_free(w.found.at);
    return st;
}
