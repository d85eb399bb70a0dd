/* SPDX-License-Identifier: MIT */
#include "reports/embedded.h"
#include "reports/label.h"
#include "reports/template.h"

#include <criterion/criterion.h>
#include <string.h>

static qns_arena *arena;

static void setup(void)
{
    cr_assert_eq(qns_arena_create(&arena, NULL), QNS_OK);
}

static void teardown(void)
{
    qns_arena_free(arena);
}

TestSuite(template, .init = setup, .fini = teardown);

static void expect(const char *text, const qns_tval *v, const char *want)
{
    qns_str out = {0};
    qns_err err = {0};
    cr_assert_eq(qns_template_fill(&out, text, v, qns_label_add_html, &err), QNS_OK, "%s",
                 err.text);
    cr_assert_str_eq(qns_str_get(&out), want);
    qns_str_fini(&out);
}

Test(template, values_are_escaped_unless_raw)
{
    qns_tval *v = qns_tval_create(arena);
    qns_tval_set(v, "a", "<b a='x' c=\"y\">&");
    qns_tval_set_raw(v, "b", "<i>");
    expect("{{a}}|{{b}}|{{c}}|", v, "&lt;b a=&#39;x&#39; c=&quot;y&quot;&gt;&amp;|<i>||");
}

Test(template, a_value_is_not_a_template)
{
    qns_tval *v = qns_tval_create(arena);
    qns_tval_set(v, "a", "{{b}}{{#each c}}");
    qns_tval_set(v, "b", "wrong");
    expect("{{a}}", v, "{{b}}{{#each c}}");
}

Test(template, lists_nest_and_names_are_found_outwards)
{
    qns_tval *v = qns_tval_create(arena);
    qns_tval_set(v, "x", "X");
    for (int i = 0; i < 2; i++) {
        qns_tval *row = qns_tval_add(v, "rows");
        qns_tval_setf(row, "i", "%d", i);
        for (int k = 0; k <= i; k++)
            qns_tval_setf(qns_tval_add(row, "cells"), "k", "%d", k);
    }
    expect("[{{#each rows}}{{i}}:{{#each cells}}{{i}}{{k}}{{x}} {{/each}}{{#each none}}{{k}}"
           "{{#each cells}}?{{/each}}{{/each}};{{/each}}]",
           v, "[0:00X ;1:10X 11X ;]");
}

Test(template, wrong_templates_are_refused)
{
    static const char *const text[] = {"{{#each a}}", "{{/each}}", "{{a",
                                       "{{#each a}}{{/each}}{{/each}}",
                                       "{{#each none}}{{#each b}}{{/each}}"};
    qns_tval *v = qns_tval_create(arena);
    qns_tval_add(v, "a");
    for (size_t i = 0; i < QNS_ARRAY_LEN(text); i++) {
        qns_str out = {0};
        qns_err err = {0};
        cr_expect_eq(qns_template_fill(&out, text[i], v, qns_label_add_html, &err), QNS_E_FORMAT,
                     "%s", text[i]);
        cr_expect(strstr(err.text, "template"));
        qns_str_fini(&out);
    }
}

Test(template, every_template_of_the_program_is_well_formed)
{
    size_t n = 0;
    qns_tval *v = qns_tval_create(arena);
    for (const struct qns_embedded *e = qns_embedded_files; e->name; e++, n++) {
        qns_str out = {0};
        qns_err err = {0};
        cr_expect_eq(strlen(e->data), e->size, "%s", e->name);
        if (!strstr(e->name, ".css") && !strstr(e->name, ".js"))
            cr_expect_eq(qns_template_fill(&out, e->data, v, qns_label_add_html, &err), QNS_OK,
                         "%s: %s", e->name, err.text);
        qns_str_fini(&out);
    }
    cr_assert_geq(n, 8);
    cr_assert_null(qns_template_find("no such file"));
}
