/* SPDX-License-Identifier: MIT */
/* Samples side by side. A lane is a thread that runs one sample after the other, on plans of its
 * own (qns_plan_share()); lanes take samples in their order, as soon as they are done with the last
 * one. Two cores run two samples in little more than the time of one, while two threads within each
 * layer wait for each other at its end; and while one lane writes or measures, the other computes.
 *
 * What must not depend on lanes is done in the order of samples: at the start (fetch), at the end
 * (finish), and in between in turns: sample i takes turn t after sample i - 1 has passed it. */
#ifndef QNS_LANES_H
#define QNS_LANES_H

#include "core/exec/plan.h"

typedef struct qns_lanes qns_lanes;

/* Functions return a status; ctx comes first, lane counts from 0. */
typedef struct qns_lane_job {
    void *ctx;
    int64_t n; /* samples */
    int lanes;
    uint32_t n_turns;
    /* Gets sample i ready for the lane, and may refuse to (Ctrl-C). In the order of samples, one
     * call at a time; may be NULL. */
    qns_status (*fetch)(void *ctx, int lane, int64_t i, qns_err *err);
    /* Runs it, beside other samples. Takes and passes every turn, in a fixed order. */
    qns_status (*run)(void *ctx, qns_lanes *l, int lane, int64_t i, qns_err *err);
    /* In the order of samples, one call at a time; may be NULL. */
    qns_status (*finish)(void *ctx, int lane, int64_t i, qns_err *err);
} qns_lane_job;

/* Runs samples 0 .. n - 1. When some fail, that with the smallest number decides what is returned:
 * all samples before it were run and finished, none after it was finished, whatever the number of
 * lanes. With one lane nothing runs beside anything, and the calling thread does all. Within a lane
 * of several OpenMP makes no more threads. */
qns_status qns_lanes_run(const qns_lane_job *job, qns_err *err);

/* Waits until the samples before i have passed turn t. Fails when one of them failed: run() then
 * returns that status. */
qns_status qns_lanes_take(qns_lanes *l, uint32_t t, int64_t i);
void qns_lanes_pass(qns_lanes *l, uint32_t t, int64_t i);

/* How many lanes `threads` threads make for so many samples, when each needs so much memory: one of
 * a single thread for each thread, as far as there are samples, and as the lanes beside the first
 * take no more than QNS_LANES_MEMORY. When that leaves half of the threads without work, 1: then
 * the threads share the work of a layer. */
enum { QNS_LANES_MEMORY = 512 << 20 };
int qns_lanes_number(int threads, int64_t samples, size_t bytes);

/* The plan of the first lane, and how many lanes there should be; o->threads is for all together.
 */
qns_status qns_lanes_plan(qns_plan **out, int *lanes, const qns_graph *g, const qns_exec_opts *o,
                          int64_t samples, qns_err *err);

#endif
