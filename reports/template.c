/* SPDX-License-Identifier: MIT */
#include "reports/template.h"

#include "reports/embedded.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 16, MAX_NAME = 64 };

typedef struct entry {
    struct entry *next;
    const char *name, *text; /* text NULL: a list */
    bool raw;
    qns_tval *first, *last;
} entry;

struct qns_tval {
    qns_arena *arena;
    qns_tval *root, *next; /* next in the list it is in */
    entry *entries;
    bool failed;
};

static qns_tval *create(qns_arena *a, qns_tval *root)
{
    qns_tval *v = qns_arena_get(a, 1, sizeof *v);
    if (v) {
        v->arena = a;
        v->root = root ? root : v;
    } else if (root) {
        root->failed = true;
    }
    return v;
}

qns_tval *qns_tval_create(qns_arena *a)
{
    return create(a, NULL);
}

static entry *find(const qns_tval *v, const char *name, size_t n)
{
    for (entry *e = v->entries; e; e = e->next)
        if (strncmp(e->name, name, n) == 0 && !e->name[n])
            return e;
    return NULL;
}

static entry *get(qns_tval *v, const char *name)
{
    entry *e = find(v, name, strlen(name));
    if (e)
        return e;
    if (!(e = qns_arena_get(v->arena, 1, sizeof *e))) {
        v->root->failed = true;
        return NULL;
    }
    e->name = name;
    e->next = v->entries;
    return v->entries = e;
}

static void set(qns_tval *v, const char *name, const char *text, bool raw)
{
    entry *e = v ? get(v, name) : NULL;
    if (e) {
        e->text = text ? text : "";
        e->raw = raw;
    }
}

void qns_tval_set(qns_tval *v, const char *name, const char *text)
{
    set(v, name, text, false);
}

void qns_tval_set_raw(qns_tval *v, const char *name, const char *text)
{
    set(v, name, text, true);
}

void qns_tval_setf(qns_tval *v, const char *name, const char *fmt, ...)
{
    char text[128];
    va_list ap;
    if (!v)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    const char *copy = qns_arena_strdup(v->arena, text);
    if (!copy)
        v->root->failed = true;
    set(v, name, copy, true);
}

qns_tval *qns_tval_add(qns_tval *v, const char *name)
{
    entry *e = v ? get(v, name) : NULL;
    qns_tval *item = e ? create(v->arena, v->root) : NULL;
    if (!item)
        return NULL;
    if (e->last)
        e->last->next = item;
    else
        e->first = item;
    return e->last = item;
}

bool qns_tval_failed(const qns_tval *root)
{
    return !root || root->failed;
}

typedef struct filler {
    qns_str *out;
    qns_escape_fn *escape;
    qns_err *err;
    const qns_tval *scope[MAX_DEPTH]; /* outermost first */
    size_t depth;
} filler;

static const entry *look_up(const filler *f, const char *name, size_t n)
{
    for (size_t i = f->depth; i-- > 0;) {
        const entry *e = find(f->scope[i], name, n);
        if (e)
            return e;
    }
    return NULL;
}

/* The tag at p: its inside goes to name. Moves *p behind it. */
static qns_status read_tag(const char **p, char name[MAX_NAME], qns_err *err)
{
    const char *end = strstr(*p, "}}");
    const size_t n = end ? (size_t)(end - *p) - 2 : 0;
    if (!end || n >= MAX_NAME)
        QNS_FAIL(err, FORMAT, "template: '%.20s' has no end", *p);
    memcpy(name, *p + 2, n);
    name[n] = 0;
    *p = end + 2;
    return QNS_OK;
}

/* Fills up to the end, or to the {{/each}} that closes this level; *p ends behind it. skip: nothing
 * is written; each body is passed once to find its end. The depth of unlisted levels is bounded by
 * the template, which is ours. */
static qns_status fill(filler *f, const char **p, bool inside, bool skip)
{
    char name[MAX_NAME];
    for (;;) {
        const char *tag = strstr(*p, "{{");
        const size_t n = tag ? (size_t)(tag - *p) : strlen(*p);
        if (!skip)
            qns_str_add_n(f->out, *p, n);
        *p += n;
        if (!tag)
            break;
        QNS_TRY(read_tag(p, name, f->err));
        if (strcmp(name, "/each") == 0) {
            if (!inside)
                QNS_FAIL(f->err, FORMAT, "template: '{{/each}}' closes nothing");
            return QNS_OK;
        }
        const bool each = strncmp(name, "#each ", 6) == 0;
        const char *key = each ? name + 6 : name;
        const entry *e = skip ? NULL : look_up(f, key, strlen(key));
        if (!each) {
            if (e && e->text)
                (e->raw ? qns_str_add : f->escape)(f->out, e->text);
            continue;
        }
        if (f->depth == MAX_DEPTH)
            QNS_FAIL(f->err, FORMAT, "template: more than %d levels", MAX_DEPTH);
        const char *body = *p;
        for (const qns_tval *item = e ? e->first : NULL; item; item = item->next) {
            f->scope[f->depth++] = item;
            *p = body;
            QNS_TRY(fill(f, p, true, false));
            f->depth--;
        }
        if (!e || !e->first)
            QNS_TRY(fill(f, p, true, true));
    }
    if (inside)
        QNS_FAIL(f->err, FORMAT, "template: an '{{#each}}' is not closed");
    return QNS_OK;
}

qns_status qns_template_fill(qns_str *out, const char *text, const qns_tval *root,
                             qns_escape_fn *escape, qns_err *err)
{
    filler f = {.out = out, .escape = escape, .err = err, .scope = {root}, .depth = 1};
    if (qns_tval_failed(root))
        QNS_FAIL(err, NOMEM, "cannot keep the values of a template");
    QNS_TRY(fill(&f, &text, false, false));
    if (out->failed)
        QNS_FAIL(err, NOMEM, "cannot fill a template");
    return QNS_OK;
}

const char *qns_template_find(const char *name)
{
    for (const struct qns_embedded *e = qns_embedded_files; e->name; e++)
        if (strcmp(e->name, name) == 0)
            return e->data;
    return NULL;
}
