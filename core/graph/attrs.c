/* SPDX-License-Identifier: MIT */
/* Attribute lists: short, so a search from the front is enough. */
#include "core/graph/attrs.h"

#include "core/base/mem.h"
#include "core/base/vec.h"

#include <string.h>

static const char *kind_text(qns_attr_kind k)
{
    static const char *const text[] = {
        "an integer", "a float",  "a text", "integers",
        "floats",     "a tensor", "texts",  "of a kind that is not read here"};
    return (unsigned)k < QNS_ARRAY_LEN(text) ? text[k] : "of an unknown kind";
}

qns_attr *qns_attrs_find(qns_attrs *a, const char *name)
{
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->at[i].name, name) == 0) {
            a->at[i].used = true;
            return &a->at[i];
        }
    return NULL;
}

const char *qns_attrs_unused(const qns_attrs *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (!a->at[i].used)
            return a->at[i].name;
    return NULL;
}

/* The attribute of that name, which must be of the kind; *out is NULL when there is none. */
static qns_status get(const qns_attr **out, qns_attrs *a, const char *name, qns_attr_kind kind,
                      qns_err *err)
{
    const qns_attr *t = qns_attrs_find(a, name);
    *out = t;
    if (t && t->kind != kind)
        QNS_FAIL(err, FORMAT, "attribute '%s' is %s; it must be %s", name, kind_text(t->kind),
                 kind_text(kind));
    return QNS_OK;
}

qns_status qns_attrs_int(int64_t *out, qns_attrs *a, const char *name, int64_t def, qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_INT, err));
    *out = t ? t->i : def;
    return QNS_OK;
}

qns_status qns_attrs_float(float *out, qns_attrs *a, const char *name, float def, qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_FLOAT, err));
    *out = t ? t->f : def;
    return QNS_OK;
}

qns_status qns_attrs_text(const char **out, qns_attrs *a, const char *name, const char *def,
                          qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_TEXT, err));
    *out = t ? t->text : def;
    return QNS_OK;
}

qns_status qns_attrs_texts(const char **out, qns_attrs *a, const char *name, qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_TEXTS, err));
    *out = t ? t->text : NULL;
    return QNS_OK;
}

qns_status qns_attrs_floats(const float **out, size_t *n, qns_attrs *a, const char *name,
                            qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_FLOATS, err));
    *out = t ? t->floats : NULL;
    *n = t ? t->n : 0;
    return QNS_OK;
}

qns_status qns_attrs_ints(const int64_t **out, size_t *n, qns_attrs *a, const char *name,
                          qns_err *err)
{
    const qns_attr *t;
    QNS_TRY(get(&t, a, name, QNS_ATTR_INTS, err));
    *out = t ? t->ints : NULL;
    *n = t ? t->n : 0;
    return QNS_OK;
}

static qns_status dup_bytes(const void **p, qns_arena *arena, size_t n, size_t size, qns_err *err)
{
    void *copy;
    QNS_TRY(qns_arena_new(&copy, arena, n, size, err));
    if (n)
        memcpy(copy, *p, n * size);
    *p = copy;
    return QNS_OK;
}

qns_status qns_attrs_add(qns_attrs *a, const qns_attr *attr, qns_err *err)
{
    qns_attr t = *attr;
    for (size_t i = 0; i < a->n; i++)
        if (strcmp(a->at[i].name, t.name) == 0)
            QNS_FAIL(err, FORMAT, "attribute '%s' is given twice", t.name);
    QNS_TRY(dup_bytes((const void **)&t.name, a->arena, strlen(t.name) + 1, 1, err));
    if (t.kind == QNS_ATTR_TEXT || t.kind == QNS_ATTR_TEXTS)
        QNS_TRY(dup_bytes((const void **)&t.text, a->arena, strlen(t.text) + 1, 1, err));
    if (t.kind == QNS_ATTR_INTS)
        QNS_TRY(dup_bytes((const void **)&t.ints, a->arena, t.n, sizeof *t.ints, err));
    if (t.kind == QNS_ATTR_FLOATS)
        QNS_TRY(dup_bytes((const void **)&t.floats, a->arena, t.n, sizeof *t.floats, err));
    if (t.kind == QNS_ATTR_TENSOR) {
        const void *data = t.tensor.data;
        QNS_TRY(dup_bytes(&data, a->arena, qns_tensor_bytes(&t.tensor), 1, err));
        memcpy(&t.tensor.data, &data, sizeof data); /* the copy is ours: const ends here */
    }
    QNS_VEC_PUSH(a, t, err);
    return QNS_OK;
}

qns_status qns_attrs_add_texts(qns_attrs *a, const char *name, const char *words, qns_err *err)
{
    const qns_attr t = {.name = name, .kind = QNS_ATTR_TEXTS, .text = words};
    return qns_attrs_add(a, &t, err);
}

qns_status qns_attrs_add_floats(qns_attrs *a, const char *name, const float *v, size_t n,
                                qns_err *err)
{
    const qns_attr t = {.name = name, .kind = QNS_ATTR_FLOATS, .floats = v, .n = n};
    return qns_attrs_add(a, &t, err);
}

qns_status qns_attrs_add_int(qns_attrs *a, const char *name, int64_t v, qns_err *err)
{
    return qns_attrs_add(a, &(qns_attr){.name = name, .kind = QNS_ATTR_INT, .i = v}, err);
}

qns_status qns_attrs_add_float(qns_attrs *a, const char *name, float v, qns_err *err)
{
    return qns_attrs_add(a, &(qns_attr){.name = name, .kind = QNS_ATTR_FLOAT, .f = v}, err);
}

qns_status qns_attrs_add_text(qns_attrs *a, const char *name, const char *v, qns_err *err)
{
    return qns_attrs_add(a, &(qns_attr){.name = name, .kind = QNS_ATTR_TEXT, .text = v}, err);
}

qns_status qns_attrs_add_ints(qns_attrs *a, const char *name, const int64_t *v, size_t n,
                              qns_err *err)
{
    return qns_attrs_add(a, &(qns_attr){.name = name, .kind = QNS_ATTR_INTS, .ints = v, .n = n},
                         err);
}

void qns_attrs_fini(qns_attrs *a)
{
    qns_free(a->at);
    a->at = NULL;
    a->n = a->cap = 0;
}
