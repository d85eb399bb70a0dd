/* SPDX-License-Identifier: MIT */
#include "core/base/file.h"

#include "core/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

qns_status qns_file_read(char **out, size_t *n, const char *path, size_t max, qns_err *err)
{
    qns_status st = QNS_OK;
    char *buf = NULL;
    struct stat sb;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        QNS_FAIL(err, IO, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(fd, &sb) != 0)
        QNS_FAIL_DONE(err, IO, "cannot look at '%s': %s", path, strerror(errno));
    if (!S_ISREG(sb.st_mode))
        QNS_FAIL_DONE(err, IO, "'%s' is not a regular file", path);
    if ((uint64_t)sb.st_size > max)
        QNS_FAIL_DONE(err, FORMAT, "'%s' has %lld bytes; the most that is read is %zu", path,
                      (long long)sb.st_size, max);
    const size_t size = (size_t)sb.st_size;
    if (!(buf = qns_malloc64(size + 1)))
        QNS_FAIL_DONE(err, NOMEM, "cannot get %zu bytes for '%s'", size, path);
    size_t got = 0;
    while (got < size) {
        const ssize_t r = read(fd, buf + got, size - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            QNS_FAIL_DONE(err, IO, "cannot read '%s': %s", path, strerror(errno));
        if (r == 0)
            break;
        got += (size_t)r;
    }
    buf[got] = 0;
    *out = buf;
    *n = got;
    buf = NULL;
done:
    qns_free(buf);
    close(fd);
    return st;
}

qns_status qns_file_write(const char *path, const void *p, size_t n, qns_err *err)
{
    qns_status st = QNS_OK;
    const size_t len = strlen(path) + 32;
    char *tmp = qns_calloc(len, 1);
    if (!tmp)
        QNS_FAIL(err, NOMEM, "cannot write '%s'", path);
    snprintf(tmp, len, "%s.%ld.tmp", path, (long)getpid());
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0) {
        qns_err_set(err, QNS_E_IO, __FILE__, __LINE__, "cannot create '%s': %s", path,
                    strerror(errno));
        qns_free(tmp);
        return QNS_E_IO;
    }
    for (size_t put = 0; put < n;) {
        const ssize_t w = write(fd, (const char *)p + put, n - put);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            QNS_FAIL_DONE(err, IO, "cannot write '%s': %s", path, strerror(errno));
        put += (size_t)w;
    }
    if (fsync(fd) != 0 && errno != EINVAL && errno != EROFS)
        QNS_FAIL_DONE(err, IO, "cannot write '%s': %s", path, strerror(errno));
    const int closed = close(fd);
    fd = -1;
    if (closed != 0)
        QNS_FAIL_DONE(err, IO, "cannot write '%s': %s", path, strerror(errno));
    if (rename(tmp, path) != 0)
        QNS_FAIL_DONE(err, IO, "cannot rename to '%s': %s", path, strerror(errno));
done:
    if (fd >= 0)
        close(fd);
    if (st != QNS_OK)
        unlink(tmp);
    qns_free(tmp);
    return st;
}

qns_status qns_file_put(const char *path, const void *p, size_t n, qns_err *err)
{
    if (strcmp(path, "-") != 0)
        return qns_file_write(path, p, n, err);
    if (fwrite(p, 1, n, stdout) != n || fflush(stdout) != 0)
        QNS_FAIL(err, IO, "cannot write to standard output: %s", strerror(errno));
    return QNS_OK;
}

bool qns_file_exists(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0;
}

char *qns_path_beside(const char *base, const char *name)
{
    const char *slash = strrchr(base, '/');
    if (name[0] == '/' || !slash)
        return qns_strdup(name);
    const size_t dir = (size_t)(slash - base) + 1, n = strlen(name) + 1;
    char *out = qns_calloc(dir + n, 1);
    if (out) {
        memcpy(out, base, dir);
        memcpy(out + dir, name, n);
    }
    return out;
}

const char *qns_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool qns_has_suffix(const char *path, const char *suffix)
{
    const size_t n = strlen(path), m = strlen(suffix);
    return n >= m && strcmp(path + n - m, suffix) == 0;
}
