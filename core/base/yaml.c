/* SPDX-License-Identifier: MIT */
/* libyaml's events -> tree. Nodes and texts come in chunks from one arena, because the arena rounds
 * every object up to a cache line and a hostile file has a million small ones. */
#include "core/base/yaml.h"

#include "core/base/arena.h"
#include "core/base/file.h"
#include "core/base/map.h"
#include "core/base/mem.h"

#include <string.h>
#include <yaml.h>

enum { NODE_CHUNK = 128, TEXT_CHUNK = 4096, FEW_KEYS = 8 };

struct qns_yaml {
    qns_arena *arena;
    const char *file;
    qns_yaml_node *root;
    qns_yaml_node *chunk;
    size_t chunk_left, n_nodes;
    char *text;
    size_t text_left;
};

/* What is open while reading: the collection, its last child, and the key that waits for its value.
 */
typedef struct level {
    qns_yaml_node *node, *last;
    const char *key;
    uint32_t key_line;
} level;

typedef struct reader {
    yaml_parser_t yp;
    qns_yaml *y;
    level at[QNS_YAML_MAX_DEPTH];
    size_t depth;
    bool ended;
} reader;

#define FAIL_AT(err, r, mark, ...)                                                                 \
    do {                                                                                           \
        qns_status at_ = qns_err_set((err), QNS_E_FORMAT, __FILE__, __LINE__, __VA_ARGS__);        \
        qns_err_note((err), "%s:%zu", (r)->y->file, (mark).line + 1);                              \
        return at_;                                                                                \
    } while (0)

static qns_status copy_text(const char **out, qns_yaml *y, const char *s, size_t n, qns_err *err)
{
    if (n + 1 > y->text_left) {
        const size_t want = n + 1 > TEXT_CHUNK / 4 ? n + 1 : TEXT_CHUNK;
        char *p;
        QNS_TRY(qns_arena_new((void **)&p, y->arena, want, 1, err));
        if (want == n + 1) { /* has a place of its own; the rest of the chunk stays in use */
            memcpy(p, s, n);
            *out = p;
            return QNS_OK;
        }
        y->text = p;
        y->text_left = want;
    }
    memcpy(y->text, s, n);
    *out = y->text;
    y->text += n + 1;
    y->text_left -= n + 1;
    return QNS_OK;
}

static qns_status count_node(reader *r, yaml_mark_t mark, qns_err *err)
{
    if (++r->y->n_nodes > QNS_YAML_MAX_NODES)
        FAIL_AT(err, r, mark, "more than %d entries", QNS_YAML_MAX_NODES);
    return QNS_OK;
}

/* Makes a node and hangs it where the file has it. */
static qns_status add_node(qns_yaml_node **out, reader *r, qns_yaml_kind kind, yaml_mark_t mark,
                           qns_err *err)
{
    qns_yaml *y = r->y;
    QNS_TRY(count_node(r, mark, err));
    if (!y->chunk_left) {
        QNS_TRY(qns_arena_new((void **)&y->chunk, y->arena, NODE_CHUNK, sizeof *y->chunk, err));
        y->chunk_left = NODE_CHUNK;
    }
    qns_yaml_node *node = y->chunk++;
    y->chunk_left--;
    node->kind = kind;
    node->file = y->file;
    node->line = node->key_line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    node->text = "";
    if (r->depth) {
        level *up = &r->at[r->depth - 1];
        node->parent = up->node;
        if (up->node->kind == QNS_YAML_MAP) {
            node->key = up->key;
            node->key_line = up->key_line;
            up->key = NULL;
        }
        if (up->last)
            up->last->next = node;
        else
            up->node->first = node;
        up->last = node;
        up->node->n++;
    } else {
        y->root = node;
    }
    *out = node;
    return QNS_OK;
}

static bool wants_key(const reader *r)
{
    return r->depth && r->at[r->depth - 1].node->kind == QNS_YAML_MAP && !r->at[r->depth - 1].key;
}

static qns_status on_scalar(reader *r, const yaml_event_t *ev, qns_err *err)
{
    const char *s = (const char *)ev->data.scalar.value;
    const size_t n = ev->data.scalar.length;
    const bool quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(s, 0, n))
        FAIL_AT(err, r, ev->start_mark, "text with a zero byte");
    if (wants_key(r)) {
        level *up = &r->at[r->depth - 1];
        if (n == 0)
            FAIL_AT(err, r, ev->start_mark, "a key without a name");
        QNS_TRY(count_node(r, ev->start_mark, err));
        up->key_line = (uint32_t)ev->start_mark.line + 1;
        return copy_text(&up->key, r->y, s, n, err);
    }
    qns_yaml_node *node;
    QNS_TRY(add_node(&node, r, QNS_YAML_SCALAR, ev->start_mark, err));
    node->quoted = quoted;
    return copy_text(&node->text, r->y, s, n, err);
}

static qns_status on_open(reader *r, const yaml_event_t *ev, qns_yaml_kind kind, qns_err *err)
{
    qns_yaml_node *node;
    if (wants_key(r))
        FAIL_AT(err, r, ev->start_mark, "a list or map as a key; keys must be plain text");
    if (r->depth == QNS_YAML_MAX_DEPTH)
        FAIL_AT(err, r, ev->start_mark, "more than %d levels of nesting", QNS_YAML_MAX_DEPTH);
    QNS_TRY(add_node(&node, r, kind, ev->start_mark, err));
    r->at[r->depth++] = (level){.node = node};
    return QNS_OK;
}

static qns_status duplicate(const qns_yaml_node *a, const qns_yaml_node *b, qns_err *err)
{
    qns_err_set(err, QNS_E_FORMAT, __FILE__, __LINE__, "key '%s' was already given in line %u",
                a->key, b->key_line);
    qns_err_note(err, "%s:%u", a->file, a->key_line);
    return QNS_E_FORMAT;
}

static qns_status check_keys(const qns_yaml_node *map, qns_err *err)
{
    qns_status st = QNS_OK;
    qns_map seen = {0};
    if (map->n <= FEW_KEYS) {
        for (const qns_yaml_node *c = map->first; c; c = c->next)
            for (const qns_yaml_node *d = map->first; d != c; d = d->next)
                if (strcmp(c->key, d->key) == 0)
                    return duplicate(c, d, err);
        return QNS_OK;
    }
    for (const qns_yaml_node *c = map->first; c; c = c->next) {
        const uint32_t line = qns_map_get(&seen, c->key);
        if (line != QNS_MAP_NONE) {
            const qns_yaml_node first = {.key_line = line};
            QNS_TRY_DONE(duplicate(c, &first, err));
        }
        QNS_TRY_DONE(qns_map_put(&seen, c->key, c->key_line, err));
    }
done:
    qns_map_fini(&seen);
    return st;
}

static qns_status refuse_extras(reader *r, const yaml_event_t *ev, qns_err *err)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (ev->type == YAML_SCALAR_EVENT) {
        anchor = ev->data.scalar.anchor;
        tag = ev->data.scalar.tag;
    } else if (ev->type == YAML_SEQUENCE_START_EVENT) {
        anchor = ev->data.sequence_start.anchor;
        tag = ev->data.sequence_start.tag;
    } else if (ev->type == YAML_MAPPING_START_EVENT) {
        anchor = ev->data.mapping_start.anchor;
        tag = ev->data.mapping_start.tag;
    } else if (ev->type == YAML_ALIAS_EVENT) {
        FAIL_AT(
            err, r, ev->start_mark,
            "alias '*%.80s': anchors and aliases are not supported; write the value out, or put "
            "text that starts with * in quotes",
            (const char *)ev->data.alias.anchor);
    }
    if (anchor)
        FAIL_AT(err, r, ev->start_mark,
                "anchor '&%.80s': anchors and aliases are not supported; write the value out",
                (const char *)anchor);
    if (tag)
        FAIL_AT(err, r, ev->start_mark, "tag '%.80s': tags are not supported", (const char *)tag);
    return QNS_OK;
}

static qns_status on_event(reader *r, const yaml_event_t *ev, qns_err *err)
{
    QNS_TRY(refuse_extras(r, ev, err));
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (r->y->root)
            FAIL_AT(err, r, ev->start_mark, "a second document; one is expected");
        return QNS_OK;
    case YAML_SCALAR_EVENT:
        return on_scalar(r, ev, err);
    case YAML_SEQUENCE_START_EVENT:
        return on_open(r, ev, QNS_YAML_LIST, err);
    case YAML_MAPPING_START_EVENT:
        return on_open(r, ev, QNS_YAML_MAP, err);
    case YAML_MAPPING_END_EVENT:
        return check_keys(r->at[--r->depth].node, err);
    case YAML_SEQUENCE_END_EVENT:
        r->depth--;
        return QNS_OK;
    case YAML_STREAM_END_EVENT:
        r->ended = true;
        return QNS_OK;
    default:
        return QNS_OK;
    }
}

static qns_status syntax_error(reader *r, qns_err *err)
{
    const yaml_parser_t *p = &r->yp;
    const char *problem = p->problem ? p->problem : "cannot be parsed";
    if (p->error == YAML_MEMORY_ERROR)
        QNS_FAIL(err, NOMEM, "cannot parse '%s'", r->y->file);
    if (p->error == YAML_READER_ERROR)
        QNS_FAIL(err, FORMAT, "'%s' is not YAML text: %s (byte %zu)", r->y->file, problem,
                 p->problem_offset);
    if (p->context)
        FAIL_AT(err, r, p->problem_mark, "not valid YAML: %s, %s that starts in line %zu", problem,
                p->context, p->context_mark.line + 1);
    FAIL_AT(err, r, p->problem_mark, "not valid YAML: %s", problem);
}

qns_status qns_yaml_parse(qns_yaml **out, const char *text, size_t n, const char *name,
                          qns_err *err)
{
    qns_status st = QNS_OK;
    reader *r = NULL;
    bool parsing = false;
    QNS_TRY(qns_new((void **)&r, 1, sizeof *r, err));
    QNS_TRY_DONE(qns_new((void **)&r->y, 1, sizeof *r->y, err));
    QNS_TRY_DONE(qns_arena_create(&r->y->arena, err));
    if (!(r->y->file = qns_arena_strdup(r->y->arena, name)))
        QNS_FAIL_DONE(err, NOMEM, "cannot parse '%s'", name);
    if (n > QNS_YAML_MAX_BYTES)
        QNS_FAIL_DONE(err, FORMAT, "'%s' has %zu bytes; the most that is read is %d", name, n,
                      QNS_YAML_MAX_BYTES);
    if (!yaml_parser_initialize(&r->yp))
        QNS_FAIL_DONE(err, NOMEM, "cannot parse '%s'", name);
    parsing = true;
    yaml_parser_set_input_string(&r->yp, (const unsigned char *)text, n);
    while (!r->ended) {
        yaml_event_t ev;
        if (!yaml_parser_parse(&r->yp, &ev)) {
            st = syntax_error(r, err);
            goto done;
        }
        st = on_event(r, &ev, err);
        yaml_event_delete(&ev);
        if (st != QNS_OK)
            goto done;
    }
    if (!r->y->root)
        QNS_FAIL_DONE(err, FORMAT, "'%s' is empty", name);
    *out = r->y;
    r->y = NULL;
done:
    if (parsing)
        yaml_parser_delete(&r->yp);
    qns_yaml_free(r->y);
    qns_free(r);
    return st;
}

qns_status qns_yaml_read(qns_yaml **out, const char *path, qns_err *err)
{
    char *text;
    size_t n;
    QNS_TRY(qns_file_read(&text, &n, path, QNS_YAML_MAX_BYTES, err));
    const qns_status st = qns_yaml_parse(out, text, n, path, err);
    qns_free(text);
    return st;
}

void qns_yaml_free(qns_yaml *y)
{
    if (!y)
        return;
    qns_arena_free(y->arena);
    qns_free(y);
}

const qns_yaml_node *qns_yaml_root(const qns_yaml *y)
{
    return y->root;
}
