/* SPDX-License-Identifier: MIT */
#include "reports/plot.h"
#include "reports/svg.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char *inlined(const char *svg, qns_status want)
{
    qns_str t = {0};
    qns_err err = {0};
    cr_assert_eq(qns_svg_inline(&t, svg, "p7", "a <title>", &err), want, "%s", err.text);
    return t.s;
}

Test(svg, ids_get_a_prefix_and_colours_become_classes)
{
    char *s = inlined(
        "<?xml version='1.0'?><svg viewBox='0 0 9 9'><title>x</title><defs><circle id='gpDot' "
        "r='1'/></defs><g stroke=\"rgb( 37,  99, 235)\"><use xlink:href='#gpDot' "
        "color='rgb(220,  38,  38)'/></g><path stroke='black' fill = 'none' d='M0,0'/></svg>",
        QNS_OK);
    cr_expect(strstr(s, "id=\"p7-gpDot\""));
    cr_expect(strstr(s, "href=\"#p7-gpDot\""));
    cr_expect(strstr(s, "class=\"k-stroke-act\""));
    cr_expect(strstr(s, "class=\"k-color-bad\""));
    cr_expect(strstr(s, "stroke=\"currentColor\" fill=\"none\""));
    cr_expect(strstr(s, "a &lt;title&gt;</title>"));
    cr_expect_null(strstr(s, "rgb("));
    cr_expect_null(strstr(s, "<?xml"));
    free(s);
}

/* Graphviz's boxes: two colours make two classes of one attribute, titles stay, opacity too. */
Test(svg, boxes_of_a_graph_keep_their_titles)
{
    char *s =
        inlined("<svg><g id='graph0'><title>whole</title><g id='n3'><title>a &lt;b&gt;</title>"
                "<path fill='#15803d' fill-opacity='0.25' stroke='#dc2626' d='M0,0'/></g>"
                "<polygon fill='transparent' stroke='black' points='0,0'/></g></svg>",
                QNS_OK);
    cr_expect(strstr(s, "<g id=\"p7-n3\"><title>a &lt;b&gt;</title>"), "%s", s);
    cr_expect(strstr(s, "class=\"k-fill-ok k-stroke-bad\""), "%s", s);
    cr_expect(strstr(s, "fill-opacity=\"0.25\""));
    cr_expect(strstr(s, "fill=\"none\" stroke=\"currentColor\""));
    cr_expect_null(strstr(s, "whole"));
    free(s);
}

Test(svg, only_drawing_passes)
{
    char *s =
        inlined("<svg onload='a()' width='9'><script>alert(1)</script><g onclick=\"b()\" "
                "style='background:url(http://x)'><a href='http://x'><text>ok</text></a>"
                "<image href='http://x/y.png'/><use href='http://x#y'/></g><foreignObject><b>x</b>"
                "</foreignObject><!-- <script> --></svg>",
                QNS_OK);
    static const char *const never[] = {"script", "alert", "onclick", "onload", "http",
                                        "style",  "image", "foreign", "<b>",    "<!--"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(never); i++)
        cr_expect_null(strstr(s, never[i]), "%s in %s", never[i], s);
    free(s);
}

Test(svg, what_is_no_svg_is_refused)
{
    static const char *const text[] = {
        "",        "no",           "<html></html>", "<svg",
        "<svg a",  "<svg a='",     "<svg a=b>",     "<svg><![CDATA[x]]></svg>",
        "<svg><g", "<svg><script>"};
    for (size_t i = 0; i < QNS_ARRAY_LEN(text); i++)
        free(inlined(text[i], QNS_E_FORMAT));
}

static void write_program(char *path, const char *text)
{
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(fchmod(fd, 0700), 0);
    close(fd);
}

Test(plot, a_missing_program_is_not_found)
{
    qns_str t = {0};
    qns_err err = {0};
    cr_expect_eq(qns_plot_run(&t, &qns_gnuplot, "no-such-gnuplot", "plot x", 1000, &err),
                 QNS_E_NOTFOUND);
    cr_expect(strstr(err.text, "no-such-gnuplot"));
    qns_str_fini(&t);
}

/* A script larger than any pipe comes back whole. */
Test(plot, both_directions_move_together)
{
    char path[] = "/tmp/qns_plot_XX"
                  "XX"
                  "XX";
    enum { N = 3 << 20 };
    char *script = malloc(N + 1);
    cr_assert(script);
    memset(script, 'x', N);
    script[N] = 0;
    write_program(path, "#!/bin/sh\nexec cat\n");
    qns_str t = {0};
    qns_err err = {0};
    cr_expect_eq(qns_plot_run(&t, &qns_gnuplot, path, script, 20000, &err), QNS_OK, "%s", err.text);
    cr_expect_eq(t.len, N);
    cr_expect_str_eq(qns_str_get(&t), script);
    qns_str_fini(&t);
    free(script);
    unlink(path);
}

Test(plot, one_that_hangs_is_stopped)
{
    char path[] = "/tmp/qns_plot_XX"
                  "XX"
                  "XX";
    write_program(path, "#!/bin/sh\nexec sleep 60\n");
    qns_str t = {0};
    qns_err err = {0};
    const time_t start = time(NULL);
    cr_expect_eq(qns_plot_run(&t, &qns_gnuplot, path, "x", 300, &err), QNS_E_CANCELLED);
    cr_expect_lt(time(NULL) - start, 20);
    qns_str_fini(&t);
    unlink(path);
}

Test(plot, one_that_does_not_read_and_fails_is_reported)
{
    char path[] = "/tmp/qns_plot_XX"
                  "XX"
                  "XX";
    enum { N = 1 << 20 };
    char *script = malloc(N + 1);
    cr_assert(script);
    memset(script, 'x', N);
    script[N] = 0;
    write_program(path, "#!/bin/sh\necho 'line 1: broken' >&2\nexit 3\n");
    qns_str t = {0};
    qns_err err = {0};
    cr_expect_eq(qns_plot_run(&t, &qns_gnuplot, path, script, 20000, &err), QNS_E_IO);
    cr_expect(strstr(err.text, "line 1: broken"), "%s", err.text);
    qns_str_fini(&t);
    free(script);
    unlink(path);
}
