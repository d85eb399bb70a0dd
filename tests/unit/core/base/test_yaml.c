/* SPDX-License-Identifier: MIT */
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/yaml.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static qns_yaml *parsed(const char *text)
{
    qns_err err = {0};
    qns_yaml *y = NULL;
    cr_assert_eq(qns_yaml_parse(&y, text, strlen(text), "t.yaml", &err), QNS_OK, "%s: %s",
                 err.trail, err.text);
    return y;
}

/* Must fail with code, and the message with its place must contain want. */
static void refused_n(const char *text, size_t n, qns_status code, const char *want)
{
    qns_err err = {0};
    qns_yaml *y = NULL;
    const qns_status st = qns_yaml_parse(&y, text, n, "t.yaml", &err);
    char all[1100];
    snprintf(all, sizeof all, "%s: %s", err.trail, err.text);
    cr_assert_eq(st, code, "'%.60s' gave %s: %s", text, qns_status_text(st), all);
    cr_assert_null(y);
    cr_assert(strstr(all, want), "'%s' does not say '%s'", all, want);
}

static void refused(const char *text, const char *want)
{
    refused_n(text, strlen(text), QNS_E_FORMAT, want);
}

Test(yaml, tree)
{
    qns_yaml *y = parsed("# c\na: 1\nb:\n  - x\n  - 'y'\nc: {d: e}\nempty:\n");
    const qns_yaml_node *root = qns_yaml_root(y);
    cr_assert_eq(root->kind, QNS_YAML_MAP);
    cr_assert_eq(root->n, 4);
    const qns_yaml_node *b = qns_yaml_find(root, "b");
    cr_assert_eq(b->kind, QNS_YAML_LIST);
    cr_assert_eq(b->key_line, 3);
    cr_assert_eq(b->line, 4);
    cr_assert_eq(b->n, 2);
    cr_assert_str_eq(b->first->text, "x");
    cr_assert_not(b->first->quoted);
    cr_assert_eq(b->first->line, 4);
    cr_assert_eq(b->first->column, 5);
    cr_assert(b->first->next->quoted);
    cr_assert_null(b->first->next->next);
    cr_assert_eq(b->first->parent, b);
    cr_assert_str_eq(qns_yaml_find(qns_yaml_find(root, "c"), "d")->text, "e");
    cr_assert_str_eq(qns_yaml_find(root, "empty")->text, "");
    cr_assert_null(qns_yaml_find(root, "z"));
    qns_yaml_free(y);
}

Test(yaml, refusals)
{
    refused("", "empty");
    refused("# only a comment\n", "empty");
    refused("a: [1, 2", "flow sequence that starts in line 1");
    refused("a: 1\nb: 'x\n", "not valid YAML");
    refused("a: 1\n\tb: 2\n", "t.yaml:2");
    refused("a: &x 1\nb: *x\n", "t.yaml:1: anchor '&x'");
    refused("a: *x\n", "alias '*x'");
    refused("a: !!int 3\n", "tag");
    refused("a: 1\n---\nb: 2\n", "second document");
    refused("a: 1\nb: 2\na: 3\n", "t.yaml:3: key 'a' was already given in line 1");
    refused("{a: 1}: 2\n", "as a key");
    refused("'': 2\n", "key without a name");
    refused("a: \"x\\0y\"\n", "zero byte");
    refused_n("a: \xff\xfe\n", 6, QNS_E_FORMAT, "t.yaml");
    refused_n("a: 1\0b", 6, QNS_E_FORMAT, "t.yaml");
}

Test(yaml, duplicate_among_many)
{
    qns_str t = {0};
    for (int i = 0; i < 100; i++)
        qns_str_addf(&t, "key%d: %d\n", i, i);
    qns_yaml *y = parsed(t.s);
    cr_assert_eq(qns_yaml_root(y)->n, 100);
    qns_yaml_free(y);
    qns_str_add(&t, "key77: 1\n");
    refused(t.s, "t.yaml:101: key 'key77' was already given in line 78");
    qns_str_fini(&t);
}

Test(yaml, limits)
{
    qns_str t = {0};
    for (int i = 0; i < QNS_YAML_MAX_DEPTH; i++)
        qns_str_add(&t, "[");
    qns_str_add(&t, "1");
    for (int i = 0; i < QNS_YAML_MAX_DEPTH; i++)
        qns_str_add(&t, "]");
    qns_yaml_free(parsed(t.s));
    qns_str_fini(&t);
    for (int i = 0; i < 100000; i++)
        qns_str_add(&t, "[");
    refused(t.s, "levels of nesting");
    qns_str_fini(&t);
    qns_str_add(&t, "[");
    for (int i = 0; i < QNS_YAML_MAX_NODES; i++)
        qns_str_add(&t, "1,");
    qns_str_add(&t, "]");
    refused(t.s, "more than 1000000 entries");
    qns_str_fini(&t);
    char *big = qns_malloc64(QNS_YAML_MAX_BYTES + 1);
    memset(big, '#', QNS_YAML_MAX_BYTES + 1);
    refused_n(big, QNS_YAML_MAX_BYTES + 1, QNS_E_FORMAT, "the most that is read");
    qns_free(big);
}

Test(yaml, long_and_many_texts)
{
    /* Texts longer and shorter than a chunk of the tree's memory, which must not mix. */
    qns_str t = {0};
    for (int i = 0; i < 300; i++) {
        qns_str_addf(&t, "- \"%d", i);
        for (int j = 0; j < i * 40; j++)
            qns_str_add(&t, "x");
        qns_str_add(&t, "\"\n");
    }
    qns_yaml *y = parsed(t.s);
    int i = 0;
    for (const qns_yaml_node *c = qns_yaml_root(y)->first; c; c = c->next, i++) {
        char head[16];
        const int n = snprintf(head, sizeof head, "%d", i);
        cr_assert_eq(strncmp(c->text, head, (size_t)n), 0);
        cr_assert_eq(strlen(c->text), (size_t)(n + i * 40));
    }
    cr_assert_eq(i, 300);
    qns_yaml_free(y);
    qns_str_fini(&t);
}

Test(yaml, unknown_keys)
{
    static const char *const known[] = {"inputs", "labels", "limit"};
    qns_yaml *y = parsed("inputs: 1\n\n\nlables:\n   x\n");
    qns_err err = {0};
    cr_assert_eq(qns_yaml_known(qns_yaml_root(y), known, 3, &err), QNS_E_CONFIG);
    cr_assert_str_eq(err.text, "t.yaml:4: unknown key 'lables', did you mean 'labels'?");
    qns_yaml_free(y);
    y = parsed("zzzzzzzz: 1\n");
    err = (qns_err){0};
    cr_assert_eq(qns_yaml_known(qns_yaml_root(y), known, 3, &err), QNS_E_CONFIG);
    cr_assert_str_eq(err.text,
                     "t.yaml:1: unknown key 'zzzzzzzz'; the keys here are inputs, labels, limit");
    qns_yaml_free(y);
    y = parsed("labels: 1\nlimit: 2\n");
    cr_assert_eq(qns_yaml_known(qns_yaml_root(y), known, 3, NULL), QNS_OK);
    qns_yaml_free(y);
}

Test(yaml, numbers)
{
    qns_yaml *y = parsed("[-5, +7, 9223372036854775807, 1.5, -2e-3, .5]");
    const qns_yaml_node *c = qns_yaml_root(y)->first;
    int64_t i = 0;
    double d = 0;
    cr_assert_eq(qns_yaml_int(&i, c, -10, 10, NULL), QNS_OK);
    cr_assert_eq(i, -5);
    cr_assert_eq(qns_yaml_int(&i, c, 0, 10, NULL), QNS_E_CONFIG);
    c = c->next;
    cr_assert_eq(qns_yaml_int(&i, c, 0, 10, NULL), QNS_OK);
    cr_assert_eq(i, 7);
    c = c->next;
    cr_assert_eq(qns_yaml_int(&i, c, INT64_MIN, INT64_MAX, NULL), QNS_OK);
    cr_assert_eq(i, INT64_MAX);
    c = c->next;
    cr_assert_eq(qns_yaml_int(&i, c, 0, 10, NULL), QNS_E_CONFIG);
    cr_assert_eq(qns_yaml_double(&d, c, NULL), QNS_OK);
    cr_assert_eq(d, 1.5);
    c = c->next;
    cr_assert_eq(qns_yaml_double(&d, c, NULL), QNS_OK);
    cr_assert_eq(d, -2e-3);
    c = c->next;
    cr_assert_eq(qns_yaml_double(&d, c, NULL), QNS_OK);
    cr_assert_eq(d, 0.5);
    qns_yaml_free(y);
    y = parsed("[9223372036854775808, '5', -, 0x10, inf, nan, 1e999, 1.2.3, [], {}, 5 5]");
    for (c = qns_yaml_root(y)->first; c; c = c->next)
        cr_assert_eq(qns_yaml_int(&i, c, INT64_MIN, INT64_MAX, NULL), QNS_E_CONFIG, "%s", c->text);
    for (c = qns_yaml_root(y)->first->next; c; c = c->next)
        cr_assert_eq(qns_yaml_double(&d, c, NULL), QNS_E_CONFIG, "%s", c->text);
    qns_yaml_free(y);
}

static void check_text(const qns_err *err, const char *want)
{
    cr_assert_eq(err->code, QNS_E_CONFIG);
    cr_assert_str_eq(err->text, want);
}

Test(yaml, getter_messages)
{
    static const char *const words[] = {"minmax", "histogram"};
    qns_yaml *y = parsed("scale: abc\nmean: [1, x]\nm: {}\ne:\nobs: histgram\nt: no\nq: '7'\n");
    const qns_yaml_node *root = qns_yaml_root(y);
    double d;
    int64_t i;
    bool b = true;
    size_t w;
    const char *s;
    qns_err err = {0};
    qns_yaml_double(&d, qns_yaml_find(root, "scale"), &err);
    check_text(&err, "t.yaml:1: 'scale' must be a number, is 'abc'");
    err = (qns_err){0};
    qns_yaml_double(&d, qns_yaml_find(root, "mean")->first->next, &err);
    check_text(&err, "t.yaml:2: item 2 of 'mean' must be a number, is 'x'");
    err = (qns_err){0};
    qns_yaml_int(&i, qns_yaml_find(root, "m"), 0, 10, &err);
    check_text(&err, "t.yaml:3: 'm' must be a whole number from 0 to 10, is a map");
    err = (qns_err){0};
    qns_yaml_text(&s, qns_yaml_find(root, "e"), &err);
    check_text(&err, "t.yaml:4: 'e' must be a text, is empty");
    err = (qns_err){0};
    qns_yaml_word(&w, qns_yaml_find(root, "obs"), words, 2, &err);
    check_text(&err, "t.yaml:5: 'obs' is 'histgram', did you mean 'histogram'?");
    err = (qns_err){0};
    qns_yaml_word(&w, qns_yaml_find(root, "scale"), words, 2, &err);
    check_text(&err, "t.yaml:1: 'scale' must be one of minmax, histogram, is 'abc'");
    cr_assert_eq(qns_yaml_bool(&b, qns_yaml_find(root, "t"), NULL), QNS_OK);
    cr_assert_not(b);
    err = (qns_err){0};
    qns_yaml_bool(&b, qns_yaml_find(root, "q"), &err);
    check_text(&err, "t.yaml:7: 'q' must be true or false, is the text '7'");
    err = (qns_err){0};
    qns_yaml_want(root, QNS_YAML_LIST, &err);
    check_text(&err, "t.yaml:1: the file must be a list, is a map");
    qns_yaml_free(y);
}

Test(yaml, out_of_memory)
{
    const char *text =
        "a: [1, 2, {b: c}]\nk1: 1\nk2: 2\nk3: 3\nk4: 4\nk5: 5\nk6: 6\nk7: 7\nk8: 8\n";
    qns_status st = QNS_E_NOMEM;
    int n = 0;
    for (; st == QNS_E_NOMEM && n < 1000; n++) {
        qns_yaml *y = NULL;
        qns_mem_fail_at(n);
        st = qns_yaml_parse(&y, text, strlen(text), "t.yaml", NULL);
        qns_mem_fail_at(-1);
        cr_assert_eq(st == QNS_OK, y != NULL);
        qns_yaml_free(y);
    }
    cr_assert_eq(st, QNS_OK);
    cr_assert_gt(n, 3);
}
