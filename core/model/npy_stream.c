/* SPDX-License-Identifier: MIT */
#include "core/model/npy_stream.h"

#include "core/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Format 1.0: the header fills a multiple of 64 bytes, so room for any row count is reserved at
 * once. */
enum { HEADER = 256 };

struct qns_npy_stream {
    FILE *f;
    char *path, *tmp;
    qns_shape row;
    int64_t n;
    bool done;
};

static qns_status write_header(qns_npy_stream *w, qns_err *err)
{
    char head[HEADER + 1];
    memset(head, ' ', HEADER);
    memcpy(head, "\x93NUMPY\x01\x00", 8);
    head[8] = (char)((HEADER - 10) & 0xff);
    head[9] = (char)((HEADER - 10) >> 8);
    int at = 10;
    at += snprintf(head + at, (size_t)(HEADER - at),
                   "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRId64 ",", w->n);
    const int32_t first = w->row.rank > 0 && w->row.dim[0] == 1 ? 1 : 0;
    for (int32_t i = first; i < w->row.rank; i++)
        at += snprintf(head + at, (size_t)(HEADER - at), " %" PRId64 "%s", w->row.dim[i],
                       i + 1 < w->row.rank ? "," : "");
    at += snprintf(head + at, (size_t)(HEADER - at), "), }");
    head[at] = ' ';
    head[HEADER - 1] = '\n';
    if (fseek(w->f, 0, SEEK_SET) != 0 || fwrite(head, 1, HEADER, w->f) != HEADER)
        QNS_FAIL(err, IO, "cannot write '%s': %s", w->path, strerror(errno));
    return QNS_OK;
}

qns_status qns_npy_stream_create(qns_npy_stream **out, const char *path, const qns_shape *row,
                                 qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npy_stream *w = NULL;
    const size_t len = strlen(path) + 32;
    QNS_TRY(qns_new((void **)&w, 1, sizeof *w, err));
    w->row = *row;
    w->path = qns_strdup(path);
    w->tmp = qns_calloc(len, 1);
    if (!w->path || !w->tmp)
        QNS_FAIL_DONE(err, NOMEM, "cannot write '%s'", path);
    snprintf(w->tmp, len, "%s.%ld.tmp", path, (long)getpid());
    w->f = fopen(w->tmp, "wb");
    if (!w->f)
        QNS_FAIL_DONE(err, IO, "cannot create '%s': %s", path, strerror(errno));
    QNS_TRY_DONE(write_header(w, err));
    *out = w;
    w = NULL;
done:
    qns_npy_stream_free(w);
    return st;
}

qns_status qns_npy_stream_add(qns_npy_stream *w, const float *x, qns_err *err)
{
    const size_t n = qns_shape_count(&w->row);
    if (fwrite(x, sizeof *x, n, w->f) != n)
        QNS_FAIL(err, IO, "cannot write '%s': %s", w->path, strerror(errno));
    w->n++;
    return QNS_OK;
}

qns_status qns_npy_stream_commit(qns_npy_stream *w, qns_err *err)
{
    QNS_TRY(write_header(w, err));
    const bool flushed = fflush(w->f) == 0 && fsync(fileno(w->f)) == 0;
    const bool closed = fclose(w->f) == 0;
    w->f = NULL;
    if (!flushed || !closed)
        QNS_FAIL(err, IO, "cannot write '%s': %s", w->path, strerror(errno));
    if (rename(w->tmp, w->path) != 0)
        QNS_FAIL(err, IO, "cannot rename to '%s': %s", w->path, strerror(errno));
    w->done = true;
    return QNS_OK;
}

void qns_npy_stream_free(qns_npy_stream *w)
{
    if (!w)
        return;
    if (w->f)
        fclose(w->f);
    if (w->tmp && !w->done)
        unlink(w->tmp);
    qns_free(w->tmp);
    qns_free(w->path);
    qns_free(w);
}
