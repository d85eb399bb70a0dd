/* SPDX-License-Identifier: MIT */
#include "reports/build.h"

#include "core/base/mem.h"
#include "reports/kind.h"
#include "reports/label.h"
#include "reports/result_json.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *qns_build_get(qns_build *b, size_t n, size_t size)
{
    void *p = b->failed ? NULL : qns_arena_get(b->arena, n ? n : 1, size);
    b->failed |= !p;
    return p;
}

const char *qns_build_text(qns_build *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    char *raw = n >= 0 ? qns_build_get(b, (size_t)n + 1, 1) : NULL;
    const char *s = "";
    if (raw) {
        vsnprintf(raw, (size_t)n + 1, fmt, again);
        s = qns_label_clean(b->arena, raw);
        b->failed |= !s;
    }
    va_end(again);
    va_end(ap);
    return s ? s : "";
}

const char *qns_build_joined(qns_build *b, const char *const *name, uint32_t n)
{
    qns_str t = {0};
    for (uint32_t i = 0; i < n && i < 32; i++)
        qns_str_addf(&t, "%s%s", i ? " + " : "", name[i]);
    b->failed |= t.failed;
    const char *s = qns_build_text(b, "%s", qns_str_get(&t));
    qns_str_fini(&t);
    return s;
}

const char *qns_build_db(qns_build *b, const qns_diff *d, double db)
{
    if (isnan(db))
        return d->present && d->flags & (QNS_M_UNDEFINED | QNS_M_EMPTY) ? "undefined" : "-";
    if (isinf(db))
        return db > 0 ? "exact" : "-inf";
    return qns_build_text(b, "%.1f", db);
}

const char *qns_build_number(qns_build *b, double v)
{
    if (isnan(v))
        return "-";
    if (isinf(v))
        return v > 0 ? "inf" : "-inf";
    if (v == 0)
        return "0";
    const double a = fabs(v);
    if (a >= 1e6 || a < 1e-4)
        return qns_build_text(b, "%.3e", v);
    const int digits = (int)floor(log10(a));
    return qns_build_text(b, "%.*f", digits >= 3 ? 0 : 3 - digits, v);
}

const char *qns_build_percent(qns_build *b, double share)
{
    if (isnan(share))
        return "-";
    const double v = 100.0 * share;
    /* What is not all must not read as all, and what is not nothing not as nothing. */
    if (v > 99.99 && v < 100)
        return ">99.99";
    if (v > 0 && v < 0.01)
        return "<0.01";
    return qns_build_text(b, v >= 10 ? "%.1f" : "%.2f", v == 0 ? 0.0 : v);
}

const char *qns_build_count(qns_build *b, uint64_t v)
{
    char digits[24], out[32];
    const int n = snprintf(digits, sizeof digits, "%" PRIu64, v);
    int k = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            out[k++] = ',';
        out[k++] = digits[i];
    }
    out[k] = 0;
    return qns_build_text(b, "%s", out);
}

qns_status qns_report_build(qns_report **out, const qns_result *r, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_report *report = NULL;
    void *p;
    QNS_TRY_DONE(qns_new(&p, 1, sizeof *report, err));
    report = p;
    QNS_TRY_DONE(qns_arena_create(&report->arena, err));
    report->kind = qns_kind_find(r->kind);
    report->of = r;
    report->qns = r->qns;
    qns_build b = {report, report->arena, r, false};
    qns_build_summary(&b);
    qns_build_layers(&b);
    qns_build_origin(&b);
    qns_build_graph(&b);
    if (!b.failed)
        QNS_TRY_DONE(qns_build_plots(&b, err));
    if (b.failed)
        QNS_FAIL_DONE(err, NOMEM, "cannot build a report of %u layers", r->n_layers);
    *out = report;
    report = NULL;
done:
    qns_report_free(report);
    return st;
}

void qns_report_free(qns_report *r)
{
    if (!r)
        return;
    qns_arena_free(r->arena);
    qns_free(r);
}

/* ---- the two kinds that are a qns_result ---- */

static qns_status from_json(void **out, const json_t *doc, qns_err *err)
{
    return qns_result_from_doc((qns_result **)out, doc, err);
}

static qns_status to_json(qns_str *out, const void *of, bool compact, qns_err *err)
{
    return qns_result_to_json(out, of, compact, err);
}

static void free_result(void *of)
{
    qns_result_free(of);
}

static qns_status build(qns_report **out, const void *of, qns_err *err)
{
    return qns_report_build(out, of, err);
}

static void gist(qns_gist *out, const void *of)
{
    const qns_result *r = of;
    *out = (qns_gist){.qns = r->qns,
                      .ref = r->ref.file,
                      .test = r->test.file,
                      .was = "",
                      .samples = r->samples,
                      .layers = r->n_layers};
}

const qns_kind qns_kind_comparison = {.name = "comparison",
                                      .from_json = from_json,
                                      .to_json = to_json,
                                      .free = free_result,
                                      .build = build,
                                      .gist = gist,
                                      .is_result = true};
const qns_kind qns_kind_shadow = {.name = "shadow",
                                  .from_json = from_json,
                                  .to_json = to_json,
                                  .free = free_result,
                                  .build = build,
                                  .gist = gist,
                                  .is_result = true};
