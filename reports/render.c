/* SPDX-License-Identifier: MIT */
#include "reports/render.h"

#include "core/base/file.h"
#include "core/base/str.h"

#include <string.h>

static const qns_renderer *const table[] = {&qns_render_text, &qns_render_json, &qns_render_html};

const qns_renderer *qns_render_at(size_t i)
{
    return i < QNS_ARRAY_LEN(table) ? table[i] : NULL;
}

const qns_renderer *qns_render_find(const char *name)
{
    for (size_t i = 0; i < QNS_ARRAY_LEN(table); i++)
        if (strcmp(table[i]->name, name) == 0)
            return table[i];
    return NULL;
}

static qns_status put_str(void *ctx, const void *p, size_t n, qns_err *err)
{
    qns_str *t = ctx;
    qns_str_add_n(t, p, n);
    if (t->failed)
        QNS_FAIL(err, NOMEM, "cannot keep a report of %zu bytes", t->len);
    return QNS_OK;
}

qns_sink qns_sink_str(qns_str *to)
{
    return (qns_sink){to, put_str};
}

qns_status qns_report_write_any(const char *path, const char *format, const qns_any_result *r,
                                const qns_report_opts *opts, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    qns_str t = {0};
    const qns_report_opts none = {0};
    const qns_sink to = qns_sink_str(&t);
    const qns_renderer *how = qns_render_find(format);
    if (!how)
        QNS_FAIL_DONE(err, CONFIG, "no report format '%s'; there are text, json and html", format);
    QNS_TRY_DONE(r->kind->build(&report, r->of, err));
    QNS_TRY_DONE(how->render(report, opts ? opts : &none, &to, err));
    QNS_TRY_DONE(qns_file_put(path, qns_str_get(&t), t.len, err));
done:
    qns_str_fini(&t);
    qns_report_free(report);
    return st;
}

qns_status qns_report_write(const char *path, const char *format, const qns_result *r,
                            const qns_report_opts *opts, qns_err *err)
{
    const qns_any_result any = qns_any_of(r);
    return qns_report_write_any(path, format, &any, opts, err);
}
