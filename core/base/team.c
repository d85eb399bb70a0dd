/* SPDX-License-Identifier: MIT */
/* Threads wait by looking at a number, as long as those of OpenMP would, and then sleep. */
#include "core/base/team.h"

#include "core/base/mem.h"

#include <assert.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    SPINS = 200,   /* some 10 microseconds: what is known about the machine is nothing */
    CROWDED = 100, /* more threads than processors: somebody needs this one */
    MANY = 1 << 20
};

struct qns_team {
    /* What the others wait for and what they do then, together in one cache line. */
    _Alignas(LINE) atomic_uint turn;
    qns_part *part; /* NULL: the team is closed */
    const void *ctx;
    size_t n;
    /* ... and what the caller waits for: threads that still work. */
    _Alignas(LINE) atomic_uint busy;
    /* Read in every turn, written by those who fall asleep. */
    _Alignas(LINE) atomic_uint asleep;
    int spins, threads;
    size_t open; /* threads of the region */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* What is set for the threads of OpenMP holds for those of a team. */
static int spins_of(int threads)
{
    const char *count = getenv("GOMP_SPINCOUNT"), *policy = getenv("OMP_WAIT_POLICY");
    long n = SPINS;

    if (count)
        n = *count >= '0' && *count <= '9' ? strtol(count, NULL, 10) : MANY; /* "INFINITE" */
    else if (policy)
        n = strcmp(policy, "active") == 0 || strcmp(policy, "ACTIVE") == 0 ? MANY : 0;
    if (threads > omp_get_num_procs() && n > CROWDED)
        n = CROWDED;
    return n < 0 ? 0 : n > MANY ? MANY : (int)n;
}

qns_status qns_team_create(qns_team **out, int threads, qns_err *err)
{
    qns_team *t = qns_malloc64(sizeof *t);

    if (!t)
        QNS_FAIL(err, NOMEM, "cannot get memory for a team of %d threads", threads);
    memset(t, 0, sizeof *t);
    t->threads = threads;
    t->spins = spins_of(threads);
    atomic_init(&t->turn, 0);
    atomic_init(&t->busy, 0);
    atomic_init(&t->asleep, 0);
    /* With default attributes neither can fail on the systems that we know. */
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, NULL);
    *out = t;
    return QNS_OK;
}

void qns_team_free(qns_team *t)
{
    if (!t)
        return;
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    qns_free(t);
}

/* Returns when *what is no longer (until false) or has become (until true) `value`. */
static void wait_for(qns_team *t, atomic_uint *what, unsigned value, bool until)
{
    for (int i = 0; i < t->spins; i++) {
        if ((atomic_load_explicit(what, memory_order_acquire) == value) == until)
            return;
        relax();
    }
    /* Who changes *what looks at `asleep` afterwards, and we look at *what after having changed
     * that: in one order that holds for all, so that one of the two sees the other. */
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->asleep, 1);
    while ((atomic_load(what) == value) != until)
        pthread_cond_wait(&t->changed, &t->lock);
    atomic_fetch_sub(&t->asleep, 1);
    pthread_mutex_unlock(&t->lock);
}

static void wake(qns_team *t)
{
    if (!atomic_load(&t->asleep))
        return;
    pthread_mutex_lock(&t->lock);
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

static void do_parts(qns_team *t, size_t me)
{
    for (size_t i = me; i < t->n; i += t->open)
        t->part(t->ctx, i);
}

static void serve(qns_team *t, size_t me, unsigned seen)
{
    for (;;) {
        wait_for(t, &t->turn, seen++, false);
        if (!t->part)
            return;
        do_parts(t, me);
        if (atomic_fetch_sub(&t->busy, 1) == 1)
            wake(t);
    }
}

static void next_turn(qns_team *t, qns_part *part, const void *ctx, size_t n)
{
    t->part = part;
    t->ctx = ctx;
    t->n = n;
    atomic_store_explicit(&t->busy, (unsigned)t->open - 1, memory_order_relaxed);
    atomic_fetch_add(&t->turn, 1);
    wake(t);
}

void qns_team_open(qns_team *t, void (*body)(void *ctx), void *ctx)
{
    const unsigned seen = atomic_load(&t->turn);

#pragma omp parallel num_threads(t->threads)
    {
        const size_t me = (size_t)omp_get_thread_num();

        if (me) {
            serve(t, me, seen);
        } else {
            t->open = (size_t)omp_get_num_threads();
            body(ctx);
            next_turn(t, NULL, NULL, 0);
            t->open = 0;
        }
    }
}

static void by_openmp(size_t n, qns_part *part, const void *ctx)
{
#pragma omp parallel for schedule(static, 1) num_threads((int)n)
    for (size_t i = 0; i < n; i++)
        part(ctx, i);
}

void qns_parallel(qns_team *team, size_t n, qns_part *part, const void *ctx)
{
    if (n <= 1) {
        if (n)
            part(ctx, 0);
        return;
    }
    if (!team) {
        by_openmp(n, part, ctx);
        return;
    }
    assert(team->open);
    next_turn(team, part, ctx, n);
    do_parts(team, 0);
    wait_for(team, &team->busy, 0, true);
}

typedef struct ranges {
    size_t n, parts;
    qns_range_part *run;
    const void *ctx;
} ranges;

static void run_range(const void *ctx, size_t i)
{
    const ranges *r = ctx;

    r->run(r->ctx, r->n * i / r->parts, r->n * (i + 1) / r->parts);
}

void qns_parallel_ranges(qns_team *team, size_t n, size_t least, qns_range_part *run,
                         const void *ctx)
{
    const size_t threads = team ? team->open : (size_t)omp_get_max_threads();
    const size_t most = n / (least ? least : 1);
    ranges r = {.n = n, .parts = most < threads ? most : threads, .run = run, .ctx = ctx};

    if (r.parts <= 1)
        run(ctx, 0, n);
    else
        qns_parallel(team, r.parts, run_range, &r);
}
