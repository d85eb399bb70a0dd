/* SPDX-License-Identifier: MIT */
/* Opening a capture. A child process reads what the file holds and may die of it (h5_probe.h); it
 * leaves its description in memory that this process sees, too. So HDF5 opens the file here only
 * for datasets that cannot be read without it. */
#include "core/base/mem.h"
#include "core/model/h5_probe.h"
#include "ns/h5_journal.h"
#include "ns/h5_read_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a child says, all of it in the arena. */
typedef struct told {
    bool all; /* of what follows is there */
    qns_status st;
    qns_err err;
    qns_cap_info info;
    qns_cap_entry *entry;
    const char **skipped;
    size_t n_entries, n_skipped;
} told;

typedef struct opening {
    qns_capture *c;
    qns_h5_child child;
    told *told; /* NULL: nothing can be told */
} opening;

/* Room for the lists of as many samples as a file may have. Where addresses are short there is none
 * to give away. */
static const size_t most_told = sizeof(void *) > 4 ? (size_t)1 << 30 : 0;

static qns_status make_arena(opening *o, qns_err *err)
{
    qns_capture *c = o->c;
    if (most_told > 0 && qns_arena_create_shared(&c->arena, most_told, NULL) == QNS_OK)
        return qns_arena_new((void **)&o->told, c->arena, 1, sizeof *o->told, err);
    return qns_arena_create(&c->arena, err);
}

static qns_status open_plain(qns_capture *c, qns_err *err)
{
    struct stat s;
    if (stat(c->info.path, &s) != 0)
        QNS_FAIL(err, IO, "cannot open: %s", strerror(errno));
    if (!S_ISREG(s.st_mode))
        QNS_FAIL(err, IO, "is not a regular file");
    c->fd = open(c->info.path, O_RDONLY | O_CLOEXEC);
    if (c->fd < 0)
        QNS_FAIL(err, IO, "cannot open: %s", strerror(errno));
    return QNS_OK;
}

/* Numbers that HDF5 has to read: the first and the last of each dataset, which makes it unpack
 * their chunks. */
static void try_numbers(qns_capture *c)
{
    for (size_t i = 0; i < c->entry.n; i++) {
        const qns_cap_data *d = &c->entry.at[i].d;
        const int64_t last = qns_group_by_sample(d->group) ? c->info.samples - 1 : 0;
        float x;
        qns_cap_part p = {.data = (uint32_t)i, .n_rows = 1, .n = 1};
        if (c->entry.at[i].direct.size > 0 || d->count == 0 || last < 0)
            continue;
        qns_capture_read(&x, c, &p, NULL);
        p.row = last;
        p.first = d->count - 1;
        qns_capture_read(&x, c, &p, NULL);
    }
}

static void tell(told *t, const qns_capture *c, qns_status st)
{
    t->st = st;
    t->info = c->info;
    t->n_entries = c->entry.n;
    t->n_skipped = c->skipped.n;
    t->entry = qns_arena_dup(c->arena, c->entry.at, c->entry.n * sizeof *t->entry);
    t->skipped = qns_arena_dup(c->arena, c->skipped.at, c->skipped.n * sizeof *t->skipped);
    t->all = t->entry && t->skipped;
}

/* In the child, which ends with this: nothing is closed. */
static void look_at(const char *path, void *ctx)
{
    opening *o = ctx;
    (void)path;
    qns_h5_lock();
    const qns_status st = qns_cap_read_contents(o->c, o->told ? &o->told->err : NULL);
    qns_h5_unlock();
    if (st == QNS_OK)
        try_numbers(o->c);
    if (o->told)
        tell(o->told, o->c, st);
}

static qns_status take(qns_capture *c, const told *t, qns_err *err)
{
    if (t->st != QNS_OK) {
        if (err)
            *err = t->err;
        return t->st;
    }
    QNS_TRY(qns_new((void **)&c->entry.at, t->n_entries, sizeof *t->entry, err));
    QNS_TRY(qns_new((void **)&c->skipped.at, t->n_skipped, sizeof *t->skipped, err));
    memcpy(c->entry.at, t->entry, t->n_entries * sizeof *t->entry);
    memcpy(c->skipped.at, t->skipped, t->n_skipped * sizeof *t->skipped);
    c->entry.n = c->entry.cap = t->n_entries;
    c->skipped.n = c->skipped.cap = t->n_skipped;
    for (size_t i = 0; i < c->entry.n; i++)
        c->entry.at[i].dset = 0; /* the child's */
    c->info = t->info;
    c->info.skipped = c->skipped.at;
    return QNS_OK;
}

static qns_status begin(opening *o, const char *path, qns_err *err)
{
    QNS_TRY(qns_new((void **)&o->c, 1, sizeof *o->c, err));
    o->c->fd = o->c->disk.fd = o->c->disk.reserve = -1;
    QNS_TRY(make_arena(o, err));
    o->c->info.path = qns_arena_strdup(o->c->arena, path);
    if (!o->c->info.path)
        QNS_FAIL(err, NOMEM, "cannot open '%s'", path);
    const qns_status st = open_plain(o->c, err);
    if (st != QNS_OK)
        qns_err_note(err, "'%s'", path);
    return st;
}

static qns_status end(opening *o, qns_err *err)
{
    qns_status st;
    QNS_TRY(qns_h5_probe_wait(&o->child, err));
    if (o->told && o->told->all) {
        st = take(o->c, o->told, err);
    } else {
        qns_h5_lock();
        st = qns_cap_read_contents(o->c, err);
        qns_h5_unlock();
    }
    if (st != QNS_OK)
        qns_err_note(err, "'%s'", o->c->info.path);
    return st;
}

qns_status qns_capture_open(qns_capture **out, const char *path, qns_err *err)
{
    return qns_capture_open_all(out, &path, 1, err);
}

qns_status qns_capture_open_all(qns_capture **out, const char *const *path, size_t n, qns_err *err)
{
    qns_status st = QNS_OK;
    opening *o = NULL;
    QNS_TRY(qns_new((void **)&o, n, sizeof *o, err));
    for (size_t i = 0; i < n; i++)
        QNS_TRY_DONE(qns_journal_finish(path[i], err));
    for (size_t i = 0; i < n; i++)
        QNS_TRY_DONE(begin(&o[i], path[i], err));
    for (size_t i = 0; i < n; i++)
        qns_h5_probe_start(&o[i].child, path[i], look_at, &o[i]);
    for (size_t i = 0; i < n; i++) { /* the others go on meanwhile */
        const qns_status ended = end(&o[i], st == QNS_OK ? err : NULL);
        st = st == QNS_OK ? ended : st;
    }
    for (size_t i = 0; i < n && st == QNS_OK; i++) {
        out[i] = o[i].c;
        o[i].c = NULL;
    }
done:
    for (size_t i = 0; i < n; i++)
        qns_capture_close(o[i].c);
    qns_free(o);
    return st;
}

/* Chunks are read in place; a cache of each dataset would only copy, and stay. With filters it
 * saves unpacking one again. */
static hid_t open_dataset(const qns_capture *c, const qns_cap_entry *e)
{
    enum { SLOTS = 521, BYTES = 1 << 20 }; /* HDF5's own */
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS), dset = -1;
    if (access >= 0 && (!e->filtered || H5Pset_chunk_cache(access, SLOTS, BYTES, 0.75) >= 0))
        dset = H5Dopen2(c->file, e->d.path, access);
    qns_h5_shut(&access);
    return dset;
}

qns_status qns_cap_dataset(qns_capture *c, qns_cap_entry *e, qns_err *err)
{
    if (e->dset > 0)
        return QNS_OK;
    qns_status st = qns_cap_open_file(c, err);
    if (st == QNS_OK && (e->dset = open_dataset(c, e)) < 0) {
        e->dset = 0;
        st = qns_h5_fail(err, QNS_E_FORMAT, __FILE__, __LINE__, "cannot open '%s'", e->d.path);
    }
    if (st != QNS_OK)
        qns_err_note(err, "'%s'", c->info.path);
    return st;
}

void qns_capture_close(qns_capture *c)
{
    if (!c)
        return;
    qns_h5_lock();
    for (size_t i = 0; i < c->entry.n; i++)
        qns_h5_shut(&c->entry.at[i].dset);
    qns_h5_shut(&c->file);
    qns_h5_unlock();
    if (c->fd >= 0)
        close(c->fd);
    qns_free(c->entry.at);
    qns_free(c->skipped.at);
    qns_arena_free(c->arena);
    qns_free(c);
}

const qns_cap_info *qns_capture_info(const qns_capture *c)
{
    return &c->info;
}

uint32_t qns_capture_n(const qns_capture *c)
{
    return (uint32_t)c->entry.n;
}

bool qns_capture_filtered(const qns_capture *c, uint32_t i)
{
    return c->entry.at[i].filtered;
}

const qns_cap_data *qns_capture_at(const qns_capture *c, uint32_t i)
{
    return &c->entry.at[i].d;
}
