/* SPDX-License-Identifier: MIT */
#include "ns/write_queue.h"

#include "core/base/mem.h"

#include <pthread.h>
#include <string.h>

enum {
    MAX_BYTES = 16 << 20, /* few enough to be in the cache when they are written */
    KEEP_BYTES =
        16 << 20 /* of memory that waits to be used again: fresh memory costs page faults */
};

typedef struct item {
    struct item *next;
    bool is_sample;
    uint32_t column;
    size_t bytes, room; /* in use, and what was allocated */
    qns_wqueue_sample sample;
    _Alignas(64) char data[];
} item;

struct qns_wqueue {
    qns_cap_writer *w;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    item *first, *last;
    item *free;    /* to be used again */
    size_t kept;   /* bytes of them */
    item *filling; /* handed out by qns_wqueue_row(), not in the list yet */
    size_t bytes;  /* in the list and in the writer's hand */
    bool stop;
    qns_status st; /* of the writer */
    qns_err err;
};

static qns_status write_item(qns_cap_writer *w, const item *i, qns_err *err)
{
    const qns_wqueue_sample *s = &i->sample;
    if (i->is_sample)
        return qns_cap_sample(w, s->id, &s->inputs, s->label, s->has_label, err);
    return qns_cap_append(w, i->column, i->data, err);
}

/* Called with the mutex held. */
static void give_back(qns_wqueue *q, item *i)
{
    if (q->kept + i->room > KEEP_BYTES) {
        qns_free(i);
        return;
    }
    q->kept += i->room;
    i->next = q->free;
    q->free = i;
}

/* Called with the mutex held. One that is not much too large, or NULL. */
static item *take_kept(qns_wqueue *q, size_t room)
{
    for (item **at = &q->free; *at; at = &(*at)->next) {
        item *i = *at;
        if (i->room < room || i->room / 2 > room)
            continue;
        *at = i->next;
        q->kept -= i->room;
        return i;
    }
    return NULL;
}

static void *work(void *arg)
{
    qns_wqueue *q = arg;
    pthread_mutex_lock(&q->mutex);
    for (;;) {
        while (!q->first && !q->stop)
            pthread_cond_wait(&q->changed, &q->mutex);
        item *i = q->first;
        if (!i)
            break;
        q->first = i->next;
        const bool failed = q->st != QNS_OK;
        pthread_mutex_unlock(&q->mutex);
        /* After a failure the rest is thrown away, so that nobody waits for room. */
        qns_err err = {0};
        const qns_status st = failed ? QNS_OK : write_item(q->w, i, &err);
        pthread_mutex_lock(&q->mutex);
        q->bytes -= i->bytes;
        if (st != QNS_OK) {
            q->st = st;
            q->err = err;
        }
        give_back(q, i);
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->mutex);
    return NULL;
}

qns_status qns_wqueue_start(qns_wqueue **out, qns_cap_writer *w, qns_err *err)
{
    qns_wqueue *q = NULL;
    QNS_TRY(qns_new((void **)&q, 1, sizeof *q, err));
    q->w = w;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->changed, NULL);
    if (pthread_create(&q->thread, NULL, work, q) != 0) {
        pthread_cond_destroy(&q->changed);
        pthread_mutex_destroy(&q->mutex);
        qns_free(q);
        QNS_FAIL(err, NOMEM, "cannot start a thread for writing");
    }
    *out = q;
    return QNS_OK;
}

/* Called with the mutex held. */
static qns_status writer_failed(const qns_wqueue *q, qns_err *err)
{
    if (q->st != QNS_OK && err && err->code == QNS_OK)
        *err = q->err;
    return q->st;
}

static qns_status take(item **out, qns_wqueue *q, size_t bytes, qns_err *err)
{
    size_t room = sizeof(item) + bytes;
    pthread_mutex_lock(&q->mutex);
    item *i = take_kept(q, room);
    pthread_mutex_unlock(&q->mutex);
    if (i)
        room = i->room;
    else if (!(i = qns_malloc64(room)))
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes for the write queue", bytes);
    memset(i, 0, sizeof *i);
    i->bytes = sizeof *i + bytes;
    i->room = room;
    *out = i;
    return QNS_OK;
}

static qns_status put(qns_wqueue *q, item *i, qns_err *err)
{
    pthread_mutex_lock(&q->mutex);
    /* One item may be larger than the limit; it then waits until the queue is empty. */
    while (q->bytes > 0 && q->bytes + i->bytes > MAX_BYTES && q->st == QNS_OK)
        pthread_cond_wait(&q->changed, &q->mutex);
    const qns_status st = writer_failed(q, err);
    if (st == QNS_OK) {
        q->bytes += i->bytes;
        if (q->first)
            q->last->next = i;
        else
            q->first = i;
        q->last = i;
        pthread_cond_broadcast(&q->changed);
    } else {
        qns_free(i);
    }
    pthread_mutex_unlock(&q->mutex);
    return st;
}

qns_status qns_wqueue_row(void **data, qns_wqueue *q, uint32_t column, size_t n, qns_err *err)
{
    item *i = NULL;
    QNS_TRY(take(&i, q, n, err));
    i->column = column;
    q->filling = i;
    *data = i->data;
    return QNS_OK;
}

qns_status qns_wqueue_push(qns_wqueue *q, qns_err *err)
{
    item *i = q->filling;
    q->filling = NULL;
    return put(q, i, err);
}

qns_status qns_wqueue_end_sample(qns_wqueue *q, const qns_wqueue_sample *s, qns_err *err)
{
    item *i = NULL;
    QNS_TRY(take(&i, q, 0, err));
    i->is_sample = true;
    i->sample = *s;
    return put(q, i, err);
}

qns_status qns_wqueue_stop(qns_wqueue *q, qns_err *err)
{
    if (!q)
        return QNS_OK;
    pthread_mutex_lock(&q->mutex);
    q->stop = true;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->mutex);
    pthread_join(q->thread, NULL);
    const qns_status st = writer_failed(q, err);
    qns_free(q->filling);
    for (item *i = q->free, *next; i; i = next) {
        next = i->next;
        qns_free(i);
    }
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->mutex);
    qns_free(q);
    return st;
}
