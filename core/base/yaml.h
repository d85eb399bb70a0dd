/* SPDX-License-Identifier: MIT */
/* YAML text -> a tree of scalars, lists and maps that knows where everything stood.
 *
 * Made for configuration files written by people: whatever is probably a mistake is refused, with
 * the file and the line. Duplicate keys, keys that are not plain text, tags, a second document,
 * anchors and aliases (a few lines of which can stand for gigabytes) are errors, and so are more
 * than QNS_YAML_MAX_DEPTH levels, QNS_YAML_MAX_NODES nodes or QNS_YAML_MAX_BYTES bytes. */
#ifndef QNS_YAML_H
#define QNS_YAML_H

#include "core/base/status.h"

enum {
    QNS_YAML_MAX_DEPTH = 64,
    QNS_YAML_MAX_NODES = 1000 * 1000, /* keys count, too */
    QNS_YAML_MAX_BYTES = 16 << 20
};

typedef struct qns_yaml qns_yaml;

typedef enum qns_yaml_kind { QNS_YAML_SCALAR, QNS_YAML_LIST, QNS_YAML_MAP } qns_yaml_kind;

/* Walk the items of a list or the values of a map, in the file's order, with
 *     for (const qns_yaml_node *c = node->first; c; c = c->next) */
typedef struct qns_yaml_node {
    qns_yaml_kind kind;
    bool quoted;           /* a scalar in quotes or a block: always text, never a number */
    uint32_t line, column; /* from 1 */
    const char *file;      /* as in messages */
    const char *text;      /* of a scalar; empty, not NULL, when nothing stands there */
    const char *key;       /* when the parent is a map; NULL otherwise */
    uint32_t key_line;     /* line of the key; that of the node when there is no key */
    uint32_t n;            /* children */
    const struct qns_yaml_node *parent, *first, *next;
} qns_yaml_node;

/* Fails with IO or NOMEM, or with FORMAT when the text is not such YAML. An empty text is refused,
 * too. */
qns_status qns_yaml_read(qns_yaml **out, const char *path, qns_err *err);
/* The same from memory; name stands for the file in messages. Nothing of text is kept. */
qns_status qns_yaml_parse(qns_yaml **out, const char *text, size_t n, const char *name,
                          qns_err *err);
void qns_yaml_free(qns_yaml *y);
const qns_yaml_node *qns_yaml_root(const qns_yaml *y);

/* Value of a key, or NULL. */
const qns_yaml_node *qns_yaml_find(const qns_yaml_node *map, const char *key);
/* Fails with CONFIG when there is a key that is not among the n known ones:
 * "data.yaml:4: unknown key 'lables', did you mean 'labels'?" */
qns_status qns_yaml_known(const qns_yaml_node *map, const char *const *keys, size_t n,
                          qns_err *err);

/* Typed access. Each fails with CONFIG, naming file, line, key and what was expected:
 * "data.yaml:7: 'scale' must be a number, is 'abc'". */
qns_status qns_yaml_want(const qns_yaml_node *node, qns_yaml_kind kind, qns_err *err);
qns_status qns_yaml_text(const char **out, const qns_yaml_node *node, qns_err *err); /* not empty */
qns_status qns_yaml_bool(bool *out, const qns_yaml_node *node, qns_err *err);
/* Decimal, within lo..hi. */
qns_status qns_yaml_int(int64_t *out, const qns_yaml_node *node, int64_t lo, int64_t hi,
                        qns_err *err);
/* Finite. */
qns_status qns_yaml_double(double *out, const qns_yaml_node *node, qns_err *err);
/* One of n words; *out is its index. The message names the nearest. */
qns_status qns_yaml_word(size_t *out, const qns_yaml_node *node, const char *const *words, size_t n,
                         qns_err *err);

/* Sets an error of code CONFIG that starts with "file:line: "; returns QNS_E_CONFIG. */
qns_status qns_yaml_fail(const qns_yaml_node *node, qns_err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
