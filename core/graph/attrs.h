/* SPDX-License-Identifier: MIT */
/* A neutral attribute list: what stands between a model file format and an operator.
 *
 * Reading an attribute marks it as used; qns_attrs_unused() then names one that nobody asked for,
 * which is how an unsupported attribute is noticed instead of ignored. */
#ifndef QNS_ATTRS_H
#define QNS_ATTRS_H

#include "core/base/arena.h"
#include "core/graph/tensor.h"

typedef enum qns_attr_kind {
    QNS_ATTR_INT,
    QNS_ATTR_FLOAT,
    QNS_ATTR_TEXT,
    QNS_ATTR_INTS,
    QNS_ATTR_FLOATS,
    QNS_ATTR_TENSOR,
    QNS_ATTR_TEXTS, /* text: the words with a space between them */
    QNS_ATTR_OTHER  /* graphs and the like: present, but not readable here */
} qns_attr_kind;

typedef struct qns_attr {
    const char *name;
    qns_attr_kind kind;
    int64_t i;
    float f;
    const char *text;
    const int64_t *ints;
    const float *floats;
    size_t n; /* of ints or floats */
    qns_tensor tensor;
    bool used;
} qns_attr;

typedef struct qns_attrs {
    qns_attr *at;
    size_t n, cap;
    qns_arena *arena; /* where the copies live */
} qns_attrs;

qns_attr *qns_attrs_find(qns_attrs *a, const char *name); /* NULL when absent; marks it as used */
const char *qns_attrs_unused(const qns_attrs *a);         /* NULL when all were used */
/* The getters fail with FORMAT when the attribute has another kind. Absent: the default. */
qns_status qns_attrs_int(int64_t *out, qns_attrs *a, const char *name, int64_t def, qns_err *err);
qns_status qns_attrs_float(float *out, qns_attrs *a, const char *name, float def, qns_err *err);
qns_status qns_attrs_text(const char **out, qns_attrs *a, const char *name, const char *def,
                          qns_err *err);
/* The words of a list of texts, with a space between them; NULL when absent. */
qns_status qns_attrs_texts(const char **out, qns_attrs *a, const char *name, qns_err *err);
/* *out is NULL and *n 0 when absent. */
qns_status qns_attrs_ints(const int64_t **out, size_t *n, qns_attrs *a, const char *name,
                          qns_err *err);
qns_status qns_attrs_floats(const float **out, size_t *n, qns_attrs *a, const char *name,
                            qns_err *err);

/* The adders copy into the arena. */
qns_status qns_attrs_add(qns_attrs *a, const qns_attr *attr, qns_err *err);
qns_status qns_attrs_add_int(qns_attrs *a, const char *name, int64_t v, qns_err *err);
qns_status qns_attrs_add_float(qns_attrs *a, const char *name, float v, qns_err *err);
qns_status qns_attrs_add_text(qns_attrs *a, const char *name, const char *v, qns_err *err);
qns_status qns_attrs_add_texts(qns_attrs *a, const char *name, const char *words, qns_err *err);
qns_status qns_attrs_add_floats(qns_attrs *a, const char *name, const float *v, size_t n,
                                qns_err *err);
qns_status qns_attrs_add_ints(qns_attrs *a, const char *name, const int64_t *v, size_t n,
                              qns_err *err);
void qns_attrs_fini(qns_attrs *a);

#endif
