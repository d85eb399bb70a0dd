/* SPDX-License-Identifier: MIT */
/* Every format of the gate on results whose names try to break out. That XML and JSON are read by
 * other programs is tests/cli/gate/reports_are_readable.sh. */
#include "core/base/str.h"
#include "reports/gate_render.h"
#include "reports/gate_yaml.h"
#include "reports/label.h"
#include "tests/reports/make_result.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static qns_status put(void *ctx, const void *p, size_t n, qns_err *err)
{
    (void)err;
    qns_str_add_n(ctx, p, n);
    return QNS_OK;
}

static qns_gate_outcome *outcome(const char *yaml, bool hostile)
{
    qns_result *r = make_result(64, hostile);
    qns_arena *a = NULL;
    qns_gate_rules rules;
    qns_gate_outcome *o = NULL;
    qns_err err = {0};
    cr_assert_eq(qns_arena_create(&a, NULL), QNS_OK);
    cr_assert_eq(qns_gate_parse_rules(&rules, a, yaml, strlen(yaml), "a b,c:%.yaml", &err), QNS_OK,
                 "%s", err.text);
    cr_assert_eq(qns_gate_run(&o, r, "r<&>.json", &rules, NULL, NULL, &err), QNS_OK, "%s",
                 err.text);
    qns_arena_free(a);
    qns_result_free(r);
    return o;
}

static char *rendered(const char *format, const qns_gate_outcome *o, const qns_gate_opts *opts)
{
    qns_str t = {0};
    qns_err err = {0};
    const qns_sink to = {&t, put};
    cr_assert_eq(qns_gate_render_find(format)->render(o, opts, &to, &err), QNS_OK, "%s", err.text);
    return t.s;
}

static const char every[] =
    "layers:\n  - name: '*'\n    activation: {sqnr_db: {min: 99, optional: true}}\n"
    "findings: {fail_on: note}\n";

Test(gate_render, nothing_in_a_name_is_active)
{
    qns_gate_outcome *o = outcome(every, true);
    for (size_t i = 0; qns_gate_render_at(i); i++) {
        char *s = rendered(qns_gate_render_at(i)->name, o, &(qns_gate_opts){.all = true});
        cr_expect_gt(strlen(s), 100);
        for (const char *p = s; *p; p++)
            cr_expect((unsigned char)*p >= 0x20 || *p == '\n', "%s: control character %d",
                      qns_gate_render_at(i)->name, *p);
        cr_expect_null(strstr(s, "\xE2\x80\xAE"), "%s", qns_gate_render_at(i)->name);
        free(s);
    }
    char *xml = rendered("junit", o, &(qns_gate_opts){0});
    cr_expect_null(strstr(xml, "<script"));
    cr_expect_null(strstr(xml, "<b>"));
    cr_expect_null(strstr(xml, "r<&>"));
    free(xml);
    char *md = rendered("markdown", o, &(qns_gate_opts){.all = true});
    cr_expect_null(strstr(md, "<b>"));
    cr_expect_null(strstr(md, " `id`"));
    free(md);
    qns_gate_free(o);
}

Test(gate_render, text_fits_and_tells_failures_first)
{
    qns_gate_outcome *o = outcome(every, true);
    char *s = rendered("text", o, &(qns_gate_opts){.all = true});
    cr_expect_eq(strncmp(s, "gate: bad data: ", 16), 0);
    cr_expect(strstr(s, "failed ") < strstr(s, "skipped "));
    cr_expect(strstr(s, "skipped ") < strstr(s, "passed "));
    for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n"))
        cr_expect_leq(qns_label_width(line), 80, "%s", line);
    free(s);
    qns_gate_free(o);
}

Test(gate_render, one_annotation_is_one_line_and_ten_are_enough)
{
    qns_gate_outcome *o = outcome(every, true);
    char *s = rendered("github", o, &(qns_gate_opts){0});
    size_t n = 0;
    cr_expect_gt(o->n_failed, 20);
    for (char *line = strtok(s, "\n"); line; line = strtok(NULL, "\n"), n++) {
        cr_expect_eq(strncmp(line, "::error ", 8), 0, "%s", line);
        const char *file = strstr(line, "file=");
        cr_expect(!file || strncmp(file, "file=a b%2Cc%3A%25.yaml,line=", 28) == 0, "%s", line);
    }
    cr_expect_eq(n, 10);
    free(s);
    qns_gate_free(o);
}

Test(gate_render, sarif_has_what_the_standard_asks_for)
{
    qns_gate_outcome *o = outcome(every, true);
    char *s = rendered("sarif", o, &(qns_gate_opts){0});
    json_t *doc = json_loads(s, JSON_REJECT_DUPLICATES, NULL);
    cr_assert(doc);
    cr_expect_str_eq(json_string_value(json_object_get(doc, "version")), "2.1.0");
    json_t *run = json_array_get(json_object_get(doc, "runs"), 0);
    json_t *driver = json_object_get(json_object_get(run, "tool"), "driver");
    json_t *rules = json_object_get(driver, "rules"), *results = json_object_get(run, "results");
    cr_expect(json_string_value(json_object_get(driver, "name")));
    cr_expect_eq(json_array_size(results), o->n_failed);
    for (size_t i = 0; i < json_array_size(results); i++) {
        json_t *r = json_array_get(results, i);
        json_t *rule =
            json_array_get(rules, (size_t)json_integer_value(json_object_get(r, "ruleIndex")));
        json_t *at =
            json_object_get(json_array_get(json_object_get(r, "locations"), 0), "physicalLocation");
        const char *uri =
            json_string_value(json_object_get(json_object_get(at, "artifactLocation"), "uri"));
        cr_expect_str_eq(json_string_value(json_object_get(r, "ruleId")),
                         json_string_value(json_object_get(rule, "id")));
        cr_expect(json_string_value(json_object_get(json_object_get(r, "message"), "text")));
        cr_expect(strcmp(uri, "a%20b%2Cc%3A%25.yaml") == 0 || strcmp(uri, "r%3C%26%3E.json") == 0,
                  "%s", uri);
    }
    json_decref(doc);
    free(s);
    qns_gate_free(o);
}

Test(gate_render, the_same_facts_in_json)
{
    qns_gate_outcome *o = outcome("coverage: {ops: {min: 0}}\n", false);
    char *s = rendered("json", o, &(qns_gate_opts){0});
    json_t *doc = json_loads(s, 0, NULL);
    cr_expect_str_eq(json_string_value(json_object_get(doc, "verdict")), "passed");
    cr_expect_eq(json_integer_value(json_object_get(doc, "exit_code")), 0);
    cr_expect_eq(json_array_size(json_object_get(doc, "checks")), 1);
    json_decref(doc);
    free(s);
    s = rendered("github", o, &(qns_gate_opts){0});
    cr_expect_eq(strncmp(s, "::notice ", 9), 0);
    free(s);
    qns_gate_free(o);
}
