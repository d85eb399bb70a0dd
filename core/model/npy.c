/* SPDX-License-Identifier: MIT */
/* Samples are fetched with pread(), not mapped: a file that is cut while we read is then an error
 * instead of a signal.
 *
 * In Fortran order a sample is scattered over the whole file, one element in every shape[0]; the
 * elements of neighbouring samples are neighbours, though. So a block of samples is gathered in one
 * pass, as many as BLOCK_BYTES hold, and given out from memory. */
#include "core/model/npy.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/model/npy_header.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK_BYTES = 16 << 20 };

struct qns_npy {
    char *name;
    int fd;               /* -1 when from memory */
    const char *data;     /* when from memory */
    uint64_t size, start; /* bytes of the file; where the elements begin */
    qns_npy_header h;
    size_t per_sample;
    /* Fortran order: samples first .. first + n - 1, in C order */
    char *block;
    char *strip;
    size_t block_cap;
    int64_t block_first, block_n;
};

static qns_status read_at(void *out, const qns_npy *f, uint64_t at, size_t n, qns_err *err)
{
    if (at > f->size || n > f->size - at)
        QNS_FAIL(err, FORMAT, "'%s' ends at byte %llu, %llu are needed", f->name,
                 (unsigned long long)f->size, (unsigned long long)(at + n));
    if (f->fd < 0) {
        memcpy(out, f->data + at, n);
        return QNS_OK;
    }
    for (size_t got = 0; got < n;) {
        const ssize_t r = pread(f->fd, (char *)out + got, n - got, (off_t)(at + got));
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            QNS_FAIL(err, IO, "cannot read '%s': %s", f->name, strerror(errno));
        if (r == 0)
            QNS_FAIL(err, IO, "'%s' became shorter while it was read", f->name);
        got += (size_t)r;
    }
    return QNS_OK;
}

static qns_status read_header(qns_npy *f, qns_err *err)
{
    qns_status st = QNS_OK;
    unsigned char prefix[QNS_NPY_PREFIX];
    const size_t n = f->size < sizeof prefix ? (size_t)f->size : sizeof prefix;
    size_t start, length, bytes;
    char *text = NULL;
    QNS_TRY(read_at(prefix, f, 0, n, err));
    QNS_TRY(qns_npy_prefix(&start, &length, prefix, n, err));
    if (start + length > f->size)
        QNS_FAIL(err, FORMAT, "the header should have %zu bytes, but the file has %llu",
                 start + length, (unsigned long long)f->size);
    QNS_TRY(qns_new((void **)&text, length + 1, 1, err));
    QNS_TRY_DONE(read_at(text, f, start, length, err));
    QNS_TRY_DONE(qns_npy_parse_header(&f->h, text, length, err));
    f->start = start + length;
    const qns_shape *s = &f->h.shape;
    const size_t count = qns_shape_count(s);
    if (__builtin_mul_overflow(count, qns_elem_size(f->h.elem), &bytes) ||
        bytes > f->size - f->start)
        QNS_FAIL_DONE(err, FORMAT,
                      "shape %s of %s needs %zu bytes behind the header, but the file has %llu",
                      qns_shape_str(s).s, qns_elem_name(f->h.elem), bytes,
                      (unsigned long long)(f->size - f->start));
    f->per_sample = s->rank ? qns_shape_span(s, 1, s->rank) : 1;
    f->h.fortran = f->h.fortran && s->rank > 1;
done:
    qns_free(text);
    return st;
}

static qns_status new_npy(qns_npy **out, const char *name, qns_err *err)
{
    QNS_TRY(qns_new((void **)out, 1, sizeof **out, err));
    (*out)->fd = -1;
    if ((*out)->name = qns_strdup(name), !(*out)->name) {
        qns_free(*out);
        QNS_FAIL(err, NOMEM, "cannot open '%s'", name);
    }
    return QNS_OK;
}

qns_status qns_npy_open(qns_npy **out, const char *path, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npy *f = NULL;
    struct stat sb;
    QNS_TRY(new_npy(&f, path, err));
    /* O_NONBLOCK: opening a pipe that nobody writes to must not wait. */
    if ((f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        QNS_FAIL_DONE(err, IO, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(f->fd, &sb) != 0)
        QNS_FAIL_DONE(err, IO, "cannot look at '%s': %s", path, strerror(errno));
    if (!S_ISREG(sb.st_mode))
        QNS_FAIL_DONE(err, IO, "'%s' is not a regular file", path);
    f->size = (uint64_t)sb.st_size;
    if ((st = read_header(f, err)) != QNS_OK) {
        qns_err_note(err, "reading '%s'", path);
        goto done;
    }
    *out = f;
    f = NULL;
done:
    qns_npy_close(f);
    return st;
}

qns_status qns_npy_open_bytes(qns_npy **out, const void *p, size_t n, const char *name,
                              qns_err *err)
{
    qns_npy *f = NULL;
    QNS_TRY(new_npy(&f, name, err));
    f->data = p;
    f->size = n;
    const qns_status st = read_header(f, err);
    if (st != QNS_OK) {
        qns_err_note(err, "reading '%s'", name);
        qns_npy_close(f);
        return st;
    }
    *out = f;
    return QNS_OK;
}

void qns_npy_close(qns_npy *f)
{
    if (!f)
        return;
    if (f->fd >= 0)
        close(f->fd);
    qns_free(f->block);
    qns_free(f->strip);
    qns_free(f->name);
    qns_free(f);
}

qns_elem qns_npy_elem(const qns_npy *f)
{
    return f->h.elem;
}

const qns_shape *qns_npy_shape(const qns_npy *f)
{
    return &f->h.shape;
}

/* Moves on to the next index of axes 1 ..., the last fastest, and gives its place in Fortran order.
 */
static uint64_t next_index(int64_t *index, const qns_shape *s)
{
    uint64_t place = 0;
    for (int32_t i = s->rank - 1; i > 0; i--) {
        if (++index[i] < s->dim[i])
            break;
        index[i] = 0;
    }
    for (int32_t i = s->rank - 1; i > 0; i--)
        place = place * (uint64_t)s->dim[i] + (uint64_t)index[i];
    return place;
}

static qns_status gather_block(qns_npy *f, int64_t first, qns_err *err)
{
    const qns_shape *s = &f->h.shape;
    const size_t e = qns_elem_size(f->h.elem), bytes = f->per_sample * e;
    int64_t index[QNS_MAX_RANK] = {0};
    uint64_t place = 0;
    if (!f->block) {
        f->block_cap = bytes < BLOCK_BYTES ? BLOCK_BYTES / bytes : 1;
        if ((uint64_t)s->dim[0] < f->block_cap)
            f->block_cap = (size_t)s->dim[0];
        if (!(f->block = qns_malloc64(f->block_cap * bytes)) ||
            (!f->strip && !(f->strip = qns_malloc64(f->block_cap * e))))
            QNS_FAIL(err, NOMEM, "cannot get %zu bytes for '%s'", f->block_cap * bytes, f->name);
    }
    const int64_t left = s->dim[0] - first;
    f->block_n = 0; /* nothing is valid until all is read */
    const size_t n = (uint64_t)left < f->block_cap ? (size_t)left : f->block_cap;
    for (size_t j = 0; j < f->per_sample; j++) {
        const uint64_t at = place * (uint64_t)s->dim[0] + (uint64_t)first;
        QNS_TRY(read_at(f->strip, f, f->start + at * e, n * e, err));
        for (size_t i = 0; i < n; i++)
            memcpy(f->block + i * bytes + j * e, f->strip + i * e, e);
        place = next_index(index, s);
    }
    f->block_first = first;
    f->block_n = (int64_t)n;
    return QNS_OK;
}

qns_status qns_npy_read(void *out, qns_npy *f, int64_t i, qns_err *err)
{
    const qns_shape *s = &f->h.shape;
    const size_t bytes = f->per_sample * qns_elem_size(f->h.elem);
    assert(s->rank > 0 && i >= 0 && i < s->dim[0]);
    if (bytes == 0)
        return QNS_OK;
    if (!f->h.fortran)
        return read_at(out, f, f->start + (uint64_t)i * bytes, bytes, err);
    if (i < f->block_first || i >= f->block_first + f->block_n)
        QNS_TRY(gather_block(f, i, err));
    memcpy(out, f->block + (size_t)(i - f->block_first) * bytes, bytes);
    return QNS_OK;
}

qns_status qns_npy_load(void **data, qns_shape *shape, const char *path, qns_dtype dtype,
                        qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npy *f = NULL;
    char *raw = NULL, *buf = NULL;
    qns_misfit bad;
    QNS_TRY(qns_npy_open(&f, path, err));
    const qns_shape *s = &f->h.shape;
    const size_t n = qns_shape_count(s), e = qns_elem_size(f->h.elem);
    if (!(raw = qns_malloc64(n * e)) || !(buf = qns_malloc64(n * qns_dtype_size(dtype))))
        QNS_FAIL_DONE(err, NOMEM, "cannot get memory for the %zu numbers of '%s'", n, path);
    if (s->rank == 0)
        QNS_TRY_DONE(read_at(raw, f, f->start, e, err));
    for (int64_t i = 0; s->rank > 0 && i < s->dim[0]; i++)
        QNS_TRY_DONE(qns_npy_read(raw + (size_t)i * f->per_sample * e, f, i, err));
    if (!qns_elem_convert(buf, dtype, raw, f->h.elem, n, false, &bad))
        QNS_FAIL_DONE(err, DATA, "'%s': value %s at element %zu %s", path, bad.value, bad.at,
                      bad.why);
    *data = buf;
    *shape = *s;
    buf = NULL;
done:
    qns_free(raw);
    qns_free(buf);
    qns_npy_close(f);
    return st;
}

qns_status qns_npy_write(const char *path, const qns_tensor *t, qns_err *err)
{
    static const char *const descr[QNS_DTYPE_COUNT] = {
        [QNS_F32] = "<f4", [QNS_F16] = "<f2", [QNS_U8] = "|u1",   [QNS_I8] = "|i1",
        [QNS_I32] = "<i4", [QNS_I64] = "<i8", [QNS_BOOL] = "|b1", [QNS_I16] = "<i2",
        [QNS_U16] = "<u2", [QNS_U32] = "<u4", [QNS_U64] = "<u8",
    };
    assert(t->layout == QNS_ROW && t->dtype < QNS_DTYPE_COUNT);
    qns_status st = QNS_OK;
    qns_str s = {0};
    qns_str_addf(&s, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr[t->dtype]);
    for (int32_t i = 0; i < t->shape.rank; i++)
        qns_str_addf(&s, "%s%lld", i ? ", " : "", (long long)t->shape.dim[i]);
    qns_str_add(&s, t->shape.rank == 1 ? ",), }" : "), }");
    while ((10 + s.len + 1) % 64 && !s.failed) /* the elements start at a multiple of 64 */
        qns_str_add(&s, " ");
    qns_str_add(&s, "\n");
    const char prefix[10] = {
        '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, (char)(s.len & 255), (char)(s.len >> 8)};
    const size_t bytes = qns_tensor_bytes(t), total = 10 + s.len + bytes;
    char *all = s.failed ? NULL : qns_malloc64(total);
    if (!all)
        QNS_FAIL_DONE(err, NOMEM, "cannot write '%s'", path);
    memcpy(all, prefix, 10);
    memcpy(all + 10, s.s, s.len);
    if (bytes)
        memcpy(all + 10 + s.len, t->data, bytes);
    QNS_TRY_DONE(qns_file_write(path, all, total, err));
done:
    qns_free(all);
    qns_str_fini(&s);
    return st;
}
