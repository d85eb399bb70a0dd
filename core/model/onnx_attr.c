/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_attr.h"

#include <string.h>

#define KIND(x) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##x

/* No operator has more than 20. */
enum { MAX_ATTRS = 256 };

/* Old writers leave the type out; then the field that is set tells it. */
static int kind_of(const Onnx__AttributeProto *p)
{
    if (p->has_type && p->type != KIND(UNDEFINED))
        return (int)p->type;
    return p->has_f       ? KIND(FLOAT)
           : p->has_i     ? KIND(INT)
           : p->has_s     ? KIND(STRING)
           : p->t         ? KIND(TENSOR)
           : p->n_floats  ? KIND(FLOATS)
           : p->n_ints    ? KIND(INTS)
           : p->n_strings ? KIND(STRINGS)
                          : KIND(UNDEFINED);
}

static qns_status add_text(qns_attr *t, qns_attrs *out, const Onnx__AttributeProto *p, qns_err *err)
{
    char *text;
    QNS_TRY(qns_arena_new((void **)&text, out->arena, p->s.len + 1, 1, err));
    if (p->s.len)
        memcpy(text, p->s.data, p->s.len);
    t->kind = QNS_ATTR_TEXT;
    t->text = text;
    return qns_attrs_add(out, t, err);
}

/* The words with a space between them. */
static qns_status add_texts(qns_attr *t, qns_attrs *out, const Onnx__AttributeProto *p,
                            qns_err *err)
{
    size_t size = 1;
    char *text, *to;
    for (size_t i = 0; i < p->n_strings; i++)
        size += p->strings[i].len + 1;
    QNS_TRY(qns_arena_new((void **)&text, out->arena, size, 1, err));
    to = text;
    for (size_t i = 0; i < p->n_strings; i++) {
        const ProtobufCBinaryData *s = &p->strings[i];
        if (i)
            *to++ = ' ';
        if (s->len)
            memcpy(to, s->data, s->len);
        to += s->len;
    }
    t->kind = QNS_ATTR_TEXTS;
    t->text = text;
    t->n = p->n_strings;
    return qns_attrs_add(out, t, err);
}

static qns_status add(qns_attrs *out, qns_onnx_place *place, const Onnx__AttributeProto *p,
                      qns_err *err)
{
    qns_attr t = {.name = p->name, .kind = QNS_ATTR_OTHER};
    switch (kind_of(p)) {
    case KIND(FLOAT):
        t.kind = QNS_ATTR_FLOAT;
        t.f = p->f;
        break;
    case KIND(INT):
        t.kind = QNS_ATTR_INT;
        t.i = p->i;
        break;
    case KIND(STRING):
        return add_text(&t, out, p, err);
    case KIND(STRINGS):
        return add_texts(&t, out, p, err);
    case KIND(FLOATS):
        t.kind = QNS_ATTR_FLOATS;
        t.floats = p->floats;
        t.n = p->n_floats;
        break;
    case KIND(INTS):
        t.kind = QNS_ATTR_INTS;
        t.ints = p->ints;
        t.n = p->n_ints;
        break;
    case KIND(TENSOR):
        if (!p->t)
            QNS_FAIL(err, FORMAT, "attribute '%s' is a tensor without a value", p->name);
        t.kind = QNS_ATTR_TENSOR;
        QNS_TRY(qns_onnx_data(&t.tensor, place, p->t, out->arena, err));
        break;
    default:
        break;
    }
    return qns_attrs_add(out, &t, err);
}

static qns_status check(const Onnx__AttributeProto *p, qns_err *err)
{
    if (!p->name || !p->name[0])
        QNS_FAIL(err, FORMAT, "an attribute has no name");
    if (p->ref_attr_name && p->ref_attr_name[0])
        QNS_FAIL(err, UNSUPPORTED, "attribute '%s' refers to '%s' of a function", p->name,
                 p->ref_attr_name);
    return QNS_OK;
}

qns_status qns_onnx_attrs(qns_attrs *out, qns_onnx_place *place, const Onnx__NodeProto *n,
                          qns_err *err)
{
    if (n->n_attribute > MAX_ATTRS)
        QNS_FAIL(err, FORMAT, "has %zu attributes", n->n_attribute);
    for (size_t i = 0; i < n->n_attribute; i++) {
        QNS_TRY(check(n->attribute[i], err));
        QNS_TRY(add(out, place, n->attribute[i], err));
    }
    return QNS_OK;
}

static qns_status copy_list(qns_tensor *out, qns_dtype dtype, const void *p, size_t n, bool scalar,
                            qns_arena *a, qns_err *err)
{
    *out = (qns_tensor){.dtype = dtype, .shape = {.rank = scalar ? 0 : 1, .dim = {(int64_t)n}}};
    QNS_TRY(qns_arena_new(&out->data, a, n, qns_dtype_size(dtype), err));
    if (n)
        memcpy(out->data, p, n * qns_dtype_size(dtype));
    return QNS_OK;
}

qns_status qns_onnx_constant_node(qns_tensor *out, qns_onnx_place *place, const Onnx__NodeProto *n,
                                  qns_arena *a, qns_err *err)
{
    if (n->n_attribute != 1)
        QNS_FAIL(err, FORMAT, "has %zu attributes; a Constant has one", n->n_attribute);
    const Onnx__AttributeProto *p = n->attribute[0];
    QNS_TRY(check(p, err));
    if (strcmp(p->name, "value") == 0 && p->t)
        return qns_onnx_data(out, place, p->t, a, err);
    if (strcmp(p->name, "value_float") == 0)
        return copy_list(out, QNS_F32, &p->f, 1, true, a, err);
    if (strcmp(p->name, "value_int") == 0)
        return copy_list(out, QNS_I64, &p->i, 1, true, a, err);
    if (strcmp(p->name, "value_floats") == 0)
        return copy_list(out, QNS_F32, p->floats, p->n_floats, false, a, err);
    if (strcmp(p->name, "value_ints") == 0)
        return copy_list(out, QNS_I64, p->ints, p->n_ints, false, a, err);
    QNS_FAIL(err, UNSUPPORTED, "attribute '%s'; value, value_int(s) and value_float(s) are read",
             p->name);
}
