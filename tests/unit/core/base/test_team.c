/* SPDX-License-Identifier: MIT */
/* Every part runs once, whatever threads there are and however they wait. */
#include "core/base/team.h"

#include <criterion/criterion.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TURNS = 300, MOST = 40 };

typedef struct counts {
    int *at; /* MOST; a part has one of its own */
    qns_team *team;
    size_t n, least;
    bool slow; /* now and then a thread is late, so that others fall asleep */
} counts;

static void count_part(const void *ctx, size_t i)
{
    const counts *c = ctx;
    const struct timespec nap = {0, 300000};

    if (c->slow && i == c->n - 1)
        nanosleep(&nap, NULL);
    c->at[i]++;
}

static void count_range(const void *ctx, size_t first, size_t end)
{
    const counts *c = ctx;

    cr_assert(first <= end && end <= c->n);
    cr_assert(end - first >= c->least || end - first == c->n, "%zu of %zu", end - first, c->n);
    for (size_t i = first; i < end; i++)
        c->at[i]++;
}

static void turns(void *ctx)
{
    counts *c = ctx;
    int *at = calloc(MOST, sizeof *at);
    const int n_turns = c->slow ? 12 : TURNS;

    c->at = at;
    for (int turn = 0; turn < n_turns; turn++) {
        c->n = 1 + (size_t)turn % MOST;
        c->least = 1 + (size_t)turn % 7;
        memset(at, 0, MOST * sizeof *at);
        qns_parallel(c->team, c->n, count_part, c);
        qns_parallel_ranges(c->team, c->n, c->least, count_range, c);
        for (size_t i = 0; i < MOST; i++)
            cr_assert_eq(at[i], i < c->n ? 2 : 0, "part %zu of %zu: %d times", i, c->n, at[i]);
    }
    free(at);
}

static void check(const char *spins, bool slow)
{
    setenv("GOMP_SPINCOUNT", spins, 1);
    for (int threads = 1; threads <= 5; threads++) {
        counts c = {.slow = slow};

        cr_assert_eq(qns_team_create(&c.team, threads, NULL), QNS_OK);
        for (int again = 0; again < 3; again++)
            qns_team_open(c.team, turns, &c);
        qns_team_free(c.team);
    }
}

Test(team, every_part_runs_once)
{
    check("200", false);
}

Test(team, threads_that_sleep_are_woken)
{
    check("0", false);
    check("0", true);
    check("20", true);
}

Test(team, without_a_team)
{
    counts c = {0};

    omp_set_num_threads(3);
    turns(&c);
}

/* Plans run in parallel by a pool of threads: their teams get none besides the one they have. */
Test(team, within_a_region)
{
#pragma omp parallel for num_threads(3)
    for (int i = 0; i < 3; i++) {
        counts c = {0};

        cr_assert_eq(qns_team_create(&c.team, 2, NULL), QNS_OK);
        qns_team_open(c.team, turns, &c);
        qns_team_free(c.team);
    }
}

/* The second half of the parts is another thread's, or the test shows nothing. */
static void who(const void *ctx, size_t i)
{
    ((int *const *)ctx)[0][i] = omp_get_thread_num();
}

static qns_team *team;

static void ask(void *ctx)
{
    int *at = ctx;

    qns_parallel(team, 4, who, &at);
}

Test(team, threads_take_turns)
{
    int at[4] = {-1, -1, -1, -1};

    cr_assert_eq(qns_team_create(&team, 2, NULL), QNS_OK);
    qns_team_open(team, ask, at);
    qns_team_free(team);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(at[i], i % 2);
}
