/* SPDX-License-Identifier: MIT */
/* libzip does the work. What a hostile archive says about itself is not believed: memory grows with
 * the bytes that really come out, and a member may not claim more than deflate can give. */
#include "core/model/npz.h"

#include "core/base/file.h"
#include "core/base/mem.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <zip.h>

enum {
    MAX_MEMBERS = 10000,
    FIRST_BYTES = 1 << 20,
    MAX_RATIO = 1040, /* deflate reaches 1032 : 1 */
};

struct qns_npz {
    char *file;
    zip_t *zip;
    qns_names names;
};

static qns_status list_members(qns_npz *z, qns_err *err)
{
    const zip_int64_t n = zip_get_num_entries(z->zip, 0);
    if (n > MAX_MEMBERS)
        QNS_FAIL(err, FORMAT, "'%s' has %lld members; the most that is read is %d", z->file,
                 (long long)n, MAX_MEMBERS);
    for (zip_int64_t i = 0; i < n; i++) {
        const char *name = zip_get_name(z->zip, (zip_uint64_t)i, ZIP_FL_ENC_RAW);
        if (name && qns_has_suffix(name, ".npy"))
            QNS_TRY(qns_names_add(&z->names, name, strlen(name) - 4, err));
    }
    if (!z->names.n)
        QNS_FAIL(err, FORMAT, "'%s' has no .npy members", z->file);
    return QNS_OK;
}

/* Takes the source, in every case. */
static qns_status open_source(qns_npz **out, zip_source_t *src, zip_error_t *ze, const char *name,
                              qns_err *err)
{
    qns_status st = QNS_OK;
    qns_npz *z = NULL;
    if (!src)
        QNS_FAIL(err, IO, "cannot open '%s': %s", name, zip_error_strerror(ze));
    QNS_TRY_DONE(qns_new((void **)&z, 1, sizeof *z, err));
    if (!(z->file = qns_strdup(name)))
        QNS_FAIL_DONE(err, NOMEM, "cannot open '%s'", name);
    if (!(z->zip = zip_open_from_source(src, ZIP_RDONLY, ze)))
        QNS_FAIL_DONE(err, FORMAT, "'%s' is not a readable .npz file: %s", name,
                      zip_error_strerror(ze));
    src = NULL;
    QNS_TRY_DONE(list_members(z, err));
    *out = z;
    z = NULL;
done:
    if (src)
        zip_source_free(src);
    qns_npz_close(z);
    return st;
}

qns_status qns_npz_open(qns_npz **out, const char *path, qns_err *err)
{
    struct stat sb;
    zip_error_t ze;
    if (stat(path, &sb) != 0 || !S_ISREG(sb.st_mode))
        QNS_FAIL(err, IO, "cannot open '%s': no such file, or not a regular file", path);
    zip_error_init(&ze);
    const qns_status st =
        open_source(out, zip_source_file_create(path, 0, -1, &ze), &ze, path, err);
    zip_error_fini(&ze);
    return st;
}

qns_status qns_npz_open_bytes(qns_npz **out, const void *p, size_t n, const char *name,
                              qns_err *err)
{
    zip_error_t ze;
    zip_error_init(&ze);
    const qns_status st = open_source(out, zip_source_buffer_create(p, n, 0, &ze), &ze, name, err);
    zip_error_fini(&ze);
    return st;
}

void qns_npz_close(qns_npz *z)
{
    if (!z)
        return;
    if (z->zip)
        zip_discard(z->zip);
    qns_names_fini(&z->names);
    qns_free(z->file);
    qns_free(z);
}

const qns_names *qns_npz_names(const qns_npz *z)
{
    return &z->names;
}

static qns_status check_member(const zip_stat_t *sb, const qns_npz *z, const char *name,
                               qns_err *err)
{
    const zip_uint64_t need = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD;
    if ((sb->valid & need) != need)
        QNS_FAIL(err, FORMAT, "'%s': the archive does not say how large '%s' is", z->file, name);
    if ((sb->valid & ZIP_STAT_ENCRYPTION_METHOD) && sb->encryption_method != ZIP_EM_NONE)
        QNS_FAIL(err, UNSUPPORTED, "'%s': '%s' is encrypted", z->file, name);
    if (sb->comp_method != ZIP_CM_STORE && sb->comp_method != ZIP_CM_DEFLATE)
        QNS_FAIL(err, UNSUPPORTED,
                 "'%s': '%s' is compressed by method %u; stored and deflated members are read",
                 z->file, name, sb->comp_method);
    if (sb->size > QNS_NPZ_MAX_BYTES)
        QNS_FAIL(
            err, UNSUPPORTED,
            "'%s': '%s' has %llu bytes; the most that is read from a .npz is %llu, save it as .npy",
            z->file, name, (unsigned long long)sb->size, (unsigned long long)QNS_NPZ_MAX_BYTES);
    if (sb->size / MAX_RATIO > sb->comp_size)
        QNS_FAIL(err, FORMAT, "'%s': '%s' claims to unpack %llu bytes to %llu", z->file, name,
                 (unsigned long long)sb->comp_size, (unsigned long long)sb->size);
    return QNS_OK;
}

/* Reads size bytes; a file that has fewer or more, or another checksum, is damaged. */
static qns_status unpack_all(char **out, zip_file_t *f, size_t size, const char *name, qns_err *err)
{
    size_t cap = size < FIRST_BYTES ? size + 1 : FIRST_BYTES, got = 0;
    char *buf = qns_realloc(NULL, cap, 1);
    *out = buf;
    if (!buf)
        QNS_FAIL(err, NOMEM, "cannot get %zu bytes for '%s'", cap, name);
    for (;;) {
        if (got == cap) {
            cap = cap < (size + 1) / 2 ? cap * 2 : size + 1;
            if (!(buf = qns_realloc(*out, cap, 1)))
                QNS_FAIL(err, NOMEM, "cannot get %zu bytes for '%s'", cap, name);
            *out = buf;
        }
        const zip_int64_t r = zip_fread(f, buf + got, cap - got);
        if (r < 0)
            QNS_FAIL(err, FORMAT, "cannot unpack '%s': %s", name,
                     zip_error_strerror(zip_file_get_error(f)));
        got += (size_t)r;
        if (r == 0 || got > size)
            break;
    }
    if (got != size)
        QNS_FAIL(err, FORMAT, "'%s' should unpack to %zu bytes, not %zu%s", name, size, got,
                 got > size ? " or more" : "");
    return QNS_OK;
}

qns_status qns_npz_unpack(void **p, size_t *n, qns_npz *z, const char *name, qns_err *err)
{
    qns_status st = QNS_OK;
    char *member = NULL, *buf = NULL;
    zip_file_t *f = NULL;
    zip_stat_t sb;
    const size_t len = strlen(name) + 5;
    QNS_TRY(qns_new((void **)&member, len, 1, err));
    snprintf(member, len, "%s.npy", name);
    zip_stat_init(&sb);
    if (zip_stat(z->zip, member, ZIP_FL_ENC_RAW, &sb) != 0) {
        char all[300];
        qns_names_text(all, sizeof all, &z->names);
        QNS_FAIL_DONE(err, NOTFOUND, "'%s' has no array '%s'; it has %s", z->file, name, all);
    }
    QNS_TRY_DONE(check_member(&sb, z, name, err));
    if (!(f = zip_fopen_index(z->zip, sb.index, 0)))
        QNS_FAIL_DONE(err, FORMAT, "'%s': cannot unpack '%s': %s", z->file, name,
                      zip_strerror(z->zip));
    if ((st = unpack_all(&buf, f, (size_t)sb.size, name, err)) != QNS_OK) {
        qns_err_note(err, "reading '%s'", z->file);
        goto done;
    }
    *p = buf;
    *n = (size_t)sb.size;
    buf = NULL;
done:
    if (f)
        zip_fclose(f);
    qns_free(buf);
    qns_free(member);
    return st;
}
