/* SPDX-License-Identifier: MIT */
#include "ns/h5_out.h"

#include "core/base/mem.h"

void qns_h5_out_init(qns_h5_out *o, qns_h5_disk *disk)
{
    *o = (qns_h5_out){.disk = disk};
    pthread_mutex_init(&o->mutex, NULL);
    pthread_cond_init(&o->changed, NULL);
}

void qns_h5_out_fini(qns_h5_out *o)
{
    pthread_cond_destroy(&o->changed);
    pthread_mutex_destroy(&o->mutex);
}

qns_status qns_h5_box_init(qns_h5_box *b, int n, size_t bytes, qns_err *err)
{
    for (int i = 0; i < n; i++) {
        qns_h5_piece *p = &b->piece[i];
        p->box = b;
        if (!(p->data = qns_malloc64(bytes)))
            QNS_FAIL(err, NOMEM, "cannot get %zu bytes to write", bytes);
        p->next = b->idle;
        b->idle = p;
    }
    return QNS_OK;
}

void qns_h5_box_fini(qns_h5_box *b)
{
    for (int i = 0; i < QNS_H5_PIECES; i++)
        qns_free(b->piece[i].data);
}

/* All below: called with the mutex held. */

static void write_unlocked(qns_h5_out *o, uint64_t at, const void *data, size_t size)
{
    o->busy = true;
    pthread_mutex_unlock(&o->mutex);
    const bool ok = qns_h5_disk_write(o->disk, at, data, size);
    pthread_mutex_lock(&o->mutex);
    o->busy = false;
    o->failed |= !ok;
}

static void make_idle(qns_h5_piece *p)
{
    p->next = p->box->idle;
    p->box->idle = p;
}

static void write_first(qns_h5_out *o)
{
    qns_h5_piece *p = o->first;
    o->first = p->next;
    write_unlocked(o, p->at, p->data, p->size);
    make_idle(p);
    p->box->n_waiting--;
    pthread_cond_broadcast(&o->changed);
}

/* For a caller that cannot go on: something changes. */
static void help(qns_h5_out *o)
{
    if (o->busy)
        pthread_cond_wait(&o->changed, &o->mutex);
    else
        write_first(o);
}

/* What was left meanwhile, but not what is left by then: a thread shall get on with its own work.
 */
static void write_left(qns_h5_out *o)
{
    for (int i = 0; i < QNS_H5_PIECES && o->first; i++)
        write_first(o);
    pthread_cond_broadcast(&o->changed);
}

/* ---- from outside ---- */

qns_h5_piece *qns_h5_out_take(qns_h5_out *o, qns_h5_box *b)
{
    pthread_mutex_lock(&o->mutex);
    while (!b->idle)
        help(o);
    qns_h5_piece *p = b->idle;
    b->idle = p->next;
    pthread_mutex_unlock(&o->mutex);
    return p;
}

bool qns_h5_out_put(qns_h5_out *o, qns_h5_piece *p)
{
    pthread_mutex_lock(&o->mutex);
    if (o->busy) {
        p->next = NULL;
        *(o->first ? &o->last->next : &o->first) = p;
        o->last = p;
        p->box->n_waiting++;
    } else {
        write_unlocked(o, p->at, p->data, p->size);
        make_idle(p);
        write_left(o);
    }
    const bool ok = !o->failed;
    pthread_mutex_unlock(&o->mutex);
    return ok;
}

bool qns_h5_out_try(bool *done, qns_h5_out *o, uint64_t at, const void *data, size_t size)
{
    pthread_mutex_lock(&o->mutex);
    *done = !o->busy;
    if (*done) {
        write_unlocked(o, at, data, size);
        write_left(o);
    }
    const bool ok = !o->failed;
    pthread_mutex_unlock(&o->mutex);
    return ok;
}

bool qns_h5_out_settle(qns_h5_out *o, qns_h5_box *b)
{
    pthread_mutex_lock(&o->mutex);
    while (b->n_waiting > 0)
        help(o);
    const bool ok = !o->failed;
    pthread_mutex_unlock(&o->mutex);
    return ok;
}
