/* SPDX-License-Identifier: MIT */
#include "reports/json_put.h"

#include "reports/label.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

void qns_json_put(qns_json_writer *w, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        w->failed = true;
}

void qns_json_append(qns_json_writer *w, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        w->failed = true;
}

json_t *qns_json_number(double v)
{
    if (isnan(v))
        return json_string("nan");
    if (isinf(v))
        return json_string(v > 0 ? "inf" : "-inf");
    return json_real(v);
}

json_t *qns_json_count(uint64_t v)
{
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_string(digits);
}

json_t *qns_json_text(const char *s)
{
    json_t *j = json_string(s ? s : "");
    if (!j) {
        qns_str t = {0};
        qns_label_add_utf8(&t, s);
        j = t.failed ? NULL : json_string(qns_str_get(&t));
        qns_str_fini(&t);
    }
    return j;
}

json_t *qns_json_texts(qns_json_writer *w, const char *const *v, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        qns_json_append(w, a, qns_json_text(v[i]));
    return a;
}

void qns_json_put_number(qns_json_writer *w, json_t *o, const char *key, double v)
{
    if (!isnan(v))
        qns_json_put(w, o, key, qns_json_number(v));
}

json_t *qns_json_numbers(qns_json_writer *w, const double *v, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        qns_json_append(w, a, qns_json_number(v[i]));
    return a;
}

json_t *qns_json_counts(qns_json_writer *w, const uint64_t *v, uint32_t n)
{
    json_t *a = json_array();
    for (uint32_t i = 0; i < n; i++)
        qns_json_append(w, a, qns_json_count(v[i]));
    return a;
}

static int add_text(const char *s, size_t n, void *ctx)
{
    qns_str_add_n(ctx, s, n);
    return 0;
}

qns_status qns_json_print(qns_str *out, const qns_json_writer *w, const json_t *doc, bool compact,
                          qns_err *err)
{
    const size_t how = JSON_REAL_PRECISION(17) | (compact ? JSON_COMPACT : JSON_INDENT(1));
    if (w->failed || json_dump_callback(doc, add_text, out, how) != 0)
        QNS_FAIL(err, NOMEM, "cannot write a result");
    qns_str_add(out, "\n");
    if (out->failed)
        QNS_FAIL(err, NOMEM, "cannot write a result of %zu bytes", out->len);
    return QNS_OK;
}
