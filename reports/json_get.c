/* SPDX-License-Identifier: MIT */
#include "reports/json_get.h"

#include "core/base/file.h"
#include "core/base/mem.h"
#include "core/base/str.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A result of a thousand layers with channels takes some megabytes. */
enum { MAX_BYTES = 64 << 20 };

qns_status qns_json_parse(json_t **out, const char *text, size_t n, qns_err *err)
{
    json_error_t why;
    *out = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
    if (!*out)
        QNS_FAIL(err, FORMAT, "not JSON: line %d, column %d: %s", why.line, why.column, why.text);
    return QNS_OK;
}

qns_status qns_json_load(json_t **out, const char *path, qns_err *err)
{
    char *text = NULL;
    size_t n;
    QNS_TRY(qns_file_read(&text, &n, path, MAX_BYTES, err));
    const qns_status st = qns_json_parse(out, text, n, err);
    qns_free(text);
    return st;
}

static void add_place(qns_str *t, const qns_json_place *p)
{
    if (!p)
        return;
    add_place(t, p->up);
    if (!p->key)
        qns_str_addf(t, "[%zu]", p->index);
    else
        qns_str_addf(t, "%s%s", t->len ? "." : "", p->key);
}

qns_status qns_json_wrong(qns_json_reader *rd, const qns_json_place *p, const char *want)
{
    qns_str t = {0};
    add_place(&t, p);
    qns_err_set(rd->err, QNS_E_FORMAT, __FILE__, __LINE__, "'%s' must be %s", qns_str_get(&t),
                want);
    qns_str_fini(&t);
    return QNS_E_FORMAT;
}

qns_status qns_json_get_memory(qns_json_reader *rd, void *out, size_t n, size_t size)
{
    void *p;
    QNS_TRY(qns_arena_new(&p, rd->arena, n, size, rd->err));
    memcpy(out, &p, sizeof p);
    return QNS_OK;
}

qns_status qns_json_get_text(qns_json_reader *rd, const char **out, const json_t *o,
                             const char *key, const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    if (j)
        return qns_json_to_text(rd, out, j, &(qns_json_place){up, key, 0});
    *out = "";
    return QNS_OK;
}

qns_status qns_json_to_text(qns_json_reader *rd, const char **out, const json_t *j,
                            const qns_json_place *at)
{
    if (!json_is_string(j))
        return qns_json_wrong(rd, at, "a string");
    if (!(*out = qns_arena_strdup(rd->arena, json_string_value(j))))
        QNS_FAIL(rd->err, NOMEM, "cannot keep a text");
    return QNS_OK;
}

qns_status qns_json_get_bool(qns_json_reader *rd, bool *out, const json_t *o, const char *key,
                             const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    if (j && !json_is_boolean(j))
        return qns_json_wrong(rd, &(qns_json_place){up, key, 0}, "true or false");
    *out = json_is_true(j);
    return QNS_OK;
}

static qns_status to_number(qns_json_reader *rd, double *out, const json_t *j,
                            const qns_json_place *at)
{
    const char *s = json_string_value(j);
    if (json_is_number(j))
        *out = json_number_value(j);
    else if (s && strcmp(s, "inf") == 0)
        *out = INFINITY;
    else if (s && strcmp(s, "-inf") == 0)
        *out = -INFINITY;
    else if (s && strcmp(s, "nan") == 0)
        *out = NAN;
    else
        return qns_json_wrong(rd, at, "a number, \"inf\", \"-inf\" or \"nan\"");
    return QNS_OK;
}

/* A missing key is NaN. */
qns_status qns_json_get_number(qns_json_reader *rd, double *out, const json_t *o, const char *key,
                               const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    *out = NAN;
    return j ? to_number(rd, out, j, &(qns_json_place){up, key, 0}) : QNS_OK;
}

qns_status qns_json_to_int(qns_json_reader *rd, int64_t *out, const json_t *j, int64_t lo,
                           int64_t hi, const qns_json_place *at)
{
    char want[96];
    if (json_is_integer(j) && json_integer_value(j) >= lo && json_integer_value(j) <= hi) {
        *out = json_integer_value(j);
        return QNS_OK;
    }
    snprintf(want, sizeof want, "an integer from %lld to %lld", (long long)lo, (long long)hi);
    return qns_json_wrong(rd, at, want);
}

qns_status qns_json_get_int(qns_json_reader *rd, int64_t *out, const json_t *o, const char *key,
                            int64_t lo, int64_t hi, int64_t missing, const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    *out = missing;
    return j ? qns_json_to_int(rd, out, j, lo, hi, &(qns_json_place){up, key, 0}) : QNS_OK;
}

static qns_status to_count(qns_json_reader *rd, uint64_t *out, const json_t *j,
                           const qns_json_place *at)
{
    int64_t v;
    const char *s = json_string_value(j);
    if (!s) {
        QNS_TRY(qns_json_to_int(rd, &v, j, 0, INT64_MAX, at));
        *out = (uint64_t)v;
        return QNS_OK;
    }
    uint64_t sum = 0;
    const size_t len = strspn(s, "0123456789");
    bool good = len > 0 && len <= 20 && !s[len];
    for (size_t i = 0; good && i < len; i++) {
        const unsigned digit = (unsigned)(s[i] - '0');
        good = sum <= (UINT64_MAX - digit) / 10;
        sum = sum * 10 + digit;
    }
    if (!good)
        return qns_json_wrong(rd, at, "a count");
    *out = sum;
    return QNS_OK;
}

qns_status qns_json_get_count(qns_json_reader *rd, uint64_t *out, const json_t *o, const char *key,
                              const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    *out = 0;
    return j ? to_count(rd, out, j, &(qns_json_place){up, key, 0}) : QNS_OK;
}

/* An array of at most max elements; a missing one has none. */
qns_status qns_json_get_array(qns_json_reader *rd, const json_t **out, uint32_t *n, const json_t *o,
                              const char *key, uint32_t max, const qns_json_place *up)
{
    const json_t *j = json_object_get(o, key);
    const qns_json_place at = {up, key, 0};
    char want[64];
    *out = j;
    *n = 0;
    if (j && !json_is_array(j))
        return qns_json_wrong(rd, &at, "an array");
    if (json_array_size(j) > max) {
        snprintf(want, sizeof want, "an array of at most %u elements", max);
        return qns_json_wrong(rd, &at, want);
    }
    *n = (uint32_t)json_array_size(j);
    return QNS_OK;
}

/* An object, or NULL when the key is missing. */
qns_status qns_json_get_object(qns_json_reader *rd, const json_t **out, const json_t *o,
                               const char *key, const qns_json_place *up)
{
    *out = json_object_get(o, key);
    if (*out && !json_is_object(*out))
        return qns_json_wrong(rd, &(qns_json_place){up, key, 0}, "an object");
    return QNS_OK;
}

/* Exactly n numbers. */
qns_status qns_json_get_numbers(qns_json_reader *rd, const double **out, uint32_t n,
                                const json_t *o, const char *key, const qns_json_place *up)
{
    const json_t *a;
    const qns_json_place at = {up, key, 0};
    uint32_t got;
    double *v;
    char want[64];
    QNS_TRY(qns_json_get_array(rd, &a, &got, o, key, QNS_JSON_MAX_NUMBERS, up));
    if (got != n) {
        snprintf(want, sizeof want, "an array of %u elements, has %u", n, got);
        return qns_json_wrong(rd, &at, want);
    }
    QNS_TRY(qns_json_get_memory(rd, &v, n, sizeof *v));
    for (uint32_t i = 0; i < n; i++)
        QNS_TRY(to_number(rd, &v[i], json_array_get(a, i), &(qns_json_place){&at, NULL, i}));
    *out = v;
    return QNS_OK;
}

qns_status qns_json_get_counts(qns_json_reader *rd, const uint64_t **out, uint32_t n,
                               const json_t *o, const char *key, const qns_json_place *up)
{
    const json_t *a;
    const qns_json_place at = {up, key, 0};
    uint32_t got;
    uint64_t *v;
    QNS_TRY(qns_json_get_array(rd, &a, &got, o, key, QNS_JSON_MAX_NUMBERS, up));
    if (got != n)
        return qns_json_wrong(rd, &at, "an array as long as the one beside it");
    QNS_TRY(qns_json_get_memory(rd, &v, n, sizeof *v));
    for (uint32_t i = 0; i < n; i++)
        QNS_TRY(to_count(rd, &v[i], json_array_get(a, i), &(qns_json_place){&at, NULL, i}));
    *out = v;
    return QNS_OK;
}

qns_status qns_json_get_texts(qns_json_reader *rd, const char *const **out, uint32_t *n,
                              const json_t *o, const char *key, const qns_json_place *up)
{
    const json_t *list;
    const qns_json_place at = {up, key, 0};
    const char **v;
    QNS_TRY(qns_json_get_array(rd, &list, n, o, key, QNS_JSON_MAX_NUMBERS, up));
    QNS_TRY(qns_json_get_memory(rd, &v, *n, sizeof *v));
    for (uint32_t i = 0; i < *n; i++)
        QNS_TRY(
            qns_json_to_text(rd, &v[i], json_array_get(list, i), &(qns_json_place){&at, NULL, i}));
    *out = v;
    return QNS_OK;
}
