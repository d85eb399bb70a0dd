/* SPDX-License-Identifier: MIT */
#include "ns/search_log.h"

#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum { MAX_BYTES = 256 << 20 };

struct qns_search_log {
    int fd;
    char *path;
    const qns_search_unit *unit;
    uint32_t n_units;
    bool *set; /* room for an entry that is read */
    qns_map names;
};

static const struct {
    const char *key;
    size_t at;
} numbers[] = {
    {"sqnr_db", offsetof(qns_search_score, sqnr_db)},
    {"agreement", offsetof(qns_search_score, agreement)},
    {"drop", offsetof(qns_search_score, drop)},
    {"eval", offsetof(qns_search_score, eval)},
};

/* ---- writing ---- */

static qns_status append(qns_search_log *l, json_t *line, qns_err *err)
{
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    qns_status st = QNS_OK;
    size_t n = text ? strlen(text) : 0, done = 0;
    if (!text)
        QNS_FAIL_DONE(err, NOMEM, "out of memory for a line of '%s'", l->path);
    text[n++] = '\n'; /* in place of the terminator: one write is one line */
    while (done < n) {
        const ssize_t k = write(l->fd, text + done, n - done);
        if (k < 0 && errno != EINTR)
            QNS_FAIL_DONE(err, IO, "cannot write to '%s': %s", l->path, strerror(errno));
        done += k > 0 ? (size_t)k : 0;
    }
done:
    free(text);
    json_decref(line);
    return st;
}

static json_t *number(double v)
{
    return isinf(v) ? json_string(v > 0 ? "inf" : "-inf") : json_real(v);
}

qns_status qns_search_log_add(qns_search_log *l, const qns_search_entry *e, qns_err *err)
{
    json_t *line = json_pack("{s:s, s:f}", "phase", e->phase, "seconds", e->seconds);
    json_t *list = json_array();
    for (uint32_t i = 0; i < l->n_units; i++)
        if (e->in_float[i])
            json_array_append_new(list, json_string(l->unit[i].name));
    json_object_set_new(line, "float", list);
    for (size_t i = 0; i < QNS_ARRAY_LEN(numbers); i++) {
        const double v = *(const double *)((const char *)&e->score + numbers[i].at);
        if (!isnan(v))
            json_object_set_new(line, numbers[i].key, number(v));
    }
    return append(l, line, err);
}

static qns_status write_head(qns_search_log *l, const qns_digest *identity, qns_err *err)
{
    char hex[33];
    qns_digest_hex(hex, identity);
    return append(l, json_pack("{s:s, s:s}", "log", "qns search", "identity", hex), err);
}

/* ---- reading ---- */

static double read_number(const json_t *j)
{
    const char *s = json_string_value(j);
    if (s && strcmp(s, "inf") == 0)
        return INFINITY;
    if (s && strcmp(s, "-inf") == 0)
        return -INFINITY;
    return json_is_number(j) ? json_number_value(j) : NAN;
}

static qns_status read_entry(qns_search_entry *e, qns_search_log *l, const json_t *j, qns_err *err)
{
    const json_t *list = json_object_get(j, "float"), *name;
    size_t i;
    e->phase = json_string_value(json_object_get(j, "phase"));
    e->seconds = json_number_value(json_object_get(j, "seconds"));
    e->in_float = l->set;
    if (!e->phase || !json_is_array(list))
        QNS_FAIL(err, FORMAT, "a trial has 'phase' and 'float'");
    memset(l->set, 0, l->n_units * sizeof *l->set);
    json_array_foreach(list, i, name)
    {
        const char *s = json_string_value(name);
        const uint32_t at = s ? qns_map_get(&l->names, s) : QNS_MAP_NONE;
        if (at == QNS_MAP_NONE)
            QNS_FAIL(err, MISMATCH, "'%.80s' is no layer of this search", s ? s : "?");
        l->set[at] = true;
    }
    for (size_t k = 0; k < QNS_ARRAY_LEN(numbers); k++)
        *(double *)((char *)&e->score + numbers[k].at) =
            read_number(json_object_get(j, numbers[k].key));
    return QNS_OK;
}

static qns_status check_head(const json_t *j, const qns_digest *identity, qns_err *err)
{
    const char *log = json_string_value(json_object_get(j, "log"));
    const char *hex = json_string_value(json_object_get(j, "identity"));
    qns_digest d;
    if (!log || strcmp(log, "qns search") != 0 || !hex || !qns_digest_parse(&d, hex))
        QNS_FAIL(err, FORMAT, "not the log of a search; name another file with --log");
    if (!qns_digest_equal(&d, identity))
        QNS_FAIL(err, MISMATCH,
                 "the log belongs to a search with another model, data, settings, groups, command "
                 "or version of qns; remove it, or name another file with --log");
    return QNS_OK;
}

typedef struct reading {
    const qns_digest *identity;
    qns_status (*each)(void *ctx, const qns_search_entry *e, qns_err *err);
    void *ctx;
} reading;

static qns_status read_line(qns_search_log *l, const reading *r, const char *text, size_t n,
                            bool first, qns_err *err)
{
    qns_status st;
    qns_search_entry e;
    json_error_t why;
    json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    if (!j)
        QNS_FAIL(err, FORMAT, "not JSON: %s", why.text);
    if (first)
        st = check_head(j, r->identity, err);
    else if ((st = read_entry(&e, l, j, err)) == QNS_OK)
        st = r->each(r->ctx, &e, err);
    json_decref(j);
    return st;
}

/* *end: behind the last whole line; 0 when there is none. */
static qns_status read_lines(size_t *end, qns_search_log *l, const reading *r, qns_err *err)
{
    qns_status st = QNS_OK;
    char *text = NULL;
    size_t n, line = 0;
    *end = 0;
    QNS_TRY(qns_file_read(&text, &n, l->path, MAX_BYTES, err));
    for (const char *s = text, *stop; st == QNS_OK; s = stop + 1) {
        if (!(stop = memchr(s, '\n', n - (size_t)(s - text))))
            break;
        st = read_line(l, r, s, (size_t)(stop - s), line++ == 0, err);
        if (st != QNS_OK)
            qns_err_note(err, "'%s', line %zu", l->path, line);
        *end = (size_t)(stop + 1 - text);
    }
    if (st == QNS_OK && n > 0 && *end == 0) /* never cut off what is none of ours */
        st = qns_err_set(err, QNS_E_FORMAT, __FILE__, __LINE__,
                         "'%s' is not the log of a search; name another file with --log", l->path);
    qns_free(text);
    return st;
}

qns_status qns_search_log_open(qns_search_log **out, const char *path, const qns_digest *identity,
                               const qns_search_unit *unit, uint32_t n_units,
                               qns_status (*each)(void *ctx, const qns_search_entry *e,
                                                  qns_err *err),
                               void *ctx, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_search_log *l = NULL;
    const reading r = {identity, each, ctx};
    size_t end = 0;
    QNS_TRY(qns_new((void **)&l, 1, sizeof *l, err));
    l->fd = -1;
    l->unit = unit;
    l->n_units = n_units;
    QNS_TRY_DONE(qns_new((void **)&l->set, n_units, sizeof *l->set, err));
    for (uint32_t i = 0; i < n_units; i++)
        QNS_TRY_DONE(qns_map_put(&l->names, unit[i].name, i, err));
    if (!(l->path = qns_strdup(path)))
        QNS_FAIL_DONE(err, NOMEM, "out of memory for a name");
    if (qns_file_exists(path))
        QNS_TRY_DONE(read_lines(&end, l, &r, err));
    l->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (l->fd < 0 || ftruncate(l->fd, (off_t)end) != 0)
        QNS_FAIL_DONE(err, IO, "cannot write the log '%s': %s", path, strerror(errno));
    if (end == 0)
        QNS_TRY_DONE(write_head(l, identity, err));
    *out = l;
    l = NULL;
done:
    qns_search_log_close(l);
    return st;
}

void qns_search_log_close(qns_search_log *l)
{
    if (!l)
        return;
    if (l->fd >= 0)
        close(l->fd);
    qns_map_fini(&l->names);
    qns_free(l->set);
    qns_free(l->path);
    qns_free(l);
}
