/* SPDX-License-Identifier: MIT */
#include "ns/shadow_track.h"

#include "ns/compare/channels.h"
#include "ns/compare/metric.h"
#include "ns/shadow.h"

#include <math.h>

qns_status qns_track_init(qns_track *t, qns_arena *a, const qk_table *k, qns_geom geom,
                          const qns_grid *grid, size_t n_grid, qns_err *err)
{
    *t = (qns_track){
        .k = k, .geom = geom, .grid = grid, .n_grid = n_grid, .stride = 1, .worst_id = -1};
    QNS_TRY(qns_arena_new((void **)&t->all, a, geom.channels, sizeof *t->all, err));
    QNS_TRY(qns_arena_new((void **)&t->db, a, QNS_SHADOW_KEPT, sizeof *t->db, err));
    QNS_TRY(qns_arena_new((void **)&t->id, a, QNS_SHADOW_KEPT, sizeof *t->id, err));
    for (size_t c = 0; c < geom.channels; c++)
        qns_sums_init(&t->all[c]);
    return QNS_OK;
}

/* Every second one of what was kept goes. */
static void thin(qns_track *t)
{
    for (size_t i = 0; 2 * i < t->n_kept; i++) {
        t->db[i] = t->db[2 * i];
        t->id[i] = t->id[2 * i];
    }
    t->n_kept = (t->n_kept + 1) / 2;
    t->stride *= 2;
}

static void keep(qns_track *t, double db, int64_t id)
{
    /* NaN is worse than any number; the first of equals is the worst sample. */
    const bool worse = isnan(db) ? !isnan(t->worst_db) : db < t->worst_db;
    if (t->n == 0 || worse) {
        t->worst_db = db;
        t->worst_id = id;
    }
    if (t->n_kept == QNS_SHADOW_KEPT)
        thin(t);
    if (t->n++ % t->stride != 0)
        return;
    t->db[t->n_kept] = db;
    t->id[t->n_kept++] = id;
}

void qns_track_measure(qns_sums *sample, const qns_track *t, const float *ref, const float *test)
{
    const qns_geom *g = &t->geom;
    for (size_t c = 0; c < g->channels; c++)
        qns_sums_init(&sample[c]);
    qns_channel_sums_add(sample, t->k, ref, test, g->outer, g->channels, g->inner, t->grid,
                         t->n_grid > 1);
}

void qns_track_join(qns_sums *sample, const qns_sums *part, size_t n_parts)
{
    qns_sums_init(sample);
    for (size_t i = 0; i < n_parts; i++)
        qns_sums_merge(sample, &part[i]);
}

static qns_sums of_all_channels(const qns_track *t, const qns_sums *by_channel)
{
    qns_sums sum;
    qns_sums_init(&sum);
    for (size_t c = 0; c < t->geom.channels; c++)
        qns_sums_merge(&sum, &by_channel[c]);
    return sum;
}

double qns_track_sample_db(const qns_track *t, const qns_sums *sample)
{
    const qns_sums sum = of_all_channels(t, sample);
    unsigned flags = 0;
    return qns_sqnr_db(&flags, &sum);
}

void qns_track_add(qns_track *t, const qns_sums *sample, int64_t id)
{
    for (size_t c = 0; c < t->geom.channels; c++)
        qns_sums_merge(&t->all[c], &sample[c]);
    keep(t, qns_track_sample_db(t, sample), id);
}

void qns_track_diff(qns_diff *out, qns_track *t)
{
    const qns_sums sum = of_all_channels(t, t->all);
    qns_diff_from_sums(out, &sum);
    qns_diff_samples(out, t->db, t->id, t->n_kept);
    if (t->n == 0)
        return;
    out->sqnr_db_min = t->worst_db;
    out->worst_sample = t->worst_id;
}
