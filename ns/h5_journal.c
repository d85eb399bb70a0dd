/* SPDX-License-Identifier: MIT */
#include "ns/h5_journal.h"

#include "core/base/digest.h"
#include "core/base/file.h"
#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_PATH = 4096, MAX_FILE = 1 << 30 };

/* The file: head, then n bytes of pieces. A piece: where and how long, then its bytes. */
typedef struct head {
    char magic[8];
    uint64_t n;
    qns_digest digest; /* of the pieces */
} head;

typedef struct piece {
    uint64_t at, size;
} piece;

static const char magic[8] = "QNSFLUSH";

bool qns_pwrite(int fd, const void *data, size_t size, uint64_t at)
{
    const char *from = data;
    while (size > 0) {
        const ssize_t n = pwrite(fd, from, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        from += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool beside(char *out, size_t size, const char *path)
{
    const int n = snprintf(out, size, "%s.flush", path);
    return n > 0 && (size_t)n < size;
}

/* ---- holding back ---- */

static bool append(qns_journal *j, const void *data, size_t size)
{
    if (j->n + size > j->cap) {
        const size_t cap = 2 * (j->n + size);
        char *at = qns_realloc(j->at, cap, 1);
        if (!at)
            return false;
        j->at = at;
        j->cap = cap;
    }
    memcpy(j->at + j->n, data, size);
    j->n += size;
    return true;
}

bool qns_journal_add(qns_journal *j, uint64_t at, const void *data, size_t size)
{
    const piece p = {at, size};
    const size_t n = j->n;
    if (append(j, &p, sizeof p) && append(j, data, size))
        return true;
    j->n = n;
    return false;
}

/* The next piece behind *pos, and its bytes; false at the end or where no whole piece is left. */
static bool next(piece *p, const char **data, size_t *pos, const char *all, size_t n)
{
    if (n - *pos < sizeof *p)
        return false;
    memcpy(p, all + *pos, sizeof *p);
    if (p->size > n - *pos - sizeof *p)
        return false;
    *data = all + *pos + sizeof *p;
    *pos += sizeof *p + p->size;
    return true;
}

void qns_journal_overlay(const qns_journal *j, uint64_t at, void *out, size_t size)
{
    const char *data;
    size_t pos = 0;
    piece p;
    while (next(&p, &data, &pos, j->at, j->n)) {
        const uint64_t lo = p.at > at ? p.at : at;
        const uint64_t end = at + size, p_end = p.at + p.size, hi = p_end < end ? p_end : end;
        if (lo < hi)
            memcpy((char *)out + (lo - at), data + (lo - p.at), hi - lo);
    }
}

void qns_journal_fini(qns_journal *j)
{
    qns_free(j->at);
    *j = (qns_journal){0};
}

/* ---- writing ---- */

static bool write_pieces(int fd, const char *all, size_t n)
{
    const char *data;
    size_t pos = 0;
    piece p;
    while (next(&p, &data, &pos, all, n))
        if (!qns_pwrite(fd, data, p.size, p.at))
            return false;
    return true;
}

/* The lock tells others that this process lives; where the file system has none, they must guess.
 */
static int write_beside(const char *name, const qns_journal *j)
{
    head h = {.n = j->n, .digest = qns_digest_of(j->at, j->n)};
    const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    memcpy(h.magic, magic, sizeof h.magic);
    if (fd < 0)
        return -1;
    (void)flock(fd, LOCK_EX);
    if (qns_pwrite(fd, &h, sizeof h, 0) && qns_pwrite(fd, j->at, j->n, sizeof h))
        return fd;
    const int error = errno;
    unlink(name);
    close(fd);
    errno = error;
    return -1;
}

int qns_journal_write(qns_journal *j, int fd, const char *path)
{
    char name[MAX_PATH];
    if (j->n == 0)
        return 0;
    if (!beside(name, sizeof name, path))
        return ENAMETOOLONG;
    const int own = write_beside(name, j);
    if (own < 0)
        return errno;
    if (!write_pieces(fd, j->at, j->n)) {
        /* The file beside stays: it is whole, and the file at path is not. */
        const int error = errno;
        close(own);
        return error;
    }
    unlink(name);
    close(own);
    j->n = 0;
    return 0;
}

/* ---- afterwards ---- */

void qns_journal_forget(const char *path)
{
    char name[MAX_PATH];
    if (beside(name, sizeof name, path))
        unlink(name);
}

/* The pieces in what a file beside holds; NULL when it is not whole. */
static const char *whole(size_t *n, const char *text, size_t size, uint64_t file_size)
{
    head h;
    piece p;
    const char *all = text + sizeof h, *data;
    size_t pos = 0;
    if (size < sizeof h)
        return NULL;
    memcpy(&h, text, sizeof h);
    if (memcmp(h.magic, magic, sizeof magic) != 0 || h.n != size - sizeof h)
        return NULL;
    const qns_digest d = qns_digest_of(all, h.n);
    if (!qns_digest_equal(&d, &h.digest))
        return NULL;
    while (next(&p, &data, &pos, all, h.n))
        if (p.at > file_size || p.size > file_size - p.at)
            return NULL;
    *n = h.n;
    return pos == h.n ? all : NULL;
}

/* own: the file beside, locked. */
static qns_status do_again(const char *path, const char *name, int own, qns_err *err)
{
    qns_status st = QNS_OK;
    struct stat s, now;
    char *text = NULL;
    size_t size, n;
    int fd = -1;
    /* The writer may have finished, and removed it, before the lock was ours. */
    if (fstat(own, &now) != 0 || now.st_nlink == 0 || stat(path, &s) != 0)
        return QNS_OK;
    QNS_TRY_DONE(qns_file_read(&text, &size, name, MAX_FILE, err));
    const char *pieces = whole(&n, text, size, (uint64_t)s.st_size);
    if (pieces) {
        fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0 || !write_pieces(fd, pieces, n))
            QNS_FAIL_DONE(err, IO,
                          "cannot finish the interrupted flush in '%s': %s; copy both files to "
                          "where they can be written",
                          name, strerror(errno));
    }
    /* What cannot be removed, in a folder that is read-only, is done again next time. */
    unlink(name);
done:
    if (fd >= 0)
        close(fd);
    qns_free(text);
    return st;
}

qns_status qns_journal_finish(const char *path, qns_err *err)
{
    qns_status st = QNS_OK;
    char name[MAX_PATH];
    if (!beside(name, sizeof name, path))
        return QNS_OK;
    const int own = open(name, O_RDONLY | O_CLOEXEC);
    if (own < 0)
        return QNS_OK;
    if (flock(own, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        st = do_again(path, name, own, err);
    close(own);
    return st;
}
