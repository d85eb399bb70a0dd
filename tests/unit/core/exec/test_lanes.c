/* SPDX-License-Identifier: MIT */
#include "core/exec/lanes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { N = 40, LANES = 4, TURNS = 3 };

typedef struct trace {
    int64_t at[N];
    int n;
} trace;

typedef struct world {
    trace fetched, turn[TURNS], finished;
    int64_t in_lane[LANES];
    bool fails[N];
    int64_t refuse_at, finish_fails_at;
} world;

static void note(trace *t, int64_t i)
{
    t->at[t->n++] = i;
}

/* Samples take unlike times, the early ones of every four the longest. */
static void dawdle(int64_t i)
{
    nanosleep(&(struct timespec){.tv_nsec = (4 - i % 4) * 200000}, NULL);
}

static qns_status fetch(void *ctx, int lane, int64_t i, qns_err *err)
{
    world *w = ctx;
    if (i == w->refuse_at)
        QNS_FAIL(err, CANCELLED, "stopped at %d", (int)i);
    note(&w->fetched, i);
    w->in_lane[lane] = i;
    return QNS_OK;
}

static qns_status run(void *ctx, qns_lanes *l, int lane, int64_t i, qns_err *err)
{
    world *w = ctx;
    for (uint32_t t = 0; t < TURNS; t++) {
        dawdle(i + t);
        if (w->fails[i] && t == 1)
            QNS_FAIL(err, DATA, "sample %d is bad", (int)i);
        QNS_TRY(qns_lanes_take(l, t, i));
        note(&w->turn[t], i);
        qns_lanes_pass(l, t, i);
    }
    cr_assert_eq(w->in_lane[lane], i);
    return QNS_OK;
}

static qns_status finish(void *ctx, int lane, int64_t i, qns_err *err)
{
    world *w = ctx;
    cr_assert_eq(w->in_lane[lane], i);
    if (i == w->finish_fails_at)
        QNS_FAIL(err, IO, "sample %d cannot be kept", (int)i);
    note(&w->finished, i);
    return QNS_OK;
}

static qns_status go(world *w, int lanes, qns_err *err)
{
    const qns_lane_job job = {w, N, lanes, TURNS, fetch, run, finish};
    *err = (qns_err){0};
    return qns_lanes_run(&job, err);
}

static void is_in_order(const trace *t, int64_t n)
{
    cr_assert_eq(t->n, n);
    for (int64_t i = 0; i < n; i++)
        cr_assert_eq(t->at[i], i);
}

Test(lanes, turns_and_ends_come_in_the_order_of_samples)
{
    for (int lanes = 1; lanes <= LANES; lanes++) {
        world w = {.refuse_at = -1, .finish_fails_at = -1};
        qns_err err;
        cr_assert_eq(go(&w, lanes, &err), QNS_OK);
        is_in_order(&w.fetched, N);
        for (int t = 0; t < TURNS; t++)
            is_in_order(&w.turn[t], N);
        is_in_order(&w.finished, N);
    }
}

/* Sample 13 fails long before 12 does, in another lane. */
Test(lanes, the_first_sample_that_fails_decides)
{
    for (int lanes = 1; lanes <= LANES; lanes++) {
        world w = {.refuse_at = -1, .finish_fails_at = -1, .fails = {[12] = 1, [13] = 1, [14] = 1}};
        qns_err err;
        cr_assert_eq(go(&w, lanes, &err), QNS_E_DATA);
        cr_assert_str_eq(err.text, "sample 12 is bad");
        is_in_order(&w.finished, 12);
        is_in_order(&w.turn[TURNS - 1], 12);
    }
}

Test(lanes, what_was_fetched_before_a_refusal_is_finished)
{
    for (int lanes = 1; lanes <= LANES; lanes++) {
        world w = {.refuse_at = 7, .finish_fails_at = -1, .fails = {[9] = 1}};
        qns_err err;
        cr_assert_eq(go(&w, lanes, &err), QNS_E_CANCELLED);
        cr_assert_str_eq(err.text, "stopped at 7");
        is_in_order(&w.finished, 7);
    }
}

Test(lanes, nothing_is_finished_after_an_end_that_failed)
{
    for (int lanes = 1; lanes <= LANES; lanes++) {
        world w = {.refuse_at = -1, .finish_fails_at = 5};
        qns_err err;
        cr_assert_eq(go(&w, lanes, &err), QNS_E_IO);
        cr_assert_str_eq(err.text, "sample 5 cannot be kept");
        is_in_order(&w.finished, 5);
    }
}

Test(lanes, they_are_as_many_as_threads_samples_and_memory_allow)
{
    const size_t all = QNS_LANES_MEMORY;
    cr_assert_eq(qns_lanes_number(1, 100, 1), 1);
    cr_assert_eq(qns_lanes_number(2, 100, all), 2);
    cr_assert_eq(qns_lanes_number(2, 100, all + 1), 1);
    cr_assert_eq(qns_lanes_number(2, 1, 0), 1);
    cr_assert_eq(qns_lanes_number(8, 100, all / 7), 8);
    cr_assert_eq(qns_lanes_number(8, 100, all / 4), 5);
    cr_assert_eq(qns_lanes_number(8, 5, 1), 5);
    /* Half of the threads without work: better all of them for one sample. */
    cr_assert_eq(qns_lanes_number(8, 100, all / 3), 1);
    cr_assert_eq(qns_lanes_number(8, 4, 1), 1);
    cr_assert_eq(qns_lanes_number(8, 0, 1), 1);
}
