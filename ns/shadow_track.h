/* SPDX-License-Identifier: MIT */
/* Errors of one layer's value over all samples, in constant memory. Samples are measured side by
 * side, each into sums of its own, and added in their order. For shadow.c. */
#ifndef QNS_SHADOW_TRACK_H
#define QNS_SHADOW_TRACK_H

#include "ns/cmp.h"

typedef struct qns_track {
    const qk_table *k;
    qns_geom geom;
    const qns_grid *grid; /* NULL: float */
    size_t n_grid;
    qns_sums *all; /* by channel of geom */
    double *db;    /* of the samples that were kept: every stride-th */
    int64_t *id;
    size_t n_kept, n;
    size_t stride;
    double worst_db; /* of all samples */
    int64_t worst_id;
} qns_track;

/* Memory is the arena's; k must outlive t. */
qns_status qns_track_init(qns_track *t, qns_arena *a, const qk_table *k, qns_geom geom,
                          const qns_grid *grid, size_t n_grid, qns_err *err);
/* The sums of one sample, by channel: of row-major values. */
void qns_track_measure(qns_sums *sample, const qns_track *t, const float *ref, const float *test);
/* The same of a track with one channel, from the sums of the sample's blocks of QNS_SUMS_BLOCK
 * elements (qns_sums_block) in any order of elements that is the same on both sides. */
void qns_track_join(qns_sums *sample, const qns_sums *part, size_t n_parts);
double qns_track_sample_db(const qns_track *t, const qns_sums *sample);
/* The next sample. */
void qns_track_add(qns_track *t, const qns_sums *sample, int64_t id);
/* All numbers of a diff. Sorts what was kept: the last call. */
void qns_track_diff(qns_diff *out, qns_track *t);

#endif
