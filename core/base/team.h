/* SPDX-License-Identifier: MIT */
/* Work for several threads, cut into parts that do not depend on each other. A parallel region of
 * OpenMP costs some two microseconds, and a network has a hundred loops that take twenty: a team
 * is one region that stays open for many loops, and hands each of them to its threads in the time
 * that a cache line needs from core to core. While a team is open, OpenMP gives nobody threads, so
 * only what takes its threads from the team may run. */
#ifndef QNS_TEAM_H
#define QNS_TEAM_H

#include "core/base/status.h"

#include <stddef.h>

typedef struct qns_team qns_team;
typedef void qns_part(const void *ctx, size_t i);
typedef void qns_range_part(const void *ctx, size_t first, size_t end);

qns_status qns_team_create(qns_team **out, int threads, qns_err *err);
void qns_team_free(qns_team *t);

/* Runs body(ctx) in the calling thread while the others wait for what body gives to
 * qns_parallel(). Within a region of OpenMP there are no others, and body does it all. */
void qns_team_open(qns_team *t, void (*body)(void *ctx), void *ctx);

/* part(ctx, i) for every i below n, about as many as there are threads; returns when all are done.
 * team: NULL, then a region of OpenMP does it, or one that is open, in the thread that runs its
 * body. Any number of threads may work on them, down to one: parts must not wait for each other. */
void qns_parallel(qns_team *team, size_t n, qns_part *part, const void *ctx);

/* run(ctx, first, end) for ranges that make up 0..n-1: one for each thread, but none shorter than
 * `least` where there is another. */
void qns_parallel_ranges(qns_team *team, size_t n, size_t least, qns_range_part *run,
                         const void *ctx);

#endif
