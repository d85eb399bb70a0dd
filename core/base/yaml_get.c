/* SPDX-License-Identifier: MIT */
/* Typed access to a YAML tree, and the messages that go with it. */
#include "core/base/str.h"
#include "core/base/yaml.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static qns_status fail_at(const char *file, uint32_t line, qns_err *err, const char *text)
{
    return qns_err_set(err, QNS_E_CONFIG, __FILE__, __LINE__, "%s:%u: %s", file, line, text);
}

qns_status qns_yaml_fail(const qns_yaml_node *node, qns_err *err, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    return fail_at(node->file, node->line, err, text);
}

const qns_yaml_node *qns_yaml_find(const qns_yaml_node *map, const char *key)
{
    if (map->kind != QNS_YAML_MAP)
        return NULL;
    for (const qns_yaml_node *c = map->first; c; c = c->next)
        if (strcmp(c->key, key) == 0)
            return c;
    return NULL;
}

qns_status qns_yaml_known(const qns_yaml_node *map, const char *const *keys, size_t n, qns_err *err)
{
    QNS_TRY(qns_yaml_want(map, QNS_YAML_MAP, err));
    for (const qns_yaml_node *c = map->first; c; c = c->next) {
        bool known = false;
        for (size_t i = 0; i < n && !known; i++)
            known = strcmp(c->key, keys[i]) == 0;
        if (known)
            continue;
        char text[512];
        const int64_t near = qns_nearest(c->key, keys, n);
        if (near >= 0) {
            snprintf(text, sizeof text, "unknown key '%.100s', did you mean '%s'?", c->key,
                     keys[near]);
        } else {
            int at = snprintf(text, sizeof text, "unknown key '%.100s'; the keys here are", c->key);
            for (size_t i = 0; i < n && at > 0 && (size_t)at < sizeof text; i++)
                at += snprintf(text + at, sizeof text - (size_t)at, "%s %s", i ? "," : "", keys[i]);
        }
        return fail_at(c->file, c->key_line, err, text);
    }
    return QNS_OK;
}

/* "'scale'", "item 2 of 'mean'", "the file" */
static void name_of(char *out, size_t size, const qns_yaml_node *node)
{
    const qns_yaml_node *p = node->parent;
    if (node->key) {
        snprintf(out, size, "'%.100s'", node->key);
    } else if (p) {
        unsigned i = 1;
        for (const qns_yaml_node *c = p->first; c && c != node; c = c->next)
            i++;
        if (p->key)
            snprintf(out, size, "item %u of '%.100s'", i, p->key);
        else
            snprintf(out, size, "item %u of the list", i);
    } else {
        snprintf(out, size, "the file");
    }
}

static qns_status not_a(const char *expected, const qns_yaml_node *node, qns_err *err)
{
    char name[160], is[160];
    name_of(name, sizeof name, node);
    if (node->kind != QNS_YAML_SCALAR)
        snprintf(is, sizeof is, "is a %s", node->kind == QNS_YAML_LIST ? "list" : "map");
    else if (!node->text[0] && !node->quoted)
        snprintf(is, sizeof is, "is empty");
    else
        snprintf(is, sizeof is, "is %s'%.100s'", node->quoted ? "the text " : "", node->text);
    return qns_yaml_fail(node, err, "%s must be %s, %s", name, expected, is);
}

qns_status qns_yaml_want(const qns_yaml_node *node, qns_yaml_kind kind, qns_err *err)
{
    static const char *const name[] = {"a single value", "a list", "a map of keys and values"};
    return node->kind == kind ? QNS_OK : not_a(name[kind], node, err);
}

qns_status qns_yaml_text(const char **out, const qns_yaml_node *node, qns_err *err)
{
    if (node->kind != QNS_YAML_SCALAR || !node->text[0])
        return not_a("a text", node, err);
    *out = node->text;
    return QNS_OK;
}

qns_status qns_yaml_bool(bool *out, const qns_yaml_node *node, qns_err *err)
{
    static const char *const word[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; node->kind == QNS_YAML_SCALAR && !node->quoted && i < 6; i++)
        if (strcmp(node->text, word[i]) == 0) {
            *out = i & 1;
            return QNS_OK;
        }
    return not_a("true or false", node, err);
}

qns_status qns_yaml_int(int64_t *out, const qns_yaml_node *node, int64_t lo, int64_t hi,
                        qns_err *err)
{
    char expected[96];
    const char *s = node->text;
    const size_t sign = *s == '-' || *s == '+';
    if (lo == INT64_MIN && hi == INT64_MAX)
        snprintf(expected, sizeof expected, "a whole number");
    else if (hi == INT64_MAX)
        snprintf(expected, sizeof expected, "a whole number from %lld", (long long)lo);
    else
        snprintf(expected, sizeof expected, "a whole number from %lld to %lld", (long long)lo,
                 (long long)hi);
    if (node->kind != QNS_YAML_SCALAR || node->quoted || !s[sign] ||
        s[sign + strspn(s + sign, "0123456789")])
        return not_a(expected, node, err);
    errno = 0;
    const long long v = strtoll(s, NULL, 10);
    if (errno || v < lo || v > hi)
        return not_a(expected, node, err);
    *out = v;
    return QNS_OK;
}

qns_status qns_yaml_double(double *out, const qns_yaml_node *node, qns_err *err)
{
    char *end = NULL;
    /* strtod() alone would take hexadecimal digits, "inf", "nan" and blanks. */
    if (node->kind != QNS_YAML_SCALAR || node->quoted || !node->text[0] ||
        node->text[strspn(node->text, "0123456789+-.eE")])
        return not_a("a number", node, err);
    const double v = strtod(node->text, &end);
    if (*end || !isfinite(v))
        return not_a("a number", node, err);
    *out = v;
    return QNS_OK;
}

qns_status qns_yaml_word(size_t *out, const qns_yaml_node *node, const char *const *words, size_t n,
                         qns_err *err)
{
    char expected[320] = "one of";
    size_t at = strlen(expected);
    for (size_t i = 0; i < n; i++) {
        if (node->kind == QNS_YAML_SCALAR && strcmp(node->text, words[i]) == 0) {
            *out = i;
            return QNS_OK;
        }
        if (at < sizeof expected)
            at += (size_t)snprintf(expected + at, sizeof expected - at, "%s %s", i ? "," : "",
                                   words[i]);
    }
    const int64_t near = node->kind == QNS_YAML_SCALAR ? qns_nearest(node->text, words, n) : -1;
    if (near >= 0) {
        char name[160];
        name_of(name, sizeof name, node);
        return qns_yaml_fail(node, err, "%s is '%.100s', did you mean '%s'?", name, node->text,
                             words[near]);
    }
    return not_a(expected, node, err);
}
