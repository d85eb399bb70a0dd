/* SPDX-License-Identifier: MIT */
/* One walk over a float value: everything that is compared with it, and the codes the local run
 * wants of it, block by block while they are in the cache. For shadow.c. */
#ifndef QNS_SHADOW_PASS_H
#define QNS_SHADOW_PASS_H

#include "ns/shadow_local.h"
#include "ns/shadow_track.h"

enum { QNS_PASS_MAX = 2 };

typedef struct qns_pass { /* room for one value */
    float *ref_row, *test_row;
    qns_sums *part[QNS_PASS_MAX]; /* by block */
} qns_pass;

/* most: elements of the largest value. */
qns_status qns_pass_init(qns_pass *w, size_t most, qns_err *err);
void qns_pass_fini(qns_pass *w);

typedef struct qns_pass_pair {
    qns_sums *sample; /* out: by channel of the track */
    const qns_track *track;
    const qns_tensor *test;
} qns_pass_pair;

/* Measures n <= QNS_PASS_MAX pairs. give: the walk also feeds qns_local_give() for value v; NULL:
 * it does not. */
void qns_pass_over(qns_pass *w, const qns_tensor *ref, const qns_pass_pair *pair, int n,
                   qns_local *give, qns_vid v);

/* Row-major floats: t's own memory, or room. */
const float *qns_pass_floats(float *room, const qns_tensor *t);

#endif
