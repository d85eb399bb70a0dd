/* SPDX-License-Identifier: MIT */
/* Which rule matches which node. */
#include "core/graph/module_name.h"
#include "core/graph/op.h"
#include "core/quant/qconfig_set.h"

#include <regex.h>
#include <stdio.h>
#include <string.h>

enum { MAX_MODULE = 512 };

/* A name without slashes is the module itself. "" when it does not fit. */
static void module_of(char out[MAX_MODULE], const char *node)
{
    if (strchr(node, '/'))
        qns_module_name(out, MAX_MODULE, node);
    else
        snprintf(out, MAX_MODULE, "%s", strlen(node) < MAX_MODULE ? node : "");
}

/* The module itself or one that it encloses. */
static bool is_in(const char *module, const char *outer, char separator)
{
    const size_t n = strlen(outer);
    return strncmp(module, outer, n) == 0 && (!module[n] || module[n] == separator);
}

static bool in_module(const qns_qrule *r, const qns_node *n)
{
    char module[MAX_MODULE];
    module_of(module, n->name);
    return is_in(module, r->pattern, '.') || is_in(n->name, r->pattern, '/');
}

/* Python's \d, which POSIX does not have; anchored at the start, as Python's match(). */
static bool compile(regex_t *re, const char *pattern)
{
    char text[MAX_MODULE * 2] = "^(";
    size_t n = 2;
    for (const char *p = pattern; *p && n + 8 < sizeof text; p++) {
        const bool digit = p[0] == '\\' && p[1] == 'd';
        n += digit ? (size_t)snprintf(text + n, sizeof text - n, "[0-9]")
                   : (size_t)snprintf(text + n, sizeof text - n, "%.*s",
                                      p[0] == '\\' && p[1] ? 2 : 1, p);
        p += p[0] == '\\' && p[1];
    }
    snprintf(text + n, sizeof text - n, ")");
    return regcomp(re, text, REG_EXTENDED | REG_NOSUB) == 0;
}

bool qns_qrule_regex_ok(const char *pattern)
{
    regex_t re;
    /* Repetition counts can make an automaton of gigabytes; groups cannot be referred to. */
    bool fine = strlen(pattern) < 256 && !strchr(pattern, '{');
    for (const char *p = pattern; fine && *p; p++)
        if (*p == '\\' && p[1]) {
            p++;
            fine = !(*p >= '0' && *p <= '9');
        }
    if (!fine || !compile(&re, pattern))
        return false;
    regfree(&re);
    return true;
}

static bool fits_regex(const qns_qrule *r, const qns_node *n)
{
    char module[MAX_MODULE];
    regex_t re;
    module_of(module, n->name);
    if (!compile(&re, r->pattern))
        return false;
    const bool yes =
        regexec(&re, module, 0, NULL, 0) == 0 || regexec(&re, n->name, 0, NULL, 0) == 0;
    regfree(&re);
    return yes;
}

/* Directly in the module: it is the module, or the module encloses it and nothing between. */
static bool directly_in(const qns_qrule *r, const qns_node *n)
{
    char module[MAX_MODULE];
    if (strcmp(n->op->name, r->op) != 0)
        return false;
    module_of(module, n->name);
    if (strcmp(module, r->pattern) == 0)
        return true;
    const char *dot = strrchr(module, '.');
    const size_t outer = dot ? (size_t)(dot - module) : 0;
    return strlen(r->pattern) == outer && strncmp(module, r->pattern, outer) == 0;
}

static bool is_nth(const qns_qrule *r, const qns_graph *g, const qns_node *n)
{
    uint32_t before = 0;
    if (!directly_in(r, n))
        return false;
    for (uint32_t i = 0; i < n->id.i; i++)
        before += directly_in(r, qns_graph_node(g, (qns_nid){i}));
    return before == r->index;
}

/* An exact name wins over its reading as a pattern: names of real models contain brackets. */
bool qns_name_fits(const char *pattern, const char *name)
{
    return strcmp(pattern, name) == 0 || (qns_has_glob_chars(pattern) && qns_glob(pattern, name));
}

static bool is_named(const qns_qrule *r, const qns_graph *g, const qns_node *n)
{
    if (qns_name_fits(r->pattern, n->name))
        return true;
    for (uint32_t i = 0; i < n->n_origin; i++)
        if (qns_name_fits(r->pattern, n->origin[i]))
            return true;
    for (uint32_t i = 0; i < n->n_out; i++) {
        const qns_value *v = qns_graph_value(g, n->out[i]);
        if (qns_name_fits(r->pattern, v->name) || qns_name_fits(r->pattern, v->origin))
            return true;
    }
    return false;
}

bool qns_qrule_matches(const qns_qrule *r, const qns_graph *g, const qns_node *n)
{
    switch (r->by) {
    case QNS_BY_OP:
        return strcmp(r->pattern, n->op->name) == 0;
    case QNS_BY_REGEX:
        return fits_regex(r, n);
    case QNS_BY_MODULE:
        return in_module(r, n);
    case QNS_BY_ORDER:
        return is_nth(r, g, n);
    default:
        return is_named(r, g, n);
    }
}
