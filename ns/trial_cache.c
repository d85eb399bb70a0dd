/* SPDX-License-Identifier: MIT */
#include "ns/trial_cache.h"

#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "ns/trial_internal.h"
#include "qns_version.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_FILE_SIZE = 1 << 30, MAX_LINE = 1024, KEY_LEN = 33 + 24, SUM_LEN = 16 };

typedef struct record {
    qns_tally tally;
    uint32_t before; /* the last one of the same set; QNS_MAP_NONE */
    const char *key;
} record;

typedef struct mark { /* of the data */
    int64_t n;
    char hex[33];
} mark;

struct qns_trial_cache {
    const char *path;
    int fd;
    qns_arena *arena; /* keys */
    qns_map by_key;   /* set and first sample: the last record */
    struct {
        record *at;
        size_t n, cap;
    } record;
    struct {
        mark *at;
        size_t n, cap;
    } mark;
    qns_str pending;
};

/* ---- lines ---- */

static void checksum(char out[SUM_LEN + 1], const char *text, size_t n)
{
    char hex[33];
    const qns_digest d = qns_digest_of(text, n);
    qns_digest_hex(hex, &d);
    memcpy(out, hex, SUM_LEN);
    out[SUM_LEN] = 0;
}

static void add_line(qns_str *out, const qns_str *line)
{
    char sum[SUM_LEN + 1];
    checksum(sum, qns_str_get(line), line->len);
    qns_str_addf(out, "%s %s\n", qns_str_get(line), sum);
    out->failed |= line->failed;
}

/* Copies a line without its checksum; false when that is wrong. */
static bool take_line(char out[MAX_LINE], const char *line, size_t n)
{
    char sum[SUM_LEN + 1];
    if (n < SUM_LEN + 2 || n >= MAX_LINE || line[n - SUM_LEN - 1] != ' ')
        return false;
    const size_t len = n - SUM_LEN - 1;
    memcpy(out, line, len);
    out[len] = 0;
    checksum(sum, line, len);
    return strlen(out) == len && memcmp(sum, line + len + 1, SUM_LEN) == 0;
}

/* ---- records ---- */

static void key_of(char key[KEY_LEN], const char *set, int64_t first)
{
    snprintf(key, KEY_LEN, "%.32s %" PRId64, set, first);
}

static qns_status keep(qns_trial_cache *c, const char *key, const qns_tally *tally, qns_err *err)
{
    record r = {*tally, qns_map_get(&c->by_key, key), NULL};
    r.key = r.before == QNS_MAP_NONE ? qns_arena_strdup(c->arena, key) : c->record.at[r.before].key;
    if (!r.key)
        QNS_FAIL(err, NOMEM, "cannot keep a record");
    QNS_VEC_PUSH(&c->record, r, err);
    return qns_map_put(&c->by_key, r.key, (uint32_t)(c->record.n - 1), err);
}

static bool parse_tally(char set[33], int64_t *first, qns_tally *t, const char *line)
{
    int end = 0;
    return sscanf(line,
                  "T %32s %" SCNd64 " %" SCNd64 " %" SCNu64 " %la %la %" SCNu64 " %" SCNu64
                  " %" SCNd64 " %" SCNd64 " %" SCNd64 "%n",
                  set, first, &t->done, &t->values, &t->signal, &t->noise, &t->nonfinite_ref,
                  &t->nonfinite, &t->agree, &t->ref_hit, &t->hit, &end) == 11 &&
           line[end] == 0 && t->done > 0 && *first >= 0;
}

static qns_status take_record(bool *fine, qns_trial_cache *c, const char *line, qns_err *err)
{
    char set[33], key[KEY_LEN];
    int64_t first;
    mark m;
    qns_tally t = {0};
    *fine = true;
    if (sscanf(line, "D %" SCNd64 " %32s", &m.n, m.hex) == 2) {
        QNS_VEC_PUSH(&c->mark, m, err);
        return QNS_OK;
    }
    *fine = parse_tally(set, &first, &t, line);
    if (!*fine)
        return QNS_OK;
    key_of(key, set, first);
    return keep(c, key, &t, err);
}

/* ---- whose is it ---- */

/* Words of the first line, and what it means when one is another. */
static const char *const owners[] = {
    "another version of qns", "another backend", "another float engine",  "another network",
    "other weights",          "other settings",  "other calibration data"};

static void head_line(qns_str *out, const qns_trials *t, const qns_trials_id *id)
{
    const qns_exec_opts *e = &t->spec.exec;
    qns_str_addf(out, "qns-trials 1 %s %s %s %s %s %s %s", QNS_VERSION, e->be->name,
                 e->engine == QNS_ENGINE_REFERENCE ? "reference" : "onednn", id->graph, id->weights,
                 id->qconfig, id->calib);
}

static qns_status check_head(const qns_trial_cache *c, const char *line, const qns_str *want,
                             qns_err *err)
{
    static const char start[] = "qns-trials 1 ";
    const char *x = line, *y = qns_str_get(want);
    if (strncmp(line, start, strlen(start)) != 0)
        QNS_FAIL(err, FORMAT, "'%s' is no cache of trials; name another file with --cache",
                 c->path);
    x += strlen(start);
    y += strlen(start);
    for (size_t i = 0; i < QNS_ARRAY_LEN(owners); i++) {
        const size_t n = strcspn(x, " "), m = strcspn(y, " ");
        if (n != m || memcmp(x, y, n) != 0)
            QNS_FAIL(err, MISMATCH,
                     "the cache '%s' is of %s; name another file with --cache, or remove this one",
                     c->path, owners[i]);
        x += n + (x[n] == ' ');
        y += m + (y[m] == ' ');
    }
    return QNS_OK;
}

static qns_status see_mark(void *ctx, int64_t n, const char *hex, qns_err *err)
{
    qns_trial_cache *c = ctx;
    qns_str line = {0};
    mark m = {.n = n};
    for (size_t i = 0; i < c->mark.n; i++) {
        if (c->mark.at[i].n != n)
            continue;
        if (strcmp(c->mark.at[i].hex, hex) == 0)
            return QNS_OK;
        QNS_FAIL(err, MISMATCH,
                 "the cache '%s' is of other samples or labels; name another file with --cache, or "
                 "remove this one",
                 c->path);
    }
    memcpy(m.hex, hex, sizeof m.hex);
    qns_str_addf(&line, "D %" PRId64 " %s", n, hex);
    add_line(&c->pending, &line);
    qns_str_fini(&line);
    QNS_VEC_PUSH(&c->mark, m, err);
    return QNS_OK;
}

/* ---- opening ---- */

static qns_status open_file(qns_trial_cache *c, qns_err *err)
{
    c->fd = open(c->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (c->fd < 0)
        QNS_FAIL(err, IO, "cannot open the cache '%s': %s", c->path, strerror(errno));
    if (flock(c->fd, LOCK_EX | LOCK_NB) != 0)
        QNS_FAIL(err, IO, "the cache '%s' is in use by another qns", c->path);
    return QNS_OK;
}

/* *whole: bytes of complete lines. */
static qns_status read_lines(size_t *whole, qns_trial_cache *c, const char *text, size_t n,
                             const qns_str *head, qns_err *err)
{
    char line[MAX_LINE];
    uint32_t number = 0, damaged = 0;
    *whole = 0;
    for (const char *end; (end = memchr(text + *whole, '\n', n - *whole));) {
        const char *at = text + *whole;
        bool fine = take_line(line, at, (size_t)(end - at));
        if (number == 0)
            QNS_TRY(check_head(c, fine ? line : "", head, err));
        else if (fine)
            QNS_TRY(take_record(&fine, c, line, err));
        damaged += !fine;
        number++;
        *whole = (size_t)(end - text) + 1;
    }
    if (number == 0 && n > 0 && strncmp(text, "qns-trials", n < 10 ? n : 10) != 0)
        return check_head(c, "", head, err);
    if (damaged)
        qns_log(QNS_LOG_WARN, "'%s': %u damaged lines are left out", c->path, damaged);
    return QNS_OK;
}

static qns_status read_file(qns_trial_cache *c, const qns_str *head, qns_err *err)
{
    char *text = NULL;
    size_t n, whole = 0;
    QNS_TRY(qns_file_read(&text, &n, c->path, MAX_FILE_SIZE, err));
    qns_status st = read_lines(&whole, c, text, n, head, err);
    qns_free(text);
    if (st == QNS_OK && whole < n && ftruncate(c->fd, (off_t)whole) != 0)
        QNS_FAIL(err, IO, "cannot mend the cache '%s': %s", c->path, strerror(errno));
    if (st == QNS_OK && whole == 0)
        add_line(&c->pending, head);
    return st;
}

qns_status qns_trial_cache_open(qns_trial_cache **out, qns_trials_id *id, const char *path,
                                const qns_trials *t, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_trial_cache *c = NULL;
    qns_str head = {0};
    QNS_TRY(qns_new((void **)&c, 1, sizeof *c, err));
    c->path = path;
    c->fd = -1;
    const qns_data_marks marks = {c, see_mark};
    QNS_TRY_DONE(qns_arena_create(&c->arena, err));
    QNS_TRY_DONE(open_file(c, err));
    QNS_TRY_DONE(qns_trials_identify_model(id, t, err));
    head_line(&head, t, id);
    if (head.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot open a cache");
    QNS_TRY_DONE(read_file(c, &head, err));
    QNS_TRY_DONE(qns_trials_digest_data(id->eval, t, &t->spec.eval, t->spec.labels, &marks, err));
    QNS_TRY_DONE(qns_trial_cache_flush(c, err));
    *out = c;
    c = NULL;
done:
    qns_str_fini(&head);
    qns_trial_cache_close(c);
    return st;
}

void qns_trial_cache_close(qns_trial_cache *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    qns_str_fini(&c->pending);
    qns_map_fini(&c->by_key);
    qns_free(c->record.at);
    qns_free(c->mark.at);
    qns_arena_free(c->arena);
    qns_free(c);
}

/* ---- use ---- */

qns_tally qns_trial_cache_get(const qns_trial_cache *c, const qns_digest *set, int64_t first,
                              int64_t n)
{
    char hex[33], key[KEY_LEN];
    qns_tally best = {0};
    qns_digest_hex(hex, set);
    key_of(key, hex, first);
    for (uint32_t i = qns_map_get(&c->by_key, key); i != QNS_MAP_NONE; i = c->record.at[i].before)
        if (c->record.at[i].tally.done <= n && c->record.at[i].tally.done > best.done)
            best = c->record.at[i].tally;
    return best;
}

qns_status qns_trial_cache_put(qns_trial_cache *c, const qns_digest *set, int64_t first,
                               const qns_tally *t, qns_err *err)
{
    char hex[33], key[KEY_LEN];
    qns_str line = {0};
    qns_digest_hex(hex, set);
    qns_str_addf(&line,
                 "T %s %" PRId64 " %" PRId64 " %" PRIu64 " %a %a %" PRIu64 " %" PRIu64 " %" PRId64
                 " %" PRId64 " %" PRId64,
                 hex, first, t->done, t->values, t->signal, t->noise, t->nonfinite_ref,
                 t->nonfinite, t->agree, t->ref_hit, t->hit);
    add_line(&c->pending, &line);
    qns_str_fini(&line);
    key_of(key, hex, first);
    return keep(c, key, t, err);
}

qns_status qns_trial_cache_flush(qns_trial_cache *c, qns_err *err)
{
    const char *p = qns_str_get(&c->pending);
    size_t left = c->pending.len;
    if (c->pending.failed)
        QNS_FAIL(err, NOMEM, "cannot write the cache '%s'", c->path);
    while (left > 0) {
        const ssize_t n = write(c->fd, p, left);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            QNS_FAIL(err, IO, "cannot write the cache '%s': %s", c->path, strerror(errno));
        p += n;
        left -= (size_t)n;
    }
    qns_str_fini(&c->pending);
    c->pending = (qns_str){0};
    return QNS_OK;
}
