/* SPDX-License-Identifier: MIT */
#include "ns/capture_stats.h"

#include "core/base/arena.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/graph/qparams.h"
#include "ns/compare/sums.h"

typedef struct entry {
    qns_cap_desc d;
    qns_stats *s;
} entry;

struct qns_stat_list {
    qns_arena *arena;
    qk_table k;
    struct {
        entry *at;
        size_t n, cap;
    } entry;
};

qns_status qns_stat_list_create(qns_stat_list **out, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_stat_list *l = NULL;
    QNS_TRY(qns_new((void **)&l, 1, sizeof *l, err));
    qk_table_init(&l->k, ~0u);
    QNS_TRY_DONE(qns_arena_create(&l->arena, err));
    *out = l;
    l = NULL;
done:
    qns_stat_list_free(l);
    return st;
}

void qns_stat_list_free(qns_stat_list *l)
{
    if (!l)
        return;
    qns_arena_free(l->arena);
    qns_free(l->entry.at);
    qns_free(l);
}

qns_status qns_stat_list_add(uint32_t *index, qns_stat_list *l, const qns_cap_desc *d, qns_err *err)
{
    entry e = {.d = *d};
    QNS_TRY(qns_arena_new((void **)&e.s, l->arena, 1, sizeof *e.s, err));
    qns_stats_init(e.s);
    if (d->n_inputs > 0 &&
        !(e.d.inputs = qns_arena_dup(l->arena, d->inputs, d->n_inputs * sizeof *d->inputs)))
        QNS_FAIL(err, NOMEM, "cannot keep a name");
    *index = (uint32_t)l->entry.n;
    QNS_VEC_PUSH(&l->entry, e, err);
    return QNS_OK;
}

/* The order of the elements means nothing, so they are taken as they lie in memory. */
void qns_stat_list_see(qns_stat_list *l, uint32_t index, const qns_tensor *t, float *room)
{
    const size_t n = qns_tensor_count(t);
    qns_stats *s = l->entry.at[index].s;
    if (t->dtype == QNS_F32) {
        qns_stats_add(s, &l->k, t->data, n);
        return;
    }
    if (qns_is_code(t->dtype) && t->qp && t->qp->n == 1) {
        const qns_codes c = {.scale = t->qp->scale[0],
                             .zero = t->qp->zero[0],
                             .is_signed = t->dtype == QNS_I8,
                             .by_channel = t->qp->axis >= 0};
        qns_codes_to_float(room, &l->k, t->data, &c, n);
    } else {
        qns_tensor_to_float(room, t);
    }
    qns_stats_add(s, &l->k, room, n);
}

qns_status qns_stat_list_write(uint64_t *bytes, qns_cap_writer *w, qns_stat_list *l, qns_err *err)
{
    for (size_t i = 0; i < l->entry.n; i++) {
        qns_cap_desc d = l->entry.at[i].d;
        qns_stats *s = l->entry.at[i].s;
        qns_stats_trim(s);
        d.group = QNS_GROUP_STATISTICS;
        d.dtype = QNS_I64;
        d.shape = (qns_shape){1, {s->n_bins}};
        d.stats = s;
        d.qp = NULL;
        QNS_TRY(qns_cap_tensor(w, &d, s->bin, err));
        *bytes += s->n_bins * sizeof *s->bin;
    }
    return QNS_OK;
}
