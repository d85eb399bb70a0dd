/* SPDX-License-Identifier: MIT */
#include "core/exec/lanes.h"

#include "core/base/mem.h"

#include <assert.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>

struct qns_lanes {
    const qns_lane_job *job;
    pthread_mutex_t fetching;
    int64_t next; /* to be fetched */
    /* By turn, and one more for the end of a sample: how many samples have passed it. */
    _Atomic int64_t *passed;
    atomic_int n_waiting;
    pthread_mutex_t mutex; /* of what follows, and for waiting */
    pthread_cond_t changed;
    _Atomic int64_t failed; /* the smallest sample that failed, or INT64_MAX */
    qns_status st;          /* its */
    qns_err err;
};

static void fail(qns_lanes *l, int64_t i, qns_status st, const qns_err *err)
{
    pthread_mutex_lock(&l->mutex);
    if (i < l->failed) {
        l->failed = i;
        l->st = st;
        l->err = *err;
    }
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

/* The first waiter counts itself, then looks at the turn; who passes moves the turn, then looks
 * for waiters: one of them sees the other. */
qns_status qns_lanes_take(qns_lanes *l, uint32_t t, int64_t i)
{
    if (l->passed[t] < i) {
        l->n_waiting++;
        pthread_mutex_lock(&l->mutex);
        while (l->passed[t] < i && l->failed > i)
            pthread_cond_wait(&l->changed, &l->mutex);
        pthread_mutex_unlock(&l->mutex);
        l->n_waiting--;
    }
    assert(l->passed[t] <= i);
    return l->passed[t] == i ? QNS_OK : QNS_E_CANCELLED;
}

void qns_lanes_pass(qns_lanes *l, uint32_t t, int64_t i)
{
    l->passed[t] = i + 1;
    if (l->n_waiting == 0)
        return;
    pthread_mutex_lock(&l->mutex);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->mutex);
}

/* False: there is no sample for this lane any more. */
static bool fetch(int64_t *i, qns_lanes *l, int lane)
{
    const qns_lane_job *j = l->job;
    qns_err err = {0};
    pthread_mutex_lock(&l->fetching);
    bool more = l->next < j->n && l->failed == INT64_MAX;
    if (more) {
        *i = l->next++;
        const qns_status st = j->fetch ? j->fetch(j->ctx, lane, *i, &err) : QNS_OK;
        more = st == QNS_OK;
        if (!more)
            fail(l, *i, st, &err);
    }
    pthread_mutex_unlock(&l->fetching);
    return more;
}

static qns_status run_sample(qns_lanes *l, int lane, int64_t i, qns_err *err)
{
    const qns_lane_job *j = l->job;
    QNS_TRY(j->run(j->ctx, l, lane, i, err));
    QNS_TRY(qns_lanes_take(l, j->n_turns, i));
    if (j->finish)
        QNS_TRY(j->finish(j->ctx, lane, i, err));
    qns_lanes_pass(l, j->n_turns, i);
    return QNS_OK;
}

static void run_lane(qns_lanes *l, int lane)
{
    int64_t i;
    while (fetch(&i, l, lane)) {
        qns_err err = {0};
        const qns_status st = run_sample(l, lane, i, &err);
        if (st != QNS_OK)
            fail(l, i, st, &err);
    }
}

qns_status qns_lanes_run(const qns_lane_job *job, qns_err *err)
{
    qns_lanes l = {.job = job, .failed = INT64_MAX};
    void *turns = NULL;
    QNS_TRY(qns_new(&turns, (size_t)job->n_turns + 1, sizeof *l.passed, err));
    l.passed = turns;
    pthread_mutex_init(&l.fetching, NULL);
    pthread_mutex_init(&l.mutex, NULL);
    pthread_cond_init(&l.changed, NULL);
#pragma omp parallel num_threads(job->lanes) if (job->lanes > 1)
    run_lane(&l, job->lanes > 1 ? omp_get_thread_num() : 0);
    pthread_cond_destroy(&l.changed);
    pthread_mutex_destroy(&l.mutex);
    pthread_mutex_destroy(&l.fetching);
    qns_free(turns);
    if (err && l.st != QNS_OK)
        *err = l.err;
    return l.st;
}

int qns_lanes_number(int threads, int64_t samples, size_t bytes)
{
    int64_t n = threads;
    if (bytes > 0 && QNS_LANES_MEMORY / bytes + 1 < (size_t)n)
        n = (int64_t)(QNS_LANES_MEMORY / bytes) + 1;
    n = samples < n ? samples : n;
    return 2 * n > threads && n > 1 ? (int)n : 1;
}

qns_status qns_lanes_plan(qns_plan **out, int *lanes, const qns_graph *g, const qns_exec_opts *o,
                          int64_t samples, qns_err *err)
{
    const int threads = o->threads > 0 ? o->threads : omp_get_max_threads();
    qns_exec_opts single = *o;
    qns_plan *p;
    single.threads = 1;
    *lanes = qns_lanes_number(threads, samples, 0);
    if (*lanes > 1) {
        QNS_TRY(qns_plan_create(&p, g, &single, err));
        *lanes = qns_lanes_number(threads, samples, qns_plan_memory(p, NULL));
        if (*lanes > 1) {
            *out = p;
            return QNS_OK;
        }
        qns_plan_free(p);
    }
    return qns_plan_create(out, g, o, err);
}
