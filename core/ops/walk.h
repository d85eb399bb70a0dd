/* SPDX-License-Identifier: MIT */
/* An odometer over a row-major shape that keeps one position in each of up to four arrays. For
 * operators whose index arithmetic is their whole work; hot loops have broadcast.h. */
#ifndef QNS_WALK_H
#define QNS_WALK_H

#include "core/graph/element.h"
#include "core/graph/op.h"

enum { QNS_WALK_MAX = 4 };

typedef struct qns_walk {
    qns_shape shape;
    int64_t step[QNS_WALK_MAX][QNS_MAX_RANK]; /* in elements */
    int64_t at[QNS_MAX_RANK];
    int64_t pos[QNS_WALK_MAX];
} qns_walk;

/* Everything at 0. */
void qns_walk_init(qns_walk *w, const qns_shape *shape);
/* Array k is row-major of shape s and broadcast to the walk's shape. */
void qns_walk_broadcast(qns_walk *w, int k, const qns_shape *s);
/* To the next element in row-major order; behind the last one everything is at 0 again. */
static inline void qns_walk_next(qns_walk *w)
{
    for (int32_t i = w->shape.rank; i-- > 0;) {
        w->at[i]++;
        for (int k = 0; k < QNS_WALK_MAX; k++)
            w->pos[k] += w->step[k][i];
        if (w->at[i] < w->shape.dim[i])
            return;
        for (int k = 0; k < QNS_WALK_MAX; k++)
            w->pos[k] -= w->step[k][i] * w->at[i];
        w->at[i] = 0;
    }
}

/* reject() of operators that work on plain row-major numbers. */
const char *qns_reject_not_plain(const qns_call *c);

#endif
