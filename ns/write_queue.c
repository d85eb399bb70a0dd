/* SPDX-License-Identifier: MIT */
#include "ns/write_queue.h"

#include "core/base/mem.h"

#include <pthread.h>
#include <string.h>

enum { ROOM = 32 << 20, LINE = 64 };

typedef struct item {
    struct item *next;
    bool is_sample;
    uint32_t column;
    qns_tensor row; /* its data are behind the item */
    size_t bytes;   /* of the ring that come free with it: its own, and the end that was left out */
    qns_wqueue_sample sample;
    _Alignas(LINE) char data[];
} item;

/* Items lie in the ring in the order in which they are written, so the same memory is used again
 * and again. */
struct qns_wqueue {
    qns_cap_writer *w;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    char *ring;
    size_t room, used, at; /* bytes; at: where the next item begins */
    item *first, *last;
    bool stop;
    qns_status st; /* of the writer */
    qns_err err;
};

static qns_status write_item(qns_cap_writer *w, const item *i, qns_err *err)
{
    const qns_wqueue_sample *s = &i->sample;
    if (i->is_sample)
        return qns_cap_sample(w, s->id, &s->inputs, s->label, s->has_label, err);
    return qns_cap_append(w, i->column, &i->row, 1, err);
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
        q->used -= i->bytes;
        if (st != QNS_OK) {
            q->st = st;
            q->err = err;
        }
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->mutex);
    return NULL;
}

static void release(qns_wqueue *q)
{
    pthread_cond_destroy(&q->changed);
    pthread_mutex_destroy(&q->mutex);
    qns_free(q->ring);
    qns_free(q);
}

static size_t lines(size_t bytes)
{
    return (bytes + LINE - 1) / LINE * LINE;
}

qns_status qns_wqueue_start(qns_wqueue **out, qns_cap_writer *w, size_t largest, qns_err *err)
{
    qns_wqueue *q = NULL;
    QNS_TRY(qns_new((void **)&q, 1, sizeof *q, err));
    q->w = w;
    const size_t need = sizeof(item) + lines(largest);
    q->room = need > ROOM ? need : ROOM;
    pthread_mutex_init(&q->mutex, NULL);
    pthread_cond_init(&q->changed, NULL);
    q->ring = qns_malloc64(q->room);
    if (!q->ring || pthread_create(&q->thread, NULL, work, q) != 0) {
        const bool no_memory = !q->ring;
        release(q);
        if (no_memory)
            QNS_FAIL(err, NOMEM, "cannot get %zu bytes for the write queue", need);
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

/* Called with the mutex held: what is left out at the end of the ring when the next item needs so
 * many bytes. */
static size_t gap(const qns_wqueue *q, size_t need)
{
    return q->room - q->at < need ? q->room - q->at : 0;
}

/* Waits until there is room. */
static qns_status take(item **out, qns_wqueue *q, size_t bytes, qns_err *err)
{
    const size_t need = sizeof(item) + lines(bytes);
    pthread_mutex_lock(&q->mutex);
    while (q->used > 0 && q->used + gap(q, need) + need > q->room && q->st == QNS_OK)
        pthread_cond_wait(&q->changed, &q->mutex);
    const qns_status st = writer_failed(q, err);
    if (st == QNS_OK) {
        if (q->used == 0)
            q->at = 0;
        const size_t left_out = gap(q, need);
        q->at = left_out > 0 ? 0 : q->at;
        *out = (item *)(q->ring + q->at);
        **out = (item){.bytes = left_out + need};
        q->at += need;
        q->used += left_out + need;
    }
    pthread_mutex_unlock(&q->mutex);
    return st;
}

static void put(qns_wqueue *q, item *i)
{
    pthread_mutex_lock(&q->mutex);
    if (q->first)
        q->last->next = i;
    else
        q->first = i;
    q->last = i;
    pthread_cond_broadcast(&q->changed);
    pthread_mutex_unlock(&q->mutex);
}

qns_status qns_wqueue_row(qns_wqueue *q, uint32_t column, const qns_tensor *t, qns_err *err)
{
    item *i = NULL;
    QNS_TRY(take(&i, q, qns_tensor_bytes(t), err));
    i->column = column;
    i->row = *t;
    i->row.data = i->data;
    memcpy(i->data, t->data, qns_tensor_bytes(t));
    put(q, i);
    return QNS_OK;
}

qns_status qns_wqueue_end_sample(qns_wqueue *q, const qns_wqueue_sample *s, qns_err *err)
{
    item *i = NULL;
    QNS_TRY(take(&i, q, 0, err));
    i->is_sample = true;
    i->sample = *s;
    put(q, i);
    return QNS_OK;
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
    release(q);
    return st;
}
