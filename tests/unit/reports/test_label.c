/* SPDX-License-Identifier: MIT */
#include "reports/label.h"

#include <criterion/criterion.h>
#include <string.h>

#define BAD "\xEF\xBF\xBD"

static void expect(void (*add)(qns_str *, const char *), const char *in, const char *want)
{
    qns_str t = {0};
    add(&t, in);
    cr_expect_str_eq(qns_str_get(&t), want);
    qns_str_fini(&t);
}

Test(label, what_cannot_be_seen_is_replaced)
{
    expect(qns_label_add, "a\x1b[31mb\n\tc\x7f", "a" BAD "[31mb" BAD BAD "c" BAD);
    expect(qns_label_add,
           "\xE2\x80\xAE"
           "x",
           BAD "x"); /* right-to-left override */
    expect(qns_label_add, "\xFF\xC0\x80 \xED\xA0\x80", BAD BAD BAD " " BAD BAD BAD); /* not UTF-8 */
    expect(qns_label_add, "\xE5\xB1", BAD BAD);                                      /* cut short */
    expect(qns_label_add, "\xE5\xB1\x82 \xF0\x9F\x98\x80", "\xE5\xB1\x82 \xF0\x9F\x98\x80");
    expect(qns_label_add_utf8, "a\n\xFF", "a\n" BAD);
}

Test(label, html_and_gnuplot_text_cannot_end_itself)
{
    expect(qns_label_add_html, "</script>'\"&", "&lt;/script&gt;&#39;&quot;&amp;");
    qns_str t = {0};
    qns_label_add_gnuplot(&t, "a'b\"c`date`\\\nd@e");
    const char *s = qns_str_get(&t);
    cr_expect_eq(s[0], '\'');
    cr_expect_eq(s[t.len - 1], '\'');
    for (size_t i = 1; i + 1 < t.len; i++)
        cr_expect_null(strchr("'\"`\\\n", s[i]));
    qns_str_fini(&t);
}

Test(label, dot_text_cannot_end_itself)
{
    qns_str t = {0};
    qns_label_add_dot(&t, "a\"];x\\N\n<b>");
    cr_expect_str_eq(qns_str_get(&t), "\"a\\\"];x\\\\N" BAD "<b>\"");
    qns_str_fini(&t);
}

Test(label, shortened_text_keeps_both_ends_and_fits)
{
    static const char name[] = "model.encoder.layer7.attention.output.dense";
    for (size_t w = 1; w < 50; w++) {
        qns_str t = {0};
        qns_label_add_short(&t, name, w);
        cr_expect_leq(qns_label_width(qns_str_get(&t)), w);
        qns_str_fini(&t);
    }
    qns_str t = {0};
    qns_label_add_short(&t, name, 11);
    cr_expect_str_eq(qns_str_get(&t), "model\xE2\x80\xA6"
                                      "dense");
    qns_str_fini(&t);
    qns_label_add_short(&t, "\xE5\xB1\x82\xE5\xB1\x82\xE5\xB1\x82\xE5\xB1\x82",
                        5); /* two columns each */
    cr_expect_str_eq(qns_str_get(&t), "\xE5\xB1\x82\xE2\x80\xA6\xE5\xB1\x82");
    qns_str_fini(&t);
}

Test(label, wrapped_lines_fit)
{
    static const char text[] =
        "a few words and one_that_is_far_too_long_to_fit_anywhere and more words";
    for (size_t width = 6; width < 60; width++) {
        qns_str t = {0};
        qns_label_add_wrapped(&t, text, width, 2, 4);
        size_t used = 4;
        for (const char *p = qns_str_get(&t); *p; p++) {
            used = *p == '\n' ? 0 : used + 1;
            cr_assert_leq(used, width, "width %zu: %s", width, qns_str_get(&t));
        }
        /* Nothing is lost: the letters are the same. */
        const char *p = qns_str_get(&t);
        for (const char *q = text; *q; q++) {
            if (*q == ' ')
                continue;
            p += strspn(p, " \n");
            cr_assert_eq(*p++, *q);
        }
        qns_str_fini(&t);
    }
}
