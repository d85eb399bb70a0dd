/* SPDX-License-Identifier: MIT */
#include "core/base/file.h"
#include "core/base/mem.h"
#include "reports/label.h"
#include "reports/render.h"
#include "tests/reports/make_result.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static qns_status put(void *ctx, const void *p, size_t n, qns_err *err)
{
    (void)err;
    qns_str_add_n(ctx, p, n);
    return QNS_OK;
}

static char *rendered(const char *format, const qns_result *r, const qns_report_opts *o)
{
    qns_report *report = NULL;
    qns_err err = {0};
    qns_str t = {0};
    const qns_sink to = {&t, put};
    cr_assert_eq(qns_report_build(&report, r, &err), QNS_OK, "%s", err.text);
    cr_assert_eq(qns_render_find(format)->render(report, o, &to, &err), QNS_OK, "%s", err.text);
    qns_report_free(report);
    return t.s;
}

static size_t count(const char *s, const char *what)
{
    size_t n = 0;
    for (; (s = strstr(s, what)); s += strlen(what))
        n++;
    return n;
}

Test(render, no_line_of_text_is_wider_than_asked)
{
    for (int hostile = 0; hostile < 2; hostile++) {
        qns_result *r = make_result(64, hostile);
        for (uint32_t width = 60; width <= 200; width += 10) {
            char *s = rendered("text", r, &(qns_report_opts){.width = width, .max_rows = 100});
            for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n"))
                cr_expect_leq(qns_label_width(line), width, "%u: %s", width, line);
            free(s);
        }
        qns_result_free(r);
    }
}

Test(render, text_tells_the_verdict_first_and_ranks)
{
    qns_result *r = make_result(64, false);
    char *s = rendered("text", r, &(qns_report_opts){.max_rows = 3});
    cr_expect_eq(strncmp(s, "worst layer: ", 13), 0);
    cr_expect(strstr(s, r->layer[r->ranking[0]].name));
    cr_expect(strstr(s, "output SQNR 22.1 dB"));
    cr_expect(strstr(s, "61 more layers"));
    cr_expect(strstr(s, "->"));
    cr_expect_null(strchr(s, '\x1b'));
    free(s);
    s = rendered("text", r, &(qns_report_opts){.colour = true});
    cr_expect(strchr(s, '\x1b'));
    free(s);
    qns_result_free(r);
}

Test(render, text_equals_the_golden_file)
{
    static const char path[] = QNS_SOURCE_DIR "/tests/reports/golden.txt";
    qns_result *r = make_result(24, true);
    char *s = rendered("text", r, &(qns_report_opts){.width = 80}), *want = NULL;
    size_t n;
    if (getenv("QNS_UPDATE"))
        cr_assert_eq(qns_file_write(path, s, strlen(s), NULL), QNS_OK);
    cr_assert_eq(qns_file_read(&want, &n, path, 1 << 20, NULL), QNS_OK);
    cr_expect_str_eq(s, want);
    free(s);
    qns_free(want);
    qns_result_free(r);
}

Test(render, a_result_of_nothing_renders_in_every_format)
{
    qns_result *r = make_result(1, false);
    r->n_layers = r->n_ranking = r->n_findings = r->coverage.n_unmatched = 0;
    for (size_t i = 0; qns_render_at(i); i++) {
        char *s = rendered(qns_render_at(i)->name, r, &(qns_report_opts){0});
        cr_expect_gt(strlen(s), 20);
        free(s);
    }
    qns_result_free(r);
}

Test(render, names_in_the_page_are_only_text)
{
    qns_result *r = make_result(64, true);
    char *s = rendered("html", r, &(qns_report_opts){.gnuplot = "", .dot = ""});
    cr_expect_null(strstr(s, "</script><b>"));
    cr_expect(strstr(s, "&lt;/script&gt;&lt;b&gt;bold"));
    cr_expect(strstr(s, "\\u003c/script>\\u003cb>"));
    cr_expect_eq(count(s, "<script"), 2);
    cr_expect_eq(count(s, "</script>"), 2);
    cr_expect(strstr(s, "{{name}} {{#each"));
    /* Before the JSON, where a quote means nothing: no quote that could end an attribute. */
    char *json = strstr(s, "<script type=\"application/json\"");
    cr_assert(json);
    *json = 0;
    cr_expect_null(strstr(s, "' onmouseover='"));
    cr_expect(strstr(s, "&#39; onmouseover=&#39;"));
    free(s);
    qns_result_free(r);
}

/* No address of anything elsewhere, with or without charts. */
Test(render, the_page_refers_to_nothing_outside)
{
    static const char *const never[] = {
        "http:", "https:", "src=", "@import", "url(", "<link rel=\"style"};
    qns_result *r = make_result(64, false);
    char *s = rendered("html", r, &(qns_report_opts){0});
    for (size_t i = 0; i < QNS_ARRAY_LEN(never); i++)
        cr_expect_null(strstr(s, never[i]), "%s", never[i]);
    free(s);
    qns_result_free(r);
}

Test(render, without_gnuplot_there_is_a_note_and_the_scripts)
{
    char dir[] = "/tmp/qns_scripts_XX"
                 "XX"
                 "XX";
    cr_assert(mkdtemp(dir));
    qns_result *r = make_result(64, true);
    const qns_report_opts o = {
        .gnuplot = "no-such-gnuplot", .dot = "no-such-dot", .script_dir = dir};
    char *s = rendered("html", r, &o);
    cr_expect(strstr(s, "Charts not drawn: &#39;no-such-gnuplot&#39; is not installed"));
    cr_expect(strstr(s, "Charts not drawn: &#39;no-such-dot&#39; is not installed"));
    cr_expect_null(strstr(s, "<svg"));
    free(s);
    static const char *const name[] = {
        "sqnr.gp",        "error.gp",       "histogram_1.gp", "histogram_2.gp",  "histogram_3.gp",
        "histogram_4.gp", "histogram_5.gp", "channels.gp",    "channel_sqnr.gp", "graph.dot",
        "magnitude_1.gp", "magnitude_2.gp", "magnitude_3.gp", "magnitude_4.gp",  "magnitude_5.gp"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(name); i++) {
        qns_str path = {0};
        qns_str_addf(&path, "%s/%s", dir, name[i]);
        cr_expect(qns_file_exists(qns_str_get(&path)), "%s", path.s);
        unlink(qns_str_get(&path));
        qns_str_fini(&path);
    }
    cr_expect_eq(rmdir(dir), 0);
    qns_result_free(r);
}

Test(render, unknown_formats_and_folders_are_errors)
{
    qns_result *r = make_result(2, false);
    qns_err err = {0};
    cr_expect_eq(qns_report_write("/tmp/x", "pdf", r, NULL, &err), QNS_E_CONFIG);
    cr_expect(strstr(err.text, "'pdf'"));
    err = (qns_err){0};
    cr_expect_eq(qns_report_write("/no/such/folder/x", "json", r, NULL, &err), QNS_E_IO);
    qns_result_free(r);
}

/* The allocation that fails is reported, whichever it is. */
Test(render, running_out_of_memory_is_an_error, .timeout = 120)
{
    static const qns_report_opts no_charts = {.gnuplot = "", .dot = ""};
    qns_result *r = make_result(3, true);
    for (size_t f = 0; qns_render_at(f); f++) {
        bool done = false;
        for (int64_t i = 0; !done && i < 100000; i += i < 50 ? 1 : 37) {
            qns_err err = {0};
            qns_report *report = NULL;
            qns_str t = {0};
            const qns_sink to = {&t, put};
            qns_mem_fail_at(i);
            qns_status st = qns_report_build(&report, r, &err);
            if (st == QNS_OK)
                st = qns_render_at(f)->render(report, &no_charts, &to, &err);
            qns_mem_fail_at(-1);
            done = st == QNS_OK && !t.failed;
            cr_expect(st == QNS_OK || st == QNS_E_NOMEM, "%s: %s", qns_render_at(f)->name,
                      err.text);
            qns_report_free(report);
            qns_str_fini(&t);
        }
        cr_expect(done, "%s", qns_render_at(f)->name);
    }
    qns_result_free(r);
}
