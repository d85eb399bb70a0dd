/* SPDX-License-Identifier: MIT */
#include "core/model/onnx_proto.h"

#include "core/model/onnx_data.h"

#include <string.h>

#define KIND(x) ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##x

static qns_status new_array(void **out, qns_arena *a, size_t n, size_t size, qns_err *err)
{
    return qns_arena_new(out, a, n ? n : 1, size, err);
}

qns_status qns_pb_tensor(Onnx__TensorProto **out, qns_arena *a, const char *name,
                         const qns_tensor *t, qns_err *err)
{
    Onnx__TensorProto *p;
    QNS_TRY(qns_arena_new((void **)&p, a, 1, sizeof *p, err));
    onnx__tensor_proto__init(p);
    p->n_dims = (size_t)t->shape.rank;
    QNS_TRY(new_array((void **)&p->dims, a, p->n_dims, sizeof *p->dims, err));
    memcpy(p->dims, t->shape.dim, p->n_dims * sizeof *p->dims);
    p->has_data_type = 1;
    p->data_type = qns_onnx_data_type(t->dtype);
    p->name = qns_pb_text(name);
    p->has_raw_data = 1;
    p->raw_data = (ProtobufCBinaryData){qns_tensor_bytes(t), t->data};
    *out = p;
    return QNS_OK;
}

static qns_status make_dim(Onnx__TensorShapeProto__Dimension **out, qns_arena *a, int64_t size,
                           const char *symbol, qns_err *err)
{
    Onnx__TensorShapeProto__Dimension *d;
    QNS_TRY(qns_arena_new((void **)&d, a, 1, sizeof *d, err));
    onnx__tensor_shape_proto__dimension__init(d);
    if (symbol) {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM;
        d->dim_param = qns_pb_text(symbol);
    } else {
        d->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
        d->dim_value = size;
    }
    *out = d;
    return QNS_OK;
}

qns_status qns_pb_value(Onnx__ValueInfoProto **out, qns_arena *a, const qns_value *v,
                        const char *symbol, qns_err *err)
{
    Onnx__ValueInfoProto *p;
    Onnx__TypeProto *type;
    Onnx__TypeProto__Tensor *t;
    Onnx__TensorShapeProto *s;
    QNS_TRY(qns_arena_new((void **)&p, a, 1, sizeof *p, err));
    QNS_TRY(qns_arena_new((void **)&type, a, 1, sizeof *type, err));
    QNS_TRY(qns_arena_new((void **)&t, a, 1, sizeof *t, err));
    QNS_TRY(qns_arena_new((void **)&s, a, 1, sizeof *s, err));
    onnx__value_info_proto__init(p);
    onnx__type_proto__init(type);
    onnx__type_proto__tensor__init(t);
    onnx__tensor_shape_proto__init(s);
    s->n_dim = (size_t)v->shape.rank;
    QNS_TRY(new_array((void **)&s->dim, a, s->n_dim, sizeof(void *), err));
    for (size_t i = 0; i < s->n_dim; i++)
        QNS_TRY(make_dim(&s->dim[i], a, v->shape.dim[i], i == 0 ? symbol : NULL, err));
    t->has_elem_type = 1;
    t->elem_type = qns_onnx_data_type(v->dtype);
    t->shape = s;
    type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
    type->tensor_type = t;
    p->name = qns_pb_text(v->name);
    p->type = type;
    *out = p;
    return QNS_OK;
}

/* Words with a space between them -> a list of texts. */
static qns_status make_texts(Onnx__AttributeProto *p, qns_arena *a, const char *words, qns_err *err)
{
    size_t n = 0;
    for (const char *s = words; *s; s += strcspn(s, " "), s += *s == ' ')
        n++;
    QNS_TRY(new_array((void **)&p->strings, a, n, sizeof *p->strings, err));
    for (const char *s = words; *s; s += *s == ' ') {
        const size_t len = strcspn(s, " ");
        p->strings[p->n_strings++] = (ProtobufCBinaryData){len, (uint8_t *)qns_pb_text(s)};
        s += len;
    }
    return QNS_OK;
}

static qns_status make_attr(Onnx__AttributeProto **out, qns_arena *a, const qns_attr *from,
                            qns_err *err)
{
    Onnx__AttributeProto *p;
    QNS_TRY(qns_arena_new((void **)&p, a, 1, sizeof *p, err));
    onnx__attribute_proto__init(p);
    p->name = qns_pb_text(from->name);
    p->has_type = 1;
    switch (from->kind) {
    case QNS_ATTR_INT:
        p->type = KIND(INT);
        p->has_i = 1;
        p->i = from->i;
        break;
    case QNS_ATTR_FLOAT:
        p->type = KIND(FLOAT);
        p->has_f = 1;
        p->f = from->f;
        break;
    case QNS_ATTR_TEXT:
        p->type = KIND(STRING);
        p->has_s = 1;
        p->s = (ProtobufCBinaryData){strlen(from->text), (uint8_t *)qns_pb_text(from->text)};
        break;
    case QNS_ATTR_INTS:
        p->type = KIND(INTS);
        p->n_ints = from->n;
        p->ints = (int64_t *)(uintptr_t)from->ints;
        break;
    case QNS_ATTR_FLOATS:
        p->type = KIND(FLOATS);
        p->n_floats = from->n;
        p->floats = (float *)(uintptr_t)from->floats;
        break;
    case QNS_ATTR_TENSOR:
        p->type = KIND(TENSOR);
        QNS_TRY(qns_pb_tensor(&p->t, a, NULL, &from->tensor, err));
        break;
    case QNS_ATTR_TEXTS:
        p->type = KIND(STRINGS);
        QNS_TRY(make_texts(p, a, from->text, err));
        break;
    case QNS_ATTR_OTHER:
        QNS_FAIL(err, UNSUPPORTED, "attribute '%s' cannot be written", from->name);
    }
    *out = p;
    return QNS_OK;
}

static qns_status copy_texts(char ***out, qns_arena *a, const char *const *from, size_t n,
                             qns_err *err)
{
    QNS_TRY(new_array((void **)out, a, n, sizeof **out, err));
    for (size_t i = 0; i < n; i++)
        (*out)[i] = qns_pb_text(from[i]);
    return QNS_OK;
}

/* "Conv", or "domain.Type". */
static qns_status set_type(Onnx__NodeProto *p, qns_arena *a, const char *type, qns_err *err)
{
    const char *dot = strrchr(type, '.');
    char *domain;
    p->op_type = qns_pb_text(dot ? dot + 1 : type);
    if (!dot)
        return QNS_OK;
    QNS_TRY(qns_arena_new((void **)&domain, a, (size_t)(dot - type) + 1, 1, err));
    memcpy(domain, type, (size_t)(dot - type));
    p->domain = domain;
    return QNS_OK;
}

qns_status qns_pb_node(Onnx__NodeProto **out, qns_arena *a, const char *type, const char *name,
                       const char *const *in, size_t n_in, const char *const *output, size_t n_out,
                       const qns_attrs *attrs, qns_err *err)
{
    Onnx__NodeProto *p;
    QNS_TRY(qns_arena_new((void **)&p, a, 1, sizeof *p, err));
    onnx__node_proto__init(p);
    QNS_TRY(set_type(p, a, type, err));
    p->name = qns_pb_text(name);
    p->n_input = n_in;
    p->n_output = n_out;
    p->n_attribute = attrs->n;
    QNS_TRY(copy_texts(&p->input, a, in, n_in, err));
    QNS_TRY(copy_texts(&p->output, a, output, n_out, err));
    QNS_TRY(new_array((void **)&p->attribute, a, attrs->n, sizeof *p->attribute, err));
    for (size_t i = 0; i < attrs->n; i++)
        QNS_TRY(make_attr(&p->attribute[i], a, &attrs->at[i], err));
    *out = p;
    return QNS_OK;
}

qns_status qns_pb_entry(Onnx__StringStringEntryProto **out, qns_arena *a, const char *key,
                        const char *value, qns_err *err)
{
    Onnx__StringStringEntryProto *p;
    QNS_TRY(qns_arena_new((void **)&p, a, 1, sizeof *p, err));
    onnx__string_string_entry_proto__init(p);
    p->key = qns_pb_text(key);
    p->value = qns_pb_text(value);
    *out = p;
    return QNS_OK;
}
